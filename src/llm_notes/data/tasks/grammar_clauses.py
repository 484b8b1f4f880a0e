"""The sentences of the English-Chinese grammar: statements and questions.

Time moves to the front, a reason before what it explains, "before" and "after" behind
their clause. Questions end in 吗 and turn nothing round; who, what and where stay where
the answer would stand; 被 makes a passive, 比 compares. Some words have no counterpart:
"the" before a subject, "that" before a clause, 的 and 吗 in Chinese.

This module knows nothing of how derivations are drawn, and takes its phrases from
`grammar_phrases`, where the names of nonterminals are explained.
"""

from functools import cache

from llm_notes.data.tasks import grammar_words as words
from llm_notes.data.tasks.grammar_phrases import (
    PERSONS,
    PORTABLE,
    linked,
    linked_table,
    measures,
    phrase_rules,
    rule,
    rules_of,
)
from llm_notes.data.tasks.synchronous_grammar import Rule, SynchronousGrammar

# {be} and the like agree with the subject [SUBJ.?,1]; {v} is its present form.
STATEMENTS = [
    # What happened, and when.
    ("[SUBJ.{a},1] [X.past.le.x,2]", "[1] [2]", 4),
    ("[SUBJ.{a},1] [X.past.le.q,2] [PAST,3]", "[1] [3] [2]", 6),
    ("[PAST,3] [SUBJ.{a},1] [X.past.le.x,2]", "[3] [1] [2]", 2),
    ("[SUBJ.{a},1] did~1? not~1 [X.base.0.d,2]", "[1] 没有~1 [2]", 2),
    ("[SUBJ.{a},1] did~1? not~1 [X.base.0.d,2] [PAST,3]", "[1] [3] 没有~1 [2]", 2),
    # What is happening.
    ("[SUBJ.{a},1] {be} [PROG,2]", "[1] [2]", 3),
    ("[SUBJ.{a},1] {be} [PROG.q,2] now~1", "[1] 现在~1 [2]", 2),
    ("[SUBJ.{a},1] {be} not~1 [PROG.not,2]", "[1] 没有~1 [2]", 2),
    # What will happen.
    ("[SUBJ.{a},1] will~1 [X.base.0.x,2]", "[1] 会~1 [2]", 2),
    ("[SUBJ.{a},1] will~1 [X.base.0.q,2] [FUTURE,3]", "[1] [3] 会~1 [2]", 3),
    ("[SUBJ.{a},1] will~1 not~2 [X.base.0.d,2]", "[1] 不~2 会~1 [2]", 1),
    ("[SUBJ.{a},1] will~1 not~2 [X.base.0.d,2] [FUTURE,3]", "[1] [3] 不~2 会~1 [2]", 1),
    # Habits. Without "often" or "every day" the present would look like the past of
    # "read" and "cut", so it never stands alone.
    ("[SUBJ.{a},1] [OFTEN,3] [X.{v}.0.x,2]", "[1] [3] [2]", 3),
    ("[SUBJ.{a},1] [X.{v}.0.q,2] [EVERY,3]", "[1] [3] [2]", 3),
    ("[SUBJ.{a},1] {do}~1? not~1 often~2 [X.base.0.d,2]", "[1] 不~1 经常~2 [2]", 2),
    # What has happened before, or never.
    ("[SUBJ.{a},1] {have} [X.part.guo.q,2] before~1", "[1] 以前~1 [2]", 3),
    ("[SUBJ.{a},1] {have} never~1 [X.part.guo.d,2]", "[1] 从来~1 没有~1 [2]", 2),
    # What can, should and must be done, or is wanted.
    ("[SUBJ.{a},1] [MODAL,3] [X.base.0.x,2]", "[1] [3] [2]", 3),
    ("[SUBJ.{a},1] cannot~1 [X.base.0.d,2]", "[1] 不~1 能~1 [2]", 1),
    ("[SUBJ.{a},1] should~1 not~2 [X.base.0.d,2]", "[1] 不~2 应该~1 [2]", 1),
    ("[SUBJ.{a},1] [WISH.{v},3] to [X.base.0.x,2]", "[1] [3] [2]", 2),
    ("[SUBJ.{a},1] {do}~1? not~1 want~2 to [X.base.0.d,2]", "[1] 不~1 想~2 [2]", 1),
    ("[SUBJ.{a},1] [WISH.past,3] to [X.base.0.q,2]", "[1] [3] [2]", 1),
    # What is so.
    ("[SUBJ.{a},1] [STATE.{v}.q,2]", "[1] [2]", 3),
    ("[SUBJ.{a},1] {do}~1? not~1 [STATE.base.d,2]", "[1] 不~1 [2]", 2),
    ("[SUBJ.{a},1] {have}~1 [OWNED.a,2]", "[1] 有~1 [2]", 2),
    ("[SUBJ.{a},1] {do}~1? not~1 have~2 [OWNED.pl,2]", "[1] 没有~1~2 [2]", 1),
]
QUESTIONS = [
    ("did~1? [SUBJ.{a},1] [X.base.le.x,2]", "[1] [2] 吗~1?", 4),
    ("did~1? [SUBJ.{a},1] [X.base.le.q,2] [PAST,3]", "[1] [3] [2] 吗~1?", 4),
    ("{be}~1? [SUBJ.{a},1] [PROG,2]", "[1] [2] 吗~1?", 3),
    ("will~1 [SUBJ.{a},1] [X.base.0.x,2]", "[1] 会~1 [2] 吗", 2),
    ("will~1 [SUBJ.{a},1] [X.base.0.q,2] [FUTURE,3]", "[1] [3] 会~1 [2] 吗", 2),
    ("{do}~1? [SUBJ.{a},1] often~2 [X.base.0.x,2]", "[1] 经常~2 [2] 吗~1?", 2),
    ("{do}~1? [SUBJ.{a},1] [X.base.0.q,2] [EVERY,3]", "[1] [3] [2] 吗~1?", 2),
    ("{have} [SUBJ.{a},1] ever~1 [X.part.guo.x,2]", "[1] 以前~1? [2] 吗", 2),
    ("[MODAL,3] [SUBJ.{a},1] [X.base.0.x,2]", "[1] [3] [2] 吗", 2),
    ("{do}~1? [SUBJ.{a},1] want~2 to [X.base.0.x,2]", "[1] 想~2 [2] 吗~1?", 2),
    ("{do}~1? [SUBJ.{a},1] [STATE.base.d,2]", "[1] [2] 吗~1?", 2),
    ("{do}~1? [SUBJ.{a},1] have~2 [OWNED.a,2]", "[1] 有~2 [2] 吗~1?", 1),
    ("where~1 {be} [SIMPLE.{a},1] [SIMPLE.ing.0.x,2]", "[1] 在 哪里~1 [2]", 1),
    ("where~1 will~2 [SIMPLE.{a},1] [SIMPLE.base.0.x,2]", "[1] 会~2 在 哪里~1 [2]", 1),
    ("when~1 will~2 [SIMPLE.{a},1] [X.base.0.x,2]", "[1] 什么时候~1 会~2 [2]", 2),
    ("why~1 did [SIMPLE.{a},1] [X.base.le.x,2]", "[1] 为什么~1 [2]", 2),
    ("why~1 did~2? [SIMPLE.{a},1] not~2 [X.base.0.d,2]", "[1] 为什么~1 没有~2 [2]", 1),
]


