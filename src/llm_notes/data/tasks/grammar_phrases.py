"""The phrases of the English-Chinese grammar: noun phrases, verb phrases, adverbials.

Nouns are counted with measure words (一 本 书), a relative clause stands before its
noun, place and manner stand before the verb. The tense of a verb becomes an aspect word
(了 done, 过 once before, 正在 just now) or nothing; 把 brings an object to the front.

The names of nonterminals say what agrees. SUBJ.s is a subject in the third person
singular; NOM.food.个.pl a plural noun for food that is counted with 个. In
VP.past.le.x stand the English form of the verb, the Chinese aspect, and which objects
are allowed: x any, q all but relative clauses, d all but new things ("a", numbers),
since what did not happen did not happen to one of them. A time, place or manner that
ends the sentence would seem to belong to a relative clause before it: q stands there.

This module knows no sentence: `grammar_clauses` puts the phrases together.
"""

from collections.abc import Collection

from llm_notes.data.tasks import grammar_words as words
from llm_notes.data.tasks.synchronous_grammar import Rule

# Agreement: "be" now and then, "do", "have", and the form of other verbs.
PERSONS = {
    "i": {"be": "am", "was": "was", "do": "do", "have": "have", "v": "base"},
    "s": {"be": "is", "was": "was", "do": "does", "have": "has", "v": "s"},
    "p": {"be": "are", "was": "were", "do": "do", "have": "have", "v": "base"},
}
# Verb form, aspect and kind of object, in all the ways that clauses ask for.
_PHRASES = (
    "past.le.x past.le.q past.0.q base.le.x base.le.q base.0.x base.0.q base.0.d "
    "s.0.x s.0.q ing.0.x ing.0.q ing.0.d part.guo.x part.guo.q part.guo.d"
)
PHRASES = _PHRASES.split()
SHORT_ADJECTIVES = {*"大小新旧老长短", "高个子"}  # need no 的 before a noun
PORTABLE = ("printed", "thing", "fragile", "clothes", "accessory")
WORN = ("clothes", "accessory")


def phrase_rules() -> list[Rule]:
    """The rules of all phrases."""
    return [
        *_nouns(),
        *_objects(),
        *_persons(),
        *_verbs(),
        *_verb_phrases(),
        *_adverbials(),
    ]


def rule(left: str, english: str, chinese: str, weight: float = 1.0, **more) -> Rule:
    return Rule.parse(left, english, chinese, weight=weight, **more)


def rules_of(left: str, rows: list[tuple], **more) -> list[Rule]:
    """A rule for each (english, chinese) or (english, chinese, weight)."""
    return [rule(left, *row, **more) for row in rows]


def linked(left: str, english: str, chinese: str, **more) -> Rule:
    """A rule for an entry of a table, with all its words linked.

    Two sides of the same length are linked word by word, others each word to each. An
    entry may number its words itself.
    """
    sides = [side.split("+") for side in (english, chinese)]
    if "~" not in english:
        in_order = len(sides[0]) == len(sides[1])
        sides = [
            [f"{word}~{number if in_order else 1}" for number, word in enumerate(side)]
            for side in sides
        ]
    return rule(left, *(" ".join(side) for side in sides), **more)


def linked_table(left: str, table: str) -> list[Rule]:
    """A rule for each entry of a table."""
    return [linked(left, *entry) for entry in words.entries(table)]


def measures() -> list[tuple[str, str]]:
    """Each class of nouns with each of its measure words."""
    return [(head[0], head[1]) for head, _ in words.sections(words.NOUNS)]


def _nouns() -> list[Rule]:
    """N, and NOM: a noun that may have an adjective."""
    rules: list[Rule] = []
    for (kind, measure), entries in words.sections(words.NOUNS):
        for noun, chinese in entries:
            one, _, many = noun.partition("/")
            for number, form in (("sg", one), ("pl", many or words.with_s(one))):
                left = f"N.{kind}.{measure}.{number}"
                rules.append(linked(left, form, chinese, lemma=one))
        for number in ("sg", "pl"):
            noun = f"[N.{kind}.{measure}.{number},1]"
            left = f"NOM.{kind}.{measure}.{number}"
            rules.append(rule(left, noun, "[1]", 3))
            rules.append(rule(left, f"[ADJ.{kind},2] {noun}", "[2] [1]"))
    for (kind,), entries in words.sections(words.ADJECTIVES):
        colours = words.entries(words.COLOURS) if kind in words.COLOURED else []
        for english, chinese in entries + colours:
            before = words.BEFORE_NOUNS.get(chinese, chinese)
            mark = "" if before in SHORT_ADJECTIVES else " 的"
            english = english.removeprefix("+")
            rules.append(rule(f"ADJ.{kind}", f"{english}~1", f"{before}~1{mark}"))
    return rules


