"""Short English-Chinese sentences about nouns with two senses, such as "bat".

What a noun means is told by a verb: before it ("Anna feeds one bat") or behind it
("one bat sleeps"). Chinese has another noun for each sense, and a measure word before
the noun that depends on it: 一 只 蝙蝠, 一 根 球棒. So some words of a sentence can be
known from the left alone, and others only from what follows.

The language is a toy: about sixty words on each side, one translation for each
sentence, time words last in English and first in Chinese. Knows no model.
"""

import random
from functools import cache

from llm_notes.data.tasks.synchronous_grammar import (
    Rule,
    SentencePair,
    SynchronousGrammar,
)

# English noun: (Chinese noun, measure word).
ANIMALS = {
    "bat": ("蝙蝠", "只"), "crane": ("鹤", "只"), "mouse": ("老鼠", "只"),
    "seal": ("海豹", "头"), "cat": ("猫", "只"), "horse": ("马", "匹"),
    "cow": ("牛", "头"), "fish": ("鱼", "条"), "snake": ("蛇", "条"),
}  # fmt: skip
THINGS = {
    "bat": ("球棒", "根"), "crane": ("起重机", "台"), "mouse": ("鼠标", "个"),
    "seal": ("印章", "枚"), "book": ("书", "本"), "lamp": ("灯", "盏"),
    "car": ("汽车", "辆"), "knife": ("刀", "把"), "table": ("桌子", "张"),
}  # fmt: skip
TWO_SENSES = tuple(noun for noun in ANIMALS if noun in THINGS)
MEASURES = tuple(sorted({m for _, m in (*ANIMALS.values(), *THINGS.values())}))

_PEOPLE = {"Anna": "安娜", "Paul": "保罗", "Maria": "玛丽亚", "Tom": "汤姆"}
_DETERMINERS = {"one": "一", "this": "这", "that": "那", "every": "每"}
_ADJECTIVES = {"big": "大", "small": "小", "white": "白", "black": "黑"}
_TIMES = {"today": "今天", "now": "现在", "again": "又", "often": "常常"}
_VERBS = {
    "ANIMAL_DOES": {"sleeps": "睡觉", "drinks": "喝水", "yawns": "打哈欠"},
    "THING_DOES": {"breaks": "坏了", "rusts": "生锈", "burns": "燃烧"},
    "TO_ANIMAL": {"feeds": "喂", "strokes": "抚摸", "follows": "跟着"},
    "TO_THING": {"repairs": "修理", "buys": "买", "paints": "画"},
}


@cache
def two_sense_grammar() -> SynchronousGrammar:
    """The rules, from the words above."""
    rules = [
        Rule.parse("S", "[CLAUSE,1]", "[1]"),
        Rule.parse("S", "[CLAUSE,1] [TIME,2]", "[2] [1]"),
        Rule.parse("CLAUSE", "[ANIMAL,1] [ANIMAL_DOES,2]", "[1] [2]"),
        Rule.parse("CLAUSE", "[THING,1] [THING_DOES,2]", "[1] [2]"),
        Rule.parse("CLAUSE", "[WHO,1] [TO_ANIMAL,2] [ANIMAL,3]", "[1] [2] [3]"),
        Rule.parse("CLAUSE", "[WHO,1] [TO_THING,2] [THING,3]", "[1] [2] [3]"),
    ]
    for kind, nouns in (("ANIMAL", ANIMALS), ("THING", THINGS)):
        for english, (chinese, measure) in nouns.items():
            rules.append(
                Rule.parse(kind, f"[DET,1] {english}~1", f"[1] {measure} {chinese}~1")
            )
            rules.append(
                Rule.parse(
                    kind,
                    f"[DET,1] [ADJ,2] {english}~1",
                    f"[1] {measure} [2] {chinese}~1",
                )
            )
    words = {"WHO": _PEOPLE, "DET": _DETERMINERS, "ADJ": _ADJECTIVES, "TIME": _TIMES}
    for kind, both in {**words, **_VERBS}.items():
        rules += [Rule.parse(kind, f"{e}~1", f"{c}~1") for e, c in both.items()]
    return SynchronousGrammar(rules)


def two_sense_pairs(
    n_train: int, n_test: int, seed: int = 0
) -> tuple[list[SentencePair], list[SentencePair]]:
    """Draw different sentences to learn from, and others to be examined on.

    Raises ValueError for a negative number, or more than half of all sentences.
    """
    grammar = two_sense_grammar()
    if n_train < 0 or n_test < 0:
        raise ValueError(f"sizes must not be negative, got {n_train} and {n_test}")
    most = grammar.count() // 2
    if n_train + n_test > most:
        raise ValueError(
            f"{n_train} + {n_test} pairs are more than half of all sentences; take "
            f"{most} or fewer, or drawing different ones takes long"
        )
    generator = random.Random(seed)
    drawn: dict[tuple[str, ...], SentencePair] = {}
    while len(drawn) < n_train + n_test:
        pair = grammar.sample(generator).pair()
        drawn.setdefault(pair.english, pair)
    pairs = list(drawn.values())
    return pairs[:n_train], pairs[n_train:]