@cache
def english_chinese_grammar() -> SynchronousGrammar:
    """The grammar, built once; S derives its sentences."""
    return SynchronousGrammar(
        [
            *phrase_rules(),
            *_clauses(),
            *_descriptions(),
            *_passives(),
            *_questions_about_a_part(),
            *_sentences(),
        ]
    )


def _clauses() -> list[Rule]:
    """C, statements without their full stop, and Q, questions without their mark."""
    rules: list[Rule] = []
    for a, forms in PERSONS.items():
        # "s" stands for many persons, "i" for one.
        share = {"i": 0.5, "s": 2.0, "p": 1.0}[a]
        for left, frames in (("C", STATEMENTS), ("Q", QUESTIONS)):
            if left == "Q" and a == "i":
                continue  # nobody has to ask what they did themselves
            for english, chinese, weight in frames:
                row = (english.format(a=a, **forms), chinese, weight * share)
                rules.append(rule(left, *row))
    for kind in ("printed", "thing", "machine", "vehicle", "animal"):
        for _, m in (pair for pair in measures() if pair[0] == kind):
            many = f"[N.{kind}.{m}.pl,1]"
            rules.append(rule("OWNED.pl", many, "[1]"))
        rules.append(rule("OWNED.a", f"[NP.a.{kind},1]", "[1]"))
    for kind, m in measures():
        if kind == "person":
            one, many = (f"[NOM.person.{m}.{number},1]" for number in ("sg", "pl"))
            every = f"every~1 [N.person.{m}.sg,1] [X.past.le.q,2]"
            rules += rules_of(
                "C",
                [
                    # A subject that is new needs 有, "there is".
                    (f"a~1 {one} [X.past.le.q,2]", f"有 一~1 {m}~1? [1] [2]"),
                    (f"a~1 {one} is [PROG,2]", f"有 一~1 {m}~1? [1] [2]"),
                    (f"[NUMBER,3] {many} [X.past.le.q,2]", f"有 [3] {m} [1] [2]"),
                    (every, f"每~1 {m}~1? [1] 都~1? [2]"),
                    (f"{every} [PAST,3]", f"[3] 每~1 {m}~1? [1] 都~1? [2]"),
                ],
            )
        elif kind == "animal":
            beast = f"the [NOM.animal.{m}.sg,1]"
            rules += rules_of(
                "C",
                [
                    (f"{beast} [BEAST.past.le,2]", "[1] [2]", 2),
                    (f"{beast} [BEAST.past.le,2] [PAST,3]", "[1] [3] [2]", 2),
                    (f"{beast} is [BEAST.ing.0,2]", "[1] 正在 [2]", 2),
                    (f"{beast} is [BEAST.ing.0,2] [PLACE,3]", "[1] [3] [2]"),
                    (f"{beast} did~1? not~1 [BEAST.base.0,2]", "[1] 没有~1 [2]"),
                ],
            )
            rules += rules_of(
                "Q", [(f"did~1? {beast} [BEAST.base.le,2]", "[1] [2] 吗~1?", 2)]
            )
    for verb in ("past.le", "base.le", "base.0", "ing.0"):
        rules += rules_of(f"BEAST.{verb}", [(f"[V.roam.{verb},1]", "[1]", 2)])
        for kind in ("animal", "person"):
            row = (f"[V.hunt.{verb},1] [NP.b.{kind},2]", "[1] [2]")
            rules.append(rule(f"BEAST.{verb}", *row, joins=(1, 2)))
    return rules