def _objects() -> list[Rule]:
    """NP.b|d|a|q|x.class: definite; or bare as well; new; any; and relative clauses.

    A new one is NP.one, new ones are NP.many; NP.worn is what is worn at a time.
    """
    rules: list[Rule] = []
    for kind, m in measures():
        one, many = f"[NOM.{kind}.{m}.sg,1]", f"[NOM.{kind}.{m}.pl,1]"
        rules += rules_of(
            f"NP.b.{kind}",
            [
                (f"the~1? {one}", f"那~1? {m}~1? [1]", 4),
                (f"the~1? {many}", "那些~1? [1]", 2),
                (f"this~1 {one}", f"这~1 {m}~1? [1]"),
                (f"that~1 {one}", f"那~1 {m}~1? [1]"),
                (f"these~1 {many}", "这些~1 [1]"),
                (f"those~1 {many}", "那些~1 [1]"),
            ],
        )
        if kind != "person":  # persons are possessed by their kin: see WHO
            own = f"[POSS,2] [N.{kind}.{m}.sg,1]"
            rules.append(rule(f"NP.b.{kind}", own, "[2] 的 [1]", 3))
        rules += rules_of(f"NP.bare.{kind}", [(many, "[1]")])
        rules += rules_of(
            f"NP.one.{kind}",
            [(f"a~1 {one}", f"一~1 {m}~1? [1]")],
        )
        rules += rules_of(
            f"NP.many.{kind}",
            [
                (f"[NUMBER,2] {many}", f"[2] {m} [1]", 2),
                (f"several~1 {many}", f"几~1 {m}~1? [1]"),
                (f"many~1 {many}", "很多~1 [1]"),
                (f"some~1 {many}", "一些~1 [1]"),
            ],
        )
        for group, kinds in words.OBJECTS.items():
            if kind not in kinds.split() or group in words.STATES | {"hunt"}:
                continue
            clause = f"that~1? [ANYONE,2] [V.{group}.past.0,3]"
            one, many = (f"[N.{kind}.{m}.{number},1]" for number in ("sg", "pl"))
            rules += rules_of(
                f"NP.rel.{kind}",
                [
                    (f"the~2? {one} {clause}", f"[2] [3] 的~1? 那~2? {m}~2? [1]", 2),
                    (f"the~2? {many} {clause}", "[2] [3] 的~1? 那些~2? [1]"),
                ],
                joins=(3, 1),
            )
    for kind in {kind: None for kind, _ in measures()}:
        rules += rules_of(
            f"NP.d.{kind}", [(f"[NP.{s}.{kind},1]", "[1]") for s in ("b", "bare")]
        )
        rules += rules_of(
            f"NP.a.{kind}",
            [(f"[NP.one.{kind},1]", "[1]", 5), (f"[NP.many.{kind},1]", "[1]", 5)],
        )
        rules += rules_of(
            f"NP.q.{kind}", [(f"[NP.{s}.{kind},1]", "[1]") for s in ("d", "a")]
        )
        if kind in WORN:
            rules += rules_of(
                f"NP.worn.{kind}",
                [(f"[NP.{s}.{kind},1]", "[1]") for s in ("d", "one")],
            )
        rules += rules_of(
            f"NP.x.{kind}",
            [(f"[NP.q.{kind},1]", "[1]", 2), (f"[NP.rel.{kind},1]", "[1]")],
        )
    return [
        *rules,
        *linked_table("POSS", words.POSSESSIVES),
        *linked_table("NUMBER", words.NUMBERS),
    ]


