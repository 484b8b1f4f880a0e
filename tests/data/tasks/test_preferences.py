import ast
import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.tasks.instructions import instructions
from llm_notes.data.tasks.preferences import (
    CATEGORIES,
    FIELDS,
    REASONS,
    preferences,
    stratum,
)
from llm_notes.data.tasks.splits import stratified_split

LANGUAGES = ("en", "zh")
HAN = re.compile(r"[\u4e00-\u9fff]")
LATIN_WORD = re.compile(r"[A-Za-z]+")


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


def share_of_longer(pairs):
    """How often the rule "take the longer answer" picks the chosen one."""
    points = [
        (len(p.chosen) > len(p.rejected)) + 0.5 * (len(p.chosen) == len(p.rejected))
        for p in pairs
    ]
    return sum(points) / len(points)


@pytest.mark.parametrize(("language", "fewest"), [("en", 110), ("zh", 100)])
def test_each_language_has_enough_pairs(language, fewest):
    assert len(preferences(language)) >= fewest
    assert len(preferences()) >= 220


@pytest.mark.parametrize("language", LANGUAGES)
def test_reasons_are_balanced_and_categories_covered(language):
    reasons = Counter(pair.reason for pair in preferences(language))
    assert reasons.keys() == set(REASONS)
    assert max(reasons.values()) - min(reasons.values()) <= 2
    categories = Counter(pair.category for pair in preferences(language))
    assert categories.keys() == set(CATEGORIES)
    assert min(categories.values()) >= 9


def test_no_language_means_both_and_the_file_is_read_once():
    assert preferences() == preferences("en") + preferences("zh")
    for language in (None, *LANGUAGES):
        assert isinstance(preferences(language), tuple)
    assert preferences() is preferences(None)


@pytest.mark.parametrize("language", ["fr", "ZH", "", ["zh"]])
def test_an_unknown_language_is_refused_by_name(language):
    with pytest.raises(ValueError, match=f"{re.escape(repr(language))}.*'en' and 'zh'"):
        preferences(language)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"language": "de"}, "'de'.*'en' and 'zh'"),
        ({"category": "sing"}, "en-001: category is 'sing'.*summarise"),
        ({"reason": "short"}, "en-001: reason is 'short'.*verbose"),
        ({"chosen": "Yes.", "rejected": "Yes."}, "en-001.*both 'Yes.'"),
    ],
)
def test_a_pair_that_breaks_the_rules_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(preferences()[0], **change)


def test_ids_are_unique_and_name_the_language():
    pairs = preferences()
    assert len({pair.id for pair in pairs}) == len(pairs)
    for pair in pairs:
        assert re.fullmatch(rf"{pair.language}-\d{{3}}", pair.id)
    assert list(FIELDS) == list(vars(pairs[0]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_prompt_is_like_another_or_like_an_instruction(language):
    prompts = [pair.prompt for pair in preferences(language)]
    others = [each.prompt for each in instructions(language)]
    others += [each.instruction for each in instructions(language)]
    grams = [five_grams(text) for text in prompts + others]
    for i in range(len(prompts)):
        for j in [*range(i), *range(len(prompts), len(grams))]:
            alike = similarity(grams[i], grams[j])
            assert alike < 0.5, (prompts[i], (prompts + others)[j])


def test_prompts_are_in_the_language_that_they_claim():
    for pair in preferences("en"):  # Chinese only where it is to be translated
        assert han_share(pair.prompt) < (0.8 if pair.category == "translate" else 0.1)
    for pair in preferences("zh"):
        assert han_share(pair.prompt) > (0.4 if pair.category == "translate" else 0.6)


def test_answers_are_in_the_language_of_the_prompt():
    for pair in preferences():
        if pair.category in {"translate", "code"}:
            continue
        for answer in (pair.chosen, pair.rejected):
            if not re.search(r"[^\W\d_]", answer):
                continue
            if pair.language == "en":
                assert han_share(answer) == 0, pair
            else:
                assert han_share(answer) > 0.5, pair


@pytest.mark.parametrize("language", LANGUAGES)
def test_length_does_not_give_the_answer_away(language):
    pairs = preferences(language)
    assert 0.4 <= share_of_longer(pairs) <= 0.6
    for reason in REASONS:
        share = share_of_longer([p for p in pairs if p.reason == reason])
        if reason == "verbose":
            assert share == 0
        else:  # no other reason is a matter of length
            assert 0.35 <= share <= 0.65, reason


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_threshold_on_length_does_not_give_the_answer_away(language):
    """Without the verbose pairs, both answers are equally long on average."""
    pairs = [p for p in preferences(language) if p.reason != "verbose"]
    chosen = sum(len(pair.chosen) for pair in pairs)
    rejected = sum(len(pair.rejected) for pair in pairs)
    assert 0.9 < chosen / rejected < 1.1


def test_answers_differ_are_short_and_have_no_stray_space():
    for pair in preferences():
        assert pair.chosen != pair.rejected
        for text in (pair.prompt, pair.chosen, pair.rejected):
            assert text == text.strip(), pair
            assert 1 <= len(HAN.findall(text)) + len(text.split()) <= 100, pair


def test_chosen_code_is_python():
    parsed = 0
    for pair in preferences():
        # An answer that is code has a line with an assignment, a call or a def first.
        if pair.category == "code" and re.match(
            r"(def|import|with|print|[a-z_]+(\.\w+\(| = ))", pair.chosen
        ):
            ast.parse(pair.chosen)
            parsed += 1
    assert parsed >= 15


def test_a_split_keeps_every_pair_once_and_in_order():
    pairs = preferences()
    train, validation = stratified_split(pairs, stratum, validation_share=0.2, seed=5)
    held_out = {pair.id for pair in validation}
    assert train == [pair for pair in pairs if pair.id not in held_out]
    assert validation == [pair for pair in pairs if pair.id in held_out]
    assert len(held_out) == len(validation) == pytest.approx(0.2 * len(pairs), abs=1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from([0.1, 0.25, 0.5]))
def test_a_split_keeps_languages_and_reasons_exactly_and_categories_nearly(seed, share):
    pairs = preferences()
    _, validation = stratified_split(pairs, stratum, share, seed)
    for name, slack in (
        (lambda pair: pair.language, 1),
        (lambda pair: (pair.language, pair.reason), 1),
        (lambda pair: pair.category, 8),  # 13 to 35 pairs each
    ):
        held_out = Counter(map(name, validation))
        for key, n in Counter(map(name, pairs)).items():
            assert abs(held_out[key] - share * n) < slack + 1e-9, key
