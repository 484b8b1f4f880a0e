"""The words of the English-Chinese grammar, and how English words change their form.

A class of nouns says what can be done with the things: printed things can be read,
fragile things break. Chinese counts each noun with its own measure word (一 本 书, "one
volume book"), so the tables list nouns by class and measure word.

This module knows no sentence.
"""

from collections.abc import Sequence

# class, measure word: nouns. An irregular plural stands after a slash.
NOUNS = """
person 位: teacher 老师, doctor 医生, lawyer 律师, engineer 工程师, artist 艺术家,
    actor 演员, writer 作家, scientist 科学家, chef 厨师, professor 教授, driver 司机
person 个: student 学生, child/children 孩子, man/men 男人, woman/women 女人, boy 男孩,
    girl 女孩, tourist 游客
person 名: nurse 护士, worker 工人, soldier 士兵, policeman/policemen 警察,
    reporter 记者
animal 只: cat 猫, dog 狗, bird 鸟, rabbit 兔子, monkey 猴子, tiger 老虎, duck 鸭子,
    mouse/mice 老鼠, goose/geese 鹅, wolf/wolves 狼
animal 头: cow 牛, pig 猪, elephant 大象
animal 条: snake 蛇
printed 本: book 书, novel 小说, dictionary 词典, magazine 杂志
printed 份: newspaper 报纸
writing 封: letter 信, email 邮件
writing 篇: article 文章, essay 作文
writing 首: poem 诗
writing 份: report 报告
writing 个: story 故事
fruit 个: apple 苹果, orange 橙子, pear 梨, potato/potatoes 土豆,
    tomato/tomatoes 西红柿
fruit 根: banana 香蕉, carrot 胡萝卜
food 个: egg 鸡蛋, cake 蛋糕, sandwich 三明治, dumpling 饺子
food 块: biscuit 饼干
thing 把: umbrella 雨伞, key 钥匙, knife/knives 刀, guitar 吉他
thing 张: map 地图, ticket 票, photo 照片
thing 个: bag 包, box 箱子, toy 玩具, basket 篮子
thing 支: pen 笔, pencil 铅笔
thing 件: gift 礼物
thing 幅: painting 画
machine 台: computer 电脑, camera 照相机, television 电视机, fridge 冰箱
machine 部: phone 手机
vehicle 辆: car 汽车, bicycle 自行车, lorry 卡车
furniture 张: table 桌子, bed 床, sofa 沙发
furniture 把: chair 椅子
fragile 个: cup 杯子, plate 盘子, vase 花瓶, bottle 瓶子
fragile 面: mirror 镜子
opening 扇: window 窗户, door 门
clothes 件: shirt 衬衫, coat 大衣, sweater 毛衣, jacket 夹克, uniform 制服
clothes 条: skirt 裙子
accessory 顶: hat 帽子
accessory 条: scarf/scarves 围巾, necklace 项链
accessory 块: watch 手表
accessory 枚: ring 戒指
plant 朵: flower 花, rose 玫瑰
plant 棵: tree 树
film 部: film 电影
film 场: match 比赛
song 首: song 歌
"""