def _persons() -> list[Rule]:
    """NAMED, SIMPLE and SUBJ: subjects; NP.b.person, WHO and AGENT: other roles."""
    rules = [
        *linked_table("NAME", words.NAMES),
        *linked_table("OTHER", words.OTHER_NAMES),
        *linked_table("KIN", words.KIN),
        *linked_table("NAMED.i", "I 我"),
        *linked_table("NAMED.s", "he 他, she 她"),
        *rules_of(
            "NAMED.s", [("[NAME,1]", "[1]", 4), ("[POSS,2] [KIN,1]", "[2] [1]", 2)]
        ),
        *linked_table("NAMED.p", "we 我们, you 你, they 他们"),
        *rules_of("NAMED.p", [("[NAME,1] and~1 [OTHER,2]", "[1] 和~1 [2]")]),
        *linked_table("WHO", "him 他, her 她, them 他们"),
        *rules_of("WHO", [("[OTHER,1]", "[1]", 3), ("[POSS,2] [KIN,1]", "[2] [1]", 2)]),
        *rules_of("NP.b.person", [("[WHO,1]", "[1]", 12)]),
        *rules_of("AGENT.d", [("[OTHER,1]", "[1]", 4)]),
        *rules_of("AGENT", [(f"[AGENT.{kind},1]", "[1]") for kind in "da"]),
        *rules_of("SIMPLE.i", [("[NAMED.i,1]", "[1]")]),
        *rules_of("SUBJ.i", [("[SIMPLE.i,1]", "[1]")]),
        *rules_of("ANYONE", [(f"[SIMPLE.{a},1]", "[1]") for a in PERSONS]),
        *rules_of("ASKED", [(f"[SIMPLE.{a},1]", "[1]") for a in ("s", "p")]),
    ]
    for a in ("s", "p"):
        rules += rules_of(f"SIMPLE.{a}", [(f"[NAMED.{a},1]", "[1]", 12)])
        rules += rules_of(f"SUBJ.{a}", [(f"[SIMPLE.{a},1]", "[1]", 18)])
    for kind, m in measures():
        if kind != "person":
            continue
        one, many = f"[NOM.person.{m}.sg,1]", f"[NOM.person.{m}.pl,1]"
        rules += rules_of(
            "SIMPLE.s",
            [
                (f"the {one}", "[1]", 3),
                (f"this~1 {one}", f"这~1 {m}~1? [1]"),
                (f"that~1 {one}", f"那~1 {m}~1? [1]"),
            ],
        )
        rules += rules_of(
            "SIMPLE.p",
            [
                (f"the {many}", "[1] 们", 2),
                (f"these~1 {many}", "这些~1 [1]"),
            ],
        )
        rules += rules_of("AGENT.d", [(f"the {one}", "[1]", 2)])
        plain = m.replace("位", "名")  # 位 is polite, whatever this one has done
        rules += rules_of("AGENT.a", [(f"a~1 {one}", f"一~1 {plain}~1? [1]")])
        for a, number, that in (("s", "sg", f"那~2? {m}~2?"), ("p", "pl", "那些~2?")):
            noun = f"the~2? [N.person.{m}.{number},1] who~1?"
            be = PERSONS[a]["be"]
            rules += rules_of(
                f"SUBJ.{a}",
                [
                    (f"{noun} [VP.past.le.q,2]", f"[2] 的~1? {that} [1]"),
                    (f"{noun} {be} [VP.ing.0.q,2]", f"正在 [2] 的~1? {that} [1]"),
                ],
            )
    return rules


def _verbs() -> list[Rule]:
    """V.group.form.aspect: a verb with its aspect word, which it may be linked to."""
    pairs = {tuple(phrase.split(".")[:2]) for phrase in PHRASES}
    rules: list[Rule] = []
    for (group,), entries in words.sections(words.VERBS):
        for entry, chinese in entries:
            first, _, second = chinese.partition("-")
            marked = {
                "0": f"{first}{second}~1",
                "le": f"{first}{second}~1 了~1?",
                "guo": f"{first}~1 过~1? {second}~1" if second else f"{first}~1 过~1?",
            }
            forms = words.verb_forms(entry)
            for form, aspect in sorted(pairs):
                if aspect == "le" and chinese in words.NEVER_DONE:
                    continue
                english = f"{forms[form]}~1".replace(" ", "~1 ")
                left = f"V.{group}.{form}.{aspect}"
                rules.append(rule(left, english, marked[aspect], lemma=forms["base"]))
    return [
        *rules,
        *linked_table("WISH.base", "want 想, plan 打算, hope 希望"),
        *linked_table("WISH.s", "wants 想, plans 打算, hopes 希望"),
        *linked_table(
            "WISH.past", "decided 决定, promised 答应, refused 拒绝, forgot 忘记"
        ),
        *linked_table("MODAL", "can 能, should 应该, must 必须"),
    ]