def _descriptions() -> list[Rule]:
    """C and Q about what things are like, what persons are, and where things are."""
    rules: list[Rule] = []
    for (kind,), entries in words.sections(words.ADJECTIVES):
        for english, chinese in entries:
            compared = (
                f"{words.comparative(english[1:])}~1"
                if english.startswith("+")
                else f"more~1? {english}~1"
            )
            english = english.removeprefix("+")
            rules.append(rule(f"IS.{kind}", f"{english}~1", f"{chinese}~1"))
            rules.append(rule(f"MORE.{kind}", compared, f"{chinese}~1"))
        for a in PERSONS if kind == "person" else ("s", "p"):
            person = kind == "person"
            subject = f"[SIMPLE.{a},1]" if person else f"[THING.{kind}.{a},1]"
            other = "[OTHER,3]" if person else f"[THAN.{kind},3]"
            be, is_, more = PERSONS[a]["be"], f"[IS.{kind},2]", f"[MORE.{kind},2]"
            rules += rules_of(
                "C",
                [
                    (f"{subject} {be}~1? {is_}", "[1] 很~1? [2]"),
                    (f"{subject} {be} very~1 {is_}", "[1] 非常~1 [2]"),
                    (f"{subject} {be} too~1 {is_}", "[1] 太~1 [2] 了~1?", 0.5),
                    (f"{subject} {be} not~1 {is_}", "[1] 不~1 [2]", 0.5),
                    (f"{subject} {be} {more} than~1 {other}", "[1] 比~1 [3] [2]"),
                ],
            )
            rules += rules_of("Q", [(f"{be} {subject} {is_}", "[1] [2] 吗")])
    for kind, m in measures():
        one, many = f"[NOM.{kind}.{m}.sg,1]", f"[NOM.{kind}.{m}.pl,1]"
        if kind == "person":
            rules += _professions(m)
            continue
        rules += rules_of(
            f"THING.{kind}.s",
            [
                (f"the {one}", "[1]", 4),
                (f"this~1 {one}", f"这~1 {m}~1? [1]"),
                (f"that~1 {one}", f"那~1 {m}~1? [1]"),
                (f"[POSS,2] [N.{kind}.{m}.sg,1]", "[2] 的 [1]", 2),
            ],
        )
        rules += rules_of(
            f"THING.{kind}.p",
            [
                (f"the~1? {many}", "那些~1? [1]", 2),
                (f"these~1 {many}", "这些~1 [1]"),
                (f"[POSS,2] [N.{kind}.{m}.pl,1]", "[2] 的 [1]"),
            ],
        )
        rules += rules_of(
            f"THAN.{kind}",
            [
                (f"this~1 {one}", f"这~1 {m}~1? [1]"),
                (f"that~1 {one}", f"那~1 {m}~1? [1]"),
            ],
        )
        if kind in PORTABLE:
            there = f"a~2 {one} [LOC,2]"
            rules += rules_of(
                "C",
                [
                    (f"there~1 is~1 {there}", f"[2] 有~1 一~2 {m}~2? [1]"),
                    (
                        f"there~1 are~1 [NUMBER,3] {many} [LOC,2]",
                        f"[2] 有~1 [3] {m} [1]",
                    ),
                ],
            )
            rules += rules_of("Q", [(f"is~1 there~1 {there}", "[2] 有~1 [1] 吗")])
    for kind in PORTABLE:
        for a in ("s", "p"):
            thing, be = f"[THING.{kind}.{a},1]", PERSONS[a]["be"]
            rules += rules_of("C", [(f"{thing} {be}~1? [LOC,2]", "[1] 在~1? [2]")])
            rules += rules_of(
                "Q", [(f"where~1 {be}~2? {thing}", "[1] 在~2? 哪里~1", 0.5)]
            )
    return rules


