import json
import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.batching import IGNORE, ChatTemplate, instruction_batch
from llm_notes.data.tasks import instructions as module
from llm_notes.data.tasks.instructions import (
    CATEGORIES,
    Instruction,
    instructions,
    stratum,
)
from llm_notes.data.tasks.splits import LANGUAGES, stratified_split

HAN = re.compile(r"[\u4e00-\u9fff]")
LATIN_WORD = re.compile(r"[A-Za-z]+")
CHECKED = [each for each in instructions() if each.checks]
CODE = [each for each in instructions() if each.category == "code"]


def han_share(text):
    """Chinese characters among Chinese characters and Latin words."""
    n_han, n_latin = len(HAN.findall(text)), len(LATIN_WORD.findall(text))
    return n_han / max(1, n_han + n_latin)


def five_grams(text):
    text = text.lower()
    return {text[i : i + 5] for i in range(max(1, len(text) - 4))}


def similarity(a, b):
    """Jaccard similarity of two sets."""
    return len(a & b) / len(a | b)


def run_check(check, example, answer):
    """The value of a check for an answer; code is executed first."""
    names = {"json": json, "re": re, "answer": answer, "input": example.input}
    if example.category == "code":
        exec(compile(answer, example.id, "exec"), names)
    return eval(check, names)


@pytest.mark.parametrize(("language", "fewest"), [("en", 115), ("zh", 105)])
def test_each_language_has_enough_instructions_of_each_category(language, fewest):
    examples = instructions(language)
    assert len(examples) >= fewest
    counts = Counter(each.category for each in examples)
    assert counts.keys() == set(CATEGORIES)
    assert min(counts.values()) >= 7
    assert max(counts.values()) <= 10


def test_no_language_means_both_and_the_file_is_read_once():
    assert instructions() == instructions("en") + instructions("zh")
    assert {each.language for each in instructions()} == set(LANGUAGES)
    for language in (None, *LANGUAGES):
        assert isinstance(instructions(language), tuple)
    assert instructions() is instructions(None)


@pytest.mark.parametrize("language", ["fr", "EN", "", ["en"]])
def test_an_unknown_language_is_refused_by_name(language):
    with pytest.raises(ValueError, match=f"{re.escape(repr(language))}.*'en' and 'zh'"):
        instructions(language)


def test_an_instruction_of_unknown_language_or_category_is_refused():
    example = instructions()[0]
    with pytest.raises(ValueError, match=r"'de'.*'en' and 'zh'"):
        replace(example, language="de")
    with pytest.raises(ValueError, match=f"{example.id}.*'sing'.*summarise"):
        replace(example, category="sing")


def test_ids_are_unique_and_name_the_language():
    examples = instructions()
    assert len({each.id for each in examples}) == len(examples)
    for each in examples:
        assert re.fullmatch(rf"{each.language}-\d{{3}}", each.id)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_instructions_are_alike(language):
    examples = instructions(language)
    for texts in (
        [each.instruction for each in examples],  # what is asked
        [each.prompt for each in examples],  # and what it is asked of
    ):
        grams = [five_grams(text) for text in texts]
        for i, one in enumerate(grams):
            for j in range(i):
                assert similarity(one, grams[j]) < 0.5, (texts[i], texts[j])


@pytest.mark.parametrize("language", LANGUAGES)
def test_long_answers_are_not_repeated(language):
    answers = [e.answer for e in instructions(language) if len(e.answer) > 12]
    assert len(set(answers)) == len(answers)


def test_instructions_are_in_the_language_that_they_claim():
    for each in instructions("en"):
        assert han_share(each.instruction) < 0.4, each
    for each in instructions("zh"):
        assert han_share(each.instruction) > 0.6, each


def test_answers_are_in_the_language_of_the_instruction():
    other = {"translate", "code", "format", "extract"}  # may be in another one
    for each in instructions():
        if each.category in other or not re.search(r"[^\W\d_]", each.answer):
            continue
        if each.language == "en":
            assert han_share(each.answer) == 0, each
        else:
            assert han_share(each.answer) > 0.5, each


def test_translations_go_both_ways_in_both_languages():
    for language in LANGUAGES:
        shares = [
            han_share(each.answer)
            for each in instructions(language)
            if each.category == "translate"
        ]
        assert sum(share > 0.8 for share in shares) >= 3
        assert sum(share < 0.2 for share in shares) >= 3