def _verb_phrases() -> list[Rule]:
    """VP, a verb with its object; SIMPLE, what may have a place; X, all of them."""
    rules: list[Rule] = []
    for phrase in PHRASES:
        form, aspect, kind_of_object = phrase.split(".")
        verb = f"{form}.{aspect}"
        short = without_clause(phrase)
        vp = f"[VP.{short},1]"
        actions = _actions(form, aspect, kind_of_object)
        n_actions = sum(action.weight for action in actions)
        rules += actions
        rules.append(rule(f"VP.{phrase}", f"[DO.{phrase},1]", "[1]", n_actions))
        rules += _with_objects(f"VP.{phrase}", verb, kind_of_object, words.ACHIEVEMENTS)
        act, what = f"[V.act.{verb},1]", short.rpartition(".")[2]
        rules += rules_of(
            f"SIMPLE.{phrase}",
            [
                (f"[VP.{phrase},1]", "[1]", 10),
                (f"[DO.{short},1] [MANNER,2]", "[2] [1]", 3),
                (f"{vp} with~1 [WHO,2]", "跟~1 [2] 一起 [1]", 2),
                (act, "[1]", 3),
                (f"{act} with~1 [WHO,2]", "跟~1 [2] 一起 [1]"),
            ],
        )
        rules += rules_of(
            f"SIMPLE.{phrase}",
            [
                (f"[V.{group}.{verb},1] [NP.{what}.{kind},2] for~1 [WHO,3]",
                 "给~1 [3] [1] [2]")
                for group, kind in (("buy", "thing"), ("write", "writing"))
            ],
            joins=(1, 2),
        )  # fmt: skip
        rules += _moving_phrases(form, aspect, kind_of_object)
        rules += rules_of(
            f"X.{phrase}",
            [
                (f"[SIMPLE.{phrase},1]", "[1]", 8),
                (f"[SIMPLE.{short},1] [PLACE,2]", "[2] [1]", 4),
                (f"[MOVING.{phrase},1]", "[1]", 3),
            ],
        )
    for name, kind_of_object, here in (
        ("PROG", "x", "正在"),
        ("PROG.q", "q", "正在"),
        ("PROG.not", "d", "在"),
    ):
        phrase = f"ing.0.{kind_of_object}"
        rules += rules_of(
            name,
            [
                (f"[SIMPLE.{phrase},1]", f"{here} [1]", 4),
                (f"[MOVING.{phrase},1]", f"{here} [1]"),
                # One 在 is enough: the place brings its own.
                (f"[SIMPLE.{without_clause(phrase)},1] [PLACE,2]", "[2] [1]", 2),
            ],
        )
    for form in ("base", "s"):
        for group in sorted(words.STATES):
            for kind in words.OBJECTS[group].split():
                rules.append(
                    rule(
                        f"STATE.{form}.d",
                        f"[V.{group}.{form}.0,1] [NP.d.{kind},2]",
                        "[1] [2]",
                        joins=(1, 2),
                    )
                )
        rules += rules_of(f"STATE.{form}.q", [(f"[STATE.{form}.d,1]", "[1]")])
    return rules


def without_clause(phrase: str) -> str:
    """The kind of phrase whose objects have no relative clause: q for x."""
    return f"{phrase[:-1]}q" if phrase.endswith("x") else phrase


def _actions(form: str, aspect: str, kind_of_object: str) -> list[Rule]:
    """DO: the verb phrases that have a manner."""
    verb, left = f"{form}.{aspect}", f"DO.{form}.{aspect}.{kind_of_object}"
    groups = words.OBJECTS.keys() - words.ACHIEVEMENTS
    drink = f"[V.drink.{verb},1] [DRINK.{kind_of_object},2]"
    return [
        *_with_objects(left, verb, kind_of_object, groups),
        rule(left, drink, "[1] [2]", 2, joins=(1, 2)),
        rule(left, f"[V.study.{verb},1] [FIELD,2]", "[1] [2]"),
        *rules_of(
            left,
            [(f"[V.{g}.{verb},1] [GAME.{g},2]", "[1] [2]", 0.5) for g in words.GAMES],
        ),
    ]


def _with_objects(
    left: str, verb: str, kind_of_object: str, groups: Collection[str]
) -> list[Rule]:
    """The verbs of some groups with each class of objects that they take."""
    rules: list[Rule] = []
    for group, kinds in words.OBJECTS.items():
        if group not in groups or group in words.STATES | {"hunt"}:
            continue
        if verb.startswith("ing") and group in words.NOT_IN_PROGRESS:
            continue
        if verb.endswith("guo") and group in words.NOT_AS_EXPERIENCE:
            continue
        worn = group in words.WEARING and kind_of_object != "d"
        for kind in kinds.split():
            it = f"[NP.{'worn' if worn else kind_of_object}.{kind},2]"
            row = (f"[V.{group}.{verb},1] {it}", "[1] [2]")
            rules.append(rule(left, *row, joins=(1, 2)))
    return rules