def _professions(m: str) -> list[Rule]:
    """C and Q: what a person is; professions that are counted with `m`."""
    rules: list[Rule] = []
    for a in ("i", "s"):
        who, be, noun = f"[NAMED.{a},1]", PERSONS[a]["be"], f"[N.person.{m}.sg,2]"
        some = f"a~2 [NOM.person.{m}.sg,2]"
        rules += rules_of(
            "C",
            [
                (f"{who} {be}~1 {some}", f"[1] 是~1 一~2 {m}~2? [2]"),
                (f"{who} {be}~1 not~3 a {noun}", "[1] 不~3 是~1 [2]"),
            ],
        )
        rules += rules_of("Q", [(f"{be}~1 {who} a {noun}", "[1] 是~1 [2] 吗")])
    return rules


def _passives() -> list[Rule]:
    """C and Q with 被: what was done to things, and to persons."""
    rules: list[Rule] = []
    for (kind,), entries in words.sections(words.PASSIVES):
        for entry, chinese in entries:
            forms = words.verb_forms(entry)
            more = {"lemma": forms["base"]}
            done = f"{chinese}~1 了~1?"
            rules.append(rule(f"DONE.{kind}.le", f"{forms['part']}~1", done, **more))
            rules.append(linked(f"DONE.{kind}.0", forms["part"], chinese, **more))
        for a in PERSONS if kind == "person" else ("s", "p"):
            person = kind == "person"
            it = f"[SIMPLE.{a},1]" if person else f"[THING.{kind}.{a},1]"
            was = PERSONS[a]["was"]
            done, not_done = f"[DONE.{kind}.le,2]", f"[DONE.{kind}.0,2]"
            rules += rules_of(
                "C",
                [
                    (f"{it} {was} {done} by~1 [AGENT,3]", "[1] 被~1 [3] [2]", 2),
                    (f"{it} {was} {done} by~1 [AGENT,3] [PAST,4]",
                     "[1] [4] 被~1 [3] [2]", 2),
                    (f"{it} {was}~1? {done}", "[1] 被~1? [2]"),
                    (f"{it} {was}~1? {done} [PAST,3]", "[1] [3] 被~1? [2]"),
                    (f"{it} {was} not~1 {not_done} by~2 [AGENT.d,3]",
                     "[1] 没有~1 被~2 [3] [2]"),
                    (f"{it} will~1 be {not_done} by~2 [AGENT.d,3]",
                     "[1] 会~1 被~2 [3] [2]"),
                ],
                joins=(2, 1),
            )  # fmt: skip
            rules += rules_of(
                "Q",
                [(f"{was} {it} {done} by~1 [AGENT,3]", "[1] 被~1 [3] [2] 吗")],
                joins=(2, 1),
            )
    return rules