def test_answers_are_short_and_have_no_stray_space():
    for each in instructions():
        n_words = len(HAN.findall(each.answer)) + len(each.answer.split())
        assert 1 <= n_words <= 80, each
        for text in (each.instruction, each.input, each.answer):
            assert text == text.strip(), each
            assert "\t" not in text
            assert "\ufffd" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_chinese_texts_have_no_english_full_stops_and_the_reverse(language):
    for each in instructions(language):
        if language == "zh":
            assert not re.search(r"[\u4e00-\u9fff][,.?!;]", each.prompt), each
        elif not HAN.search(each.prompt + each.answer):
            assert not re.search("[，。？！；：“”]", each.prompt + each.answer), each


@pytest.mark.parametrize("language", LANGUAGES)
def test_instructions_begin_in_many_ways(language):
    texts = [each.instruction for each in instructions(language)]
    if language == "en":
        openings = Counter(text.split()[0].lower() for text in texts)
    else:
        openings = Counter(text[:2] for text in texts)
    assert len(openings) >= 0.5 * len(texts)
    assert max(openings.values()) <= 0.15 * len(texts)


@pytest.mark.parametrize("example", CODE, ids=lambda each: each.id)
def test_code_runs_and_is_checked(example):
    assert example.checks
    assert "```" not in example.answer
    exec(compile(example.answer, example.id, "exec"), {"__name__": "answer"})


@pytest.mark.parametrize("example", CHECKED, ids=lambda each: each.id)
def test_answers_pass_their_checks(example):
    for check in example.checks:
        assert run_check(check, example, example.answer) is True, check


@pytest.mark.parametrize("example", CHECKED, ids=lambda each: each.id)
def test_checks_refuse_most_other_answers(example):
    others = [e for e in instructions() if e.category == example.category]
    others.remove(example)
    for check in example.checks:
        passed = 0
        for other in others:
            try:
                passed += bool(run_check(check, example, other.answer))
            except Exception:  # an answer that cannot be read is a wrong one
                continue
        assert passed <= 0.75 * len(others), check


def passes_all(example, answer):
    """Whether an answer passes all checks; one that cannot be read does not."""
    try:
        return all(run_check(check, example, answer) for check in example.checks)
    except Exception:
        return False


@pytest.mark.parametrize("example", CHECKED, ids=lambda each: each.id)
def test_no_checks_are_passed_by_silence_or_by_an_echo(example):
    assert not passes_all(example, "")
    assert not passes_all(example, example.input)
    assert not passes_all(example, example.instruction)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("en-019", "or"),
        ("en-026", "prose\nprose\nprose"),
        ("en-052", "1020 apples"),
        ("en-054", "They are 1500 minutes."),
        ("en-061", "Each friend pays 128 dollars."),
        ("en-091", "We bought bread cheese and olives and then we walked to the lake."),
        ("en-100", "They are not the same."),
        ("en-106", "a, b, c, d"),
        ("en-107", "Mars, Venus, Jupiter, Earth"),
        ("en-116", "thirty"),
        ("zh-016", "好评"),
        ("zh-019", "科技"),
        ("zh-046", "一共要112元。"),
        ("zh-076", "你吃饭了吗我还没有我们一起去吧"),
        ("zh-105", "1999-01-01"),
        ("zh-107", "西游记\n红楼梦\n水浒传"),
        ("zh-109", "是"),
    ],
)
def test_wrong_answers_do_not_pass(name, wrong):
    example = next(each for each in instructions() if each.id == name)
    assert passes_all(example, example.answer)
    assert not passes_all(example, wrong)


def test_no_check_runs_an_answer_that_is_no_code():
    assert not any("eval(" in check for each in instructions() for check in each.checks)
    for name in ("en-125", "zh-108"):
        example = next(each for each in instructions() if each.id == name)
        assert not passes_all(example, f"({example.answer})")


def test_all_sums_and_many_other_answers_are_checked():
    assert all(e.checks for e in instructions() if e.category == "arithmetic")
    assert len(CHECKED) >= 100