# group: verbs. Past and participle stand after slashes when they are irregular. A plus
# joins two words: "look+for" is one verb in Chinese. A hyphen is where 过 goes in.
# Who has been to Paris is back, as is who 去过 there; who has gone may still be away.
VERBS = """
read: read/read/read 读, translate 翻译, discuss 讨论, copy 抄
write: write/wrote/written 写
buy: buy/bought/bought 买, sell/sold/sold 卖, choose/chose/chosen 挑选
fetch: take/took/taken 拿走, bring/brought/brought 带来, find/found/found 找到,
    lose/lost/lost 弄丢, steal/stole/stolen 偷走
seek: look+for 找, use 用, borrow 借, sketch 画
eat: eat/ate/eaten 吃, cut/cut/cut 切, taste 品尝
wash: wash 洗
repair: repair 修理, test 测试
break: break/broke/broken 打破
open: open 打开, close 关上
dress: wear/wore/worn 穿
adorn: wear/wore/worn 戴
watch: watch 看
sing: sing/sang/sung 唱
grow: grow/grew/grown 种, water 浇, plant 栽
see: see/saw/seen 看见, notice 注意到
help: help 帮助, visit 拜访, teach/taught/taught 教, praise 表扬, criticise 批评,
    interview 采访, wait+for 等, hug 拥抱, call 叫
meet: meet/met/met 遇见, recognise 认出, invite 邀请, forgive/forgave/forgiven 原谅
feed: feed/fed/fed 喂
hunt: chase 追赶, follow 跟踪, smell 闻
catch: catch/caught/caught 抓住
kick: play 踢
hit: play 打
move: play 下
pluck: play 弹
bow: play 拉
drink: drink/drank/drunk 喝, order 点, taste 品尝
study: learn 学, study 学习
like: like 喜欢, love 爱, hate 讨厌
know: know/knew/known 认识, trust 信任, miss 想念, understand/understood/understood 理解
want: want 想要, need 需要
put: put/put/put 放, leave/left/left 留, hide/hid/hidden 藏
give: give/gave/given 给
go: go/went/been 去
roam: sleep/slept/slept 睡觉, rest 休息, play 玩
act: sleep/slept/slept 睡-觉, swim/swam/swum 游-泳, run/ran/run 跑-步, dance 跳-舞,
    rest 休息, work 工作, cry 哭, laugh 笑, exercise 锻炼
"""

# group: the classes of nouns that its verbs take as objects.
OBJECTS = {
    "read": "printed writing",
    "write": "writing",
    "buy": "printed fruit food thing machine vehicle furniture fragile clothes "
    "accessory plant",
    "fetch": "printed thing accessory",
    "seek": "printed thing machine vehicle",
    "eat": "fruit food",
    "wash": "clothes fruit vehicle",
    "repair": "machine vehicle furniture",
    "break": "fragile",
    "open": "opening",
    "dress": "clothes",
    "adorn": "accessory",
    "watch": "film",
    "sing": "song",
    "grow": "plant",
    "see": "person animal thing machine vehicle plant",
    "help": "person",
    "meet": "person",
    "feed": "animal",
    "hunt": "animal person",
    "catch": "animal",
    "like": "animal printed fruit food clothes accessory plant film song",
    "know": "person",
    "want": "printed thing machine vehicle furniture clothes accessory",
}
NOT_IN_PROGRESS = {"fetch", "break", "open", "dress", "adorn", "see", "meet", "catch"}
STATES = {"like", "know", "want"}  # verbs of what is so, and not of what is done
ACHIEVEMENTS = {"see", "meet", "catch", "fetch", "break"}  # of a moment: no manner
NOT_AS_EXPERIENCE = {"fetch", "open"}  # take no 过
WEARING = {"dress", "adorn"}  # of one thing at a time
NEVER_DONE = {"等"}  # 等 了 needs to say for how long

# Verbs of the passive, with what Chinese adds to say that something is done with.
PASSIVES = """
fragile: break/broke/broken 打破, sell/sold/sold 卖掉
thing: steal/stole/stolen 偷走, take/took/taken 拿走, find/found/found 找到
accessory: steal/stole/stolen 偷走, lose/lost/lost 弄丢
machine: repair 修好, steal/stole/stolen 偷走, sell/sold/sold 卖掉
vehicle: repair 修好, steal/stole/stolen 偷走, sell/sold/sold 卖掉
opening: open 打开, close 关上
fruit: eat/ate/eaten 吃掉, take/took/taken 拿走
food: eat/ate/eaten 吃掉, take/took/taken 拿走
printed: translate 翻译, borrow 借走, take/took/taken 拿走
animal: catch/caught/caught 抓住, chase 追赶
person: praise 表扬, criticise 批评, interview 采访, invite 邀请
"""