def _questions_about_a_part() -> list[Rule]:
    """Q with who, what, which and how many: Chinese asks where the answer stands."""
    rules = rules_of(
        "Q",
        [
            ("who~1 [X.past.le.q,1]", "谁~1 [1]", 4),
            ("who~1 [X.past.le.q,1] [PAST,2]", "[2] 谁~1 [1]", 4),
            ("who~1 is [PROG,1]", "谁~1 [1]", 3),
            ("who~1 will~2 [X.base.0.q,1]", "谁~1 会~2 [1]", 3),
            ("who~1 can~2 [X.base.0.q,1]", "谁~1 能~2 [1]", 2),
        ],
    )
    for group in words.OBJECTS:
        if group in words.STATES | {"hunt"} or "person" in words.OBJECTS[group]:
            continue
        verb = f"[V.{group}.base.le,2]"
        will = f"[V.{group}.base.0,2]"
        if group != "adorn":  # what one wears could be 穿 or 戴: no one translation
            rules += rules_of(
                "Q",
                [
                    (f"what~1 did [ASKED,1] {verb}", "[1] [2] 什么~1"),
                    (f"what~1 did [ASKED,1] {verb} [PAST,3]", "[1] [3] [2] 什么~1"),
                    (f"what~1 will~2 [ASKED,1] {will}", "[1] 会~2 [2] 什么~1"),
                ],
            )
        for kind, m in measures():
            if kind not in words.OBJECTS[group].split():
                continue
            one, many = (f"[N.{kind}.{m}.{number},3]" for number in ("sg", "pl"))
            rules += rules_of(
                "Q",
                [
                    (f"which~1 {one} did [ASKED,1] {verb}",
                     f"[1] [2] 哪~1 {m}~1? [3]", 0.3),
                    (f"how~1 many~1 {many} did [ASKED,1] {verb}",
                     f"[1] [2] 多少~1 {m}~1? [3]", 0.3),
                ][: 1 if group in words.WEARING else 2],
                joins=(2, 3),
            )  # fmt: skip
    return rules


def _sentences() -> list[Rule]:
    """S: a statement, a question, or two clauses with what joins them."""
    rules = [
        *rules_of("S", [("[C,1] .~1", "[1] 。~1", 12), ("[Q,1] ?~1", "[1] ？~1", 5)]),
        *rules_of(
            "S",
            [
                ("[C,1] because~1 [C,2] .~2", "因为~1 [2] ， 所以~1? [1] 。~2"),
                ("[C,1] ,~1 but~2 [C,2] .~3", "[1] ，~1 但是~2 [2] 。~3"),
                ("[NAMED.s,1] [SAYS,2] that [C,3] .~1", "[1] [2] [3] 。~1"),
            ],
        ),
        *linked_table("SAYS", "says 说, thinks 认为, knows 知道, believes 相信"),
    ]
    first, second = "[NAME,1] [VP.past.le.q,2]", "[OTHER,3] [VP.past.0.q,4]"
    rules += rules_of(
        "S",
        [
            (f"{first} before~1 {second} .~2", "[3] [4] 以前~1 ， [1] [2] 。~2", 0.5),
            (f"{first} after~1 {second} .~2", "[3] [4] 以后~1 ， [1] [2] 。~2", 0.5),
            (f"{first} while~1 [OTHER,3] was [VP.ing.0.q,4] .~2",
             "[3] [4] 的~1? 时候~1 ， [1] [2] 。~2", 0.5),
            ("if~1 [OTHER,1] [VP.s.0.q,2] ,~2 [NAMED.s,3] will~3 [VP.base.0.q,4] .~4",
             "如果~1 [1] [2] ，~2 [3] 就 会~3 [4] 。~4", 0.5),
        ],
    )  # fmt: skip
    return rules