def test_turns_hold_the_instruction_the_input_and_the_answer():
    example = Instruction(
        id="en-000",
        language="en",
        category="sort",
        instruction="Sort.",
        input="b\na",
        answer="a\nb",
    )
    answer = {"role": "assistant", "content": "a\nb"}
    assert example.messages() == [
        {"role": "user", "content": "Sort.\n\nb\na"},
        answer,
    ]
    alone = replace(example, input="")
    assert alone.messages() == [{"role": "user", "content": "Sort."}, answer]
    assert example.checks == ()


def test_messages_are_what_a_chat_template_takes():
    roles = {"user": 256, "assistant": 257}
    batch = instruction_batch(
        [each.messages() for each in instructions()[:2]],
        ChatTemplate(roles, 258),
        lambda text: list(text.encode()),
        context_length=10_000,
        pad_id=0,
    )
    for each, targets in zip(instructions(), batch.targets, strict=False):
        learned = targets[targets != IGNORE].tolist()
        assert learned == [*each.answer.encode(), 258]


def test_inputs_keep_their_lines():
    longest = max(instructions(), key=lambda each: each.input.count("\n"))
    assert longest.input.count("\n") >= 3
    with_input = [each for each in instructions() if each.input]
    assert 0.3 < len(with_input) / len(instructions()) < 0.7


def test_a_split_keeps_every_instruction_once_and_in_order():
    examples = instructions()
    train, validation = stratified_split(
        examples, stratum, validation_share=0.2, seed=3
    )
    held_out = {each.id for each in validation}
    assert train == [each for each in examples if each.id not in held_out]
    assert validation == [each for each in examples if each.id in held_out]
    assert len(held_out) == len(validation) == pytest.approx(0.2 * len(examples), abs=1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9]))
def test_a_split_takes_the_same_share_of_each_language_and_category(seed, share):
    examples = instructions()
    _, validation = stratified_split(examples, stratum, share, seed)
    for kind in (
        lambda each: each.language,
        lambda each: (each.language, each.category),
    ):
        held_out = Counter(map(kind, validation))
        for name, n in Counter(map(kind, examples)).items():
            assert abs(held_out[name] - share * n) < 1 + 1e-9, name


def test_a_split_is_decided_by_its_seed_alone():
    first, second = (
        stratified_split(instructions(), stratum, seed=s)[1] for s in (0, 1)
    )
    assert stratified_split(instructions(), stratum, seed=0)[1] == first
    assert first != second
    assert len({e.id for e in first} & {e.id for e in second}) < len(first) / 2


def test_each_instruction_is_held_out_by_some_seed():
    examples = instructions()
    seen = Counter(
        each.id
        for seed in range(200)
        for each in stratified_split(
            examples, stratum, validation_share=0.2, seed=seed
        )[1]
    )
    # 40 times each is expected; 6 standard deviations of 5.7 to either side.
    assert seen.keys() == {each.id for each in examples}
    assert max(seen.values()) < 75


def test_chance_decides_inside_a_stratum():
    held_out = {
        tuple(stratified_split(range(20), lambda _: (), 0.5, seed)[1])
        for seed in range(30)
    }
    # By the order of the examples alone there would be two: even and odd ones.
    assert len(held_out) == 30


def test_chance_decides_which_small_stratum_gives_an_example():
    held_out = {
        tuple(stratified_split("abcdef", lambda letter: (letter,), 0.5, seed)[1])
        for seed in range(30)
    }
    assert held_out == {("a", "c", "e"), ("b", "d", "f")}


def test_strata_can_be_chosen():
    words = ["aa", "ab", "ba", "bb", "bc", "bd"]
    _, validation = stratified_split(words, lambda w: (w[0],), validation_share=0.5)
    assert Counter(word[0] for word in validation) == {"a": 1, "b": 2}


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_outside_zero_and_one_is_refused(share):
    with pytest.raises(ValueError, match=f"validation_share is {share}"):
        stratified_split(instructions(), stratum, validation_share=share)


def test_a_split_with_an_empty_part_is_refused():
    with pytest.raises(ValueError, match=r"of 1 example.*give more"):
        stratified_split(instructions()[:1], stratum)
    with pytest.raises(ValueError, match="of 0 example"):
        stratified_split([], stratum)


def test_the_module_lists_the_fields_of_the_file_and_no_others():
    row = {**vars(instructions()[0])}
    assert list(module.FIELDS) == list(row)