# class: adjectives. A Chinese adjective of two syllables takes 的 before a noun. A plus
# in front marks those that compare with -er.
ADJECTIVES = """
person: +young 年轻, +tall 高, +kind 善良, +busy 忙碌, +clever 聪明, famous 有名,
    honest 诚实, +rich 富有, +happy 高兴
animal: +small 小, +strong 强壮, +clever 聪明, +thin 瘦, hungry 饥饿
printed: +new 新, +old 旧, +thick 厚, interesting 有趣, useful 有用, expensive 昂贵
writing: +long 长, +short 短, interesting 有趣, important 重要, boring 无聊
fruit: +big 大, +small 小, +fresh 新鲜, delicious 好吃, expensive 昂贵
food: +big 大, +small 小, +fresh 新鲜, delicious 好吃, expensive 昂贵
thing: +new 新, +old 旧, +cheap 便宜, useful 有用, beautiful 漂亮
machine: +new 新, +old 旧, +cheap 便宜, expensive 昂贵, modern 现代
vehicle: +new 新, +old 旧, +fast 快, expensive 昂贵
furniture: +new 新, +heavy 重, comfortable 舒服
opening: +big 大, +small 小, +clean 干净
fragile: +new 新, +big 大, +clean 干净, beautiful 漂亮
clothes: +new 新, +old 旧, +warm 暖和, expensive 昂贵, beautiful 漂亮
accessory: +new 新, +cheap 便宜, expensive 昂贵, beautiful 漂亮
plant: +big 大, +small 小, beautiful 漂亮
film: +long 长, interesting 有趣, exciting 精彩, boring 无聊
song: +old 老, +short 短, beautiful 好听, famous 有名
"""
BEFORE_NOUNS = {"高": "高个子"}  # what is said of a person, and of whom
COLOURS = "red 红色, blue 蓝色, white 白色, black 黑色, green 绿色, yellow 黄色"
COLOURED = {"clothes", "accessory", "thing", "fragile", "machine", "vehicle", "opening"}

NAMES = (
    "Mary 玛丽, Tom 汤姆, Anna 安娜, David 大卫, Linda 琳达, Peter 彼得, Lucy 露西, "
    "Mike 迈克"
)
OTHER_NAMES = (
    "John 约翰, Alice 爱丽丝, Emma 艾玛, Paul 保罗, Helen 海伦, Jack 杰克, Susan 苏珊, "
    "Henry 亨利"
)
KIN = (
    "mother 妈妈, father 爸爸, sister 妹妹, brother 哥哥, grandmother 奶奶, "
    "uncle 叔叔, friend 朋友, neighbour 邻居, boss 老板"
)
POSSESSIVES = "my 我, your 你, his 他, her 她, our 我们, their 他们"
NUMBERS = (
    "two 两, three 三, four 四, five 五, six 六, seven 七, eight 八, nine 九, ten 十"
)
FIELDS = "English 英语, French 法语, history 历史, physics 物理, music 音乐"
GAMES = {
    "kick": "football 足球",
    "hit": "basketball 篮球, tennis 网球, volleyball 排球",
    "move": "chess 象棋",
    "pluck": "the+piano 钢琴, the+guitar 吉他",
    "bow": "the+violin 小提琴",
}
DRINKS = (
    "tea 茶 cup 杯, coffee 咖啡 cup 杯, water 水 glass 杯, milk 牛奶 glass 杯, "
    "beer 啤酒 bottle 瓶, juice 果汁 bottle 瓶, soup 汤 bowl 碗"
)

# "in" a room is 在 … 里; "at" a place that has an address is 在 … alone.
ROOMS = (
    "park 公园, library 图书馆, hospital 医院, kitchen 厨房, garden 花园, "
    "office 办公室, restaurant 餐馆, hotel 酒店, supermarket 超市, museum 博物馆, "
    "classroom 教室, factory 工厂, village 村子, forest 森林, theatre 剧院"
)
PLACES = (
    "station 车站, airport 机场, market 市场, university 大学, zoo 动物园, bank 银行"
)
CITIES = "Beijing 北京, Shanghai 上海, London 伦敦, Paris 巴黎, Tokyo 东京, Rome 罗马"
FURNITURE = "table 桌子, chair 椅子, bed 床, desk 书桌, sofa 沙发, shelf 架子, box 箱子"
POSITIONS = "on 上, under 下面, behind 后面, beside 旁边, near 附近, in+front+of 前面"
VEHICLES = "bus 公共汽车, train 火车, taxi 出租车, plane 飞机, ship 船"

