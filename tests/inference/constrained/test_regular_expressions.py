"""The automaton of a pattern accepts what Python's `re.fullmatch` accepts."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.inference.constrained import PatternError, regular_expression
from llm_notes.inference.constrained.automaton import DEAD, START
from llm_notes.inference.constrained.characters import (
    EVERYTHING,
    characters,
    complement,
    escape_class,
    intersection,
    union,
)
from llm_notes.inference.constrained.pattern import parse_pattern

SIGNS = "abc1_ -\n\t.é\u0660日\U0001f600"

SINGLES = (
    r"a b 1 _ é 日 \. \d \w \s \D \W \S . \x61 \u00e9 \n [ab] [^ab] [^\d_] [a-c\-]"
    r" []a] [\w-] [^\W] [é-日] - { } ] \U0001f600"
)
single = st.sampled_from(SINGLES.split())
count = st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{,2}", "{1,2}", "*?", "{0}"])
patterns = st.recursive(
    single,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        inner.map(lambda p: f"({p}|)"),
        st.tuples(inner, count).map(lambda two: f"(?:{two[0]}){two[1]}"),
    ),
    max_leaves=5,
)


@settings(deadline=None, max_examples=250)
@given(patterns, st.lists(st.text(SIGNS, max_size=5), min_size=1, max_size=8))
def test_random_patterns_match_what_pythons_do(pattern, texts):
    automaton = regular_expression(pattern)
    for text in texts:
        expected = re.fullmatch(pattern, text, re.ASCII) is not None
        assert automaton.matches(text) == expected, text


@settings(deadline=None, max_examples=60)
@given(patterns, st.data())
def test_every_text_that_python_could_make_is_accepted(pattern, data):
    text = data.draw(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert regular_expression(pattern).matches(text)


@pytest.mark.parametrize(
    ("pattern", "accepted", "refused"),
    [
        ("^ab|c$", ["ab", "c"], ["abc", "a"]),
        ("(?P<year>\\d{4})-\\d\\d", ["2024-01"], ["24-01", "2024-1", "٢٠٢٤-01"]),
        ("a{3,}", ["aaa", "aaaaaa"], ["aa"]),
        ("(a?){2,3}", ["", "a", "aaa"], ["aaaa"]),
        ("(ab*)*", ["", "abbab", "aa"], ["b", "ba"]),
        ("a{}|{1}|x{,", ["a{}", "{1}", "x{,"], ["a", "1"]),
        (r"[\b]\\\[", ["\b\\["], ["b\\["]),
        ("", [""], ["a"]),
        ("(|a)b", ["b", "ab"], [""]),
    ],
)
def test_patterns_with_known_matches(pattern, accepted, refused):
    if pattern != "a{}|{1}|x{,":  # there `re` finds nothing to repeat
        assert all(re.fullmatch(pattern, t, re.ASCII) for t in accepted)
        assert not any(re.fullmatch(pattern, t, re.ASCII) for t in refused)
    else:
        pattern = r"a{}|\{1}|x{,"
    automaton = regular_expression(pattern)
    assert all(map(automaton.matches, accepted))
    assert not any(map(automaton.matches, refused))


EDGES = [0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF]


def test_every_length_of_utf_8_is_read_and_nothing_that_is_none():
    anything = regular_expression("[^x]")
    for code in EDGES:
        assert anything.matches(chr(code))
    assert not anything.matches("x")
    assert not anything.matches("\ud800")
    wrong = ["c080", "e08080", "e09fbf", "f08fbfbf", "eda080", "f4908080", "f88080"]
    for data in map(bytes.fromhex, [*wrong, "80", "ff", "c3c3"]):
        assert anything.step(START, data) == DEAD


def test_a_character_that_begins_right_is_alive_and_one_that_cannot_match_is_not():
    automaton = regular_expression("é+")
    first, second = "é".encode()
    half = automaton.step(START, bytes([first]))
    assert half != DEAD
    assert not automaton.accepting[half]
    assert automaton.accepting[automaton.step(half, bytes([second]))]
    assert automaton.step(half, "è".encode()[1:]) == DEAD
    assert automaton.step(START, "日".encode()[:1]) == DEAD


@settings(deadline=None, max_examples=60)
@given(patterns)
def test_from_every_state_some_text_can_be_completed(pattern):
    automaton = regular_expression(pattern)
    living = automaton.accepting.copy()
    for _ in range(len(living)):
        living |= living[automaton.table].any(axis=1)
    reached = {START} | set(np.unique(automaton.table).tolist())
    assert all(living[state] for state in reached - {DEAD})
    assert not automaton.table[DEAD].any()


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"(a)\1", "back-reference"),
        ("(?P<n>a)(?P=n)", "back-reference"),
        ("a(?=b)", "look-ahead"),
        ("a(?!b)", "look-ahead"),
        ("(?<=a)b", "look-behind"),
        (r"\ba", "border"),
        ("(?i)a", "flag"),
        ("(?>a)", "atomic"),
        ("(?#a)", "comment"),
        ("(a)(?(1)b)", "condition"),
        ("a*+", "repetition follows"),
        ("a**", "repetition follows"),
        ("a{2}{3}", "repetition follows"),
        ("*a", "nothing to repeat"),
        ("a|+", "nothing to repeat"),
        ("a{3,2}", "at least 3 and at most 2"),
        ("(a", r"no end, at position 1"),
        ("a)", r"no \( before it, at position 1"),
        ("[a", "set has no end"),
        ("[z-a]", "does not go upwards"),
        (r"[\d-z]", "does not go upwards"),
        ("a\\", "ends too soon"),
        (r"\x4", "2 hexadecimal digits"),
        (r"\U00110000", "no character has this number"),
        (r"\ud800", "no character has this number"),
        ("a^b", r"\^ stands within"),
        ("(a$)", r"\$ stands within"),
        ("a$b", r"\$ stands within"),
        ("[^\\s\\S]", "no text matches"),
        ("(a{500}){500}", "more than 100000 states"),
    ],
)
def test_what_automata_cannot_match_is_refused_with_its_reason(pattern, message):
    with pytest.raises(PatternError, match=message):
        regular_expression(pattern)


@pytest.mark.parametrize("letter", "dws")
def test_classes_are_those_of_python(letter):
    for flags, ascii_only in ((re.ASCII, True), (0, False)):
        inside = escape_class(letter, ascii_only)
        outside = escape_class(letter.upper(), ascii_only)
        for code in [*range(0x2100), 0xFF11, 0xFFFF, 0x1D7CE]:
            found = any(first <= code <= last for first, last in inside)
            assert found == bool(re.fullmatch(rf"\{letter}", chr(code), flags))
        assert intersection(inside, outside) == ()
        assert union(inside, outside) == EVERYTHING


def test_narrow_classes_hold_under_every_reading():
    def members(pattern):
        (alternative,) = parse_pattern(pattern, narrow=True)
        (part,) = alternative.node.parts
        return part.ranges

    for pattern in (r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"[^\d]", r"[^\W]", "."):
        found = members(pattern)
        for flags in (0, re.ASCII):
            for code in (0x31, 0x41, 0x20, 0x660, 0xE9, 0xA0, 0x2028, 0x1C, 0x0A):
                if any(first <= code <= last for first, last in found):
                    assert re.fullmatch(pattern, chr(code), flags), (pattern, code)
    assert intersection(members("."), characters("\n\r\u2028\u2029")) == ()
    assert members("a") == characters("a")


ranges = st.lists(st.text(SIGNS, max_size=3), max_size=3)


@given(ranges, ranges)
def test_sets_of_characters_obey_the_laws_of_sets(a, b):
    a, b = (union(*map(characters, texts)) for texts in (a, b))
    assert complement(complement(a)) == a
    assert union(a, complement(a)) == EVERYTHING
    assert intersection(a, b) == complement(union(complement(a), complement(b)))
    members = {chr(c) for first, last in a for c in range(first, last + 1)}
    others = {chr(c) for first, last in b for c in range(first, last + 1)}
    assert intersection(a, b) == characters("".join(members & others))
    assert union(a, b) == characters("".join(members | others))