def _moving_phrases(form: str, aspect: str, kind_of_object: str) -> list[Rule]:
    """MOVING: to put, to give and to go."""
    left = f"MOVING.{form}.{aspect}.{kind_of_object}"
    give, go = f"[V.give.{form}.{aspect},1]", f"[V.go.{form}.{aspect},1]"
    rules = rules_of(
        left,
        [
            (f"{go} to~1? the [ROOM,2]", "[1] [2]", 6),
            (f"{go} to~1? [CITY,2]", "[1] [2]", 4),
            (f"{go} to~1? [CITY,2] by~1 [VEHICLE,3]", "坐~1 [3] [1] [2]", 4),
        ],
    )
    for kind in PORTABLE:
        gift = f"{give} [WHO,3] [NP.{kind_of_object}.{kind},2]"
        rules.append(rule(left, gift, "[1] [3] [2]", joins=(1, 2)))
    if aspect == "guo":
        return rules  # 把 says what became of a thing, and not that it happened once
    done = "了" if aspect == "le" else ""
    purpose = "q" if kind_of_object == "x" else kind_of_object
    rules += rules_of(
        left,
        [
            (f"[V.go.{form}.0,1] to the [ROOM,2] to [VP.base.{aspect}.{purpose},3]",
             "[1] [2] [3]", 6)
        ],
    )  # fmt: skip
    for kind in PORTABLE:
        thing = f"[NP.b.{kind},2]"
        put = f"[V.put.{form}.0,1] {thing} [LOC,3]"
        rules.append(rule(left, put, f"把 [2] [1] 在 [3] {done}", joins=(1, 2)))
        rules.append(
            rule(left, f"{give} {thing} to [WHO,3]", "把 [2] [1] [3]", joins=(1, 2))
        )
    return rules


def _adverbials() -> list[Rule]:
    """Time, place, manner, and the objects that have no class."""
    rules = [
        *linked_table("PAST", words.PAST_TIMES),
        *linked_table("FUTURE", words.FUTURE_TIMES),
        *linked_table("EVERY", words.HABIT_TIMES),
        *linked_table("OFTEN", words.FREQUENCIES),
        *linked_table("ROOM", words.ROOMS),
        *linked_table("CITY", words.CITIES),
        *linked_table("SPOT", words.PLACES),
        *linked_table("FURNITURE", words.FURNITURE),
        *linked_table("VEHICLE", words.VEHICLES),
        *linked_table("FIELD", words.FIELDS),
        *rules_of(
            "PLACE",
            [
                ("in~1 the [ROOM,1]", "在~1 [1] 里~1?", 4),
                ("at~1 the [SPOT,1]", "在~1 [1]"),
                ("in~1 [CITY,1]", "在~1 [1]"),
                ("at~1 home~2", "在~1 家~2 里~1?"),
            ],
        ),
        *(
            rule("MANNER", f"{english}~1", f"{chinese}~1 地")
            for english, chinese in words.entries(words.MANNERS)
        ),
    ]
    for english, chinese in words.entries(words.POSITIONS):
        position = f"{english}~1".replace("+", "~1 ")
        rules.append(rule("LOC", f"{position} the [FURNITURE,1]", f"[1] {chinese}~1"))
    for group, table in words.GAMES.items():
        for game, chinese in words.entries(table):
            article, _, name = game.rpartition("+")
            rules.append(rule(f"GAME.{group}", f"{article} {name}~1", f"{chinese}~1"))
    for drink, chinese, vessel, m in words.entries(words.DRINKS):
        definite = [
            (f"{drink}~1", f"{chinese}~1", 2),
            (f"the~2? {drink}~1", f"那~2? {m}~2? {chinese}~1"),
        ]
        new = [
            (f"a~2 {vessel}~3 of {drink}~1", f"一~2 {m}~3 {chinese}~1", 3),
            (f"[NUMBER,1] {words.with_s(vessel)}~3 of {drink}~1",
             f"[1] {m}~3 {chinese}~1", 2),
            (f"some~2 {drink}~1", f"一些~2 {chinese}~1"),
        ]  # fmt: skip
        for kind_of_object, rows in (
            ("d", definite),
            ("q", definite + new),
            ("x", definite + new),
        ):
            rules += rules_of(f"DRINK.{kind_of_object}", rows, lemma=drink)
    return rules