MANNERS = (
    "carefully 仔细, quickly 很快, slowly 慢慢, quietly 安静, happily 高兴, "
    "secretly 偷偷, seriously 认真"
)
PAST_TIMES = (
    "yesterday 昨天, last+night 昨晚, last+week 上周, last+month 上个月, "
    "last+year 去年, this+morning 今天+早上, yesterday+evening 昨天+晚上, "
    "the+day+before+yesterday 前天, two+days+ago 两+天+前"
)
FUTURE_TIMES = (
    "tomorrow 明天, tonight 今晚, next+week 下周, next+month 下个月, next+year 明年, "
    "tomorrow+morning 明天+早上, the+day+after+tomorrow 后天, "
    "in~3+three~1+days~2 三~1+天~2+后~3"
)
HABIT_TIMES = (
    "every+day 每天, every+week 每周, every+month 每个月, every+year 每年, "
    "every+morning 每天+早上, every+evening 每天+晚上"
)
FREQUENCIES = "often 经常, usually 通常, always 总是, sometimes 有时"

_DOUBLED = frozenset({"big", "thin", "hug", "swim", "run", "cut", "put"})
_VOWEL_SOUND = tuple("aeiou")
_LIKE_YOU = ("uni", "use", "usu")  # begin with the sound of "you"
_SILENT_H = ("hon", "hour")


def entries(table: str) -> list[list[str]]:
    """The entries of "a b, c d", each as a list of its columns."""
    return [entry.split() for entry in table.split(",")]


def sections(table: str) -> list[tuple[list[str], list[list[str]]]]:
    """(columns before the colon, entries after it) for each section of a table."""
    joined = table.strip().replace("\n    ", " ").split("\n")
    return [
        (head.split(), entries(body))
        for head, _, body in (line.partition(":") for line in joined)
    ]


def with_s(word: str) -> str:
    """A noun's plural or a verb's third person: boxes, copies, boys, goes."""
    if word.endswith(("s", "x", "z", "ch", "sh")) or word in ("go", "do"):
        return f"{word}es"
    if word.endswith("y") and word[-2] not in _VOWEL_SOUND:
        return f"{word[:-1]}ies"
    return f"{word}s"


def verb_forms(entry: str) -> dict[str, str]:
    """base, s, past, part and ing of "eat/ate/eaten", of "look+for", or of "use".

    What stands after a plus is not inflected.
    """
    verb, _, rest = entry.partition("+")
    base, past, participle = (*verb.split("/"), "", "")[:3]
    forms = {
        "base": base,
        "s": with_s(base),
        "past": past or _with_vowel(base, "ed"),
        "part": participle or past or _with_vowel(base, "ed"),
        "ing": _with_vowel(base, "ing"),
    }
    return {form: f"{word} {rest}".strip() for form, word in forms.items()}


def comparative(adjective: str) -> str:
    """Of an adjective that takes -er: bigger, happier, later."""
    return _with_vowel(adjective, "er")


def choose_article(words: Sequence[str]) -> list[str]:
    """Write "a" as "an" before a vowel sound: an old hat, an hour, a uniform."""
    return [
        "an" if word == "a" and _begins_with_vowel_sound(after) else word
        for word, after in zip(words, [*words[1:], ""], strict=True)
    ]


def _begins_with_vowel_sound(word: str) -> bool:
    if word.startswith(_LIKE_YOU):
        return False
    return word.startswith((*_VOWEL_SOUND, *_SILENT_H))


def _with_vowel(word: str, ending: str) -> str:
    """With an ending that begins with a vowel: -ed, -er or -ing."""
    if word in _DOUBLED:
        return word + word[-1] + ending
    if word.endswith("e") and not word.endswith("ee"):
        return word[:-1] + ending
    if word.endswith("y") and word[-2] not in _VOWEL_SOUND and ending != "ing":
        return f"{word[:-1]}i{ending}"
    return word + ending
