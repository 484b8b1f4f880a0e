"""Sentences about nouns with two senses: unambiguous as a whole, not word by word."""

import pytest

from llm_notes.data.tasks.two_senses import (
    ANIMALS,
    MEASURES,
    THINGS,
    TWO_SENSES,
    two_sense_grammar,
    two_sense_pairs,
)


def test_pairs_differ_and_repeat_with_the_seed():
    train, test = two_sense_pairs(300, 50)
    assert (len(train), len(test)) == (300, 50)
    assert len({pair.english for pair in train + test}) == 350
    assert two_sense_pairs(300, 50) == (train, test)
    assert two_sense_pairs(300, 50, seed=1)[0] != train
    assert two_sense_pairs(300, 40)[0] == train


def test_each_sentence_has_one_translation_and_one_measure_word():
    pairs, _ = two_sense_pairs(4000, 0)
    assert len({pair.chinese for pair in pairs}) == len(pairs)
    for pair in pairs:
        assert sum(word in MEASURES for word in pair.chinese) == 1


def test_the_measure_word_belongs_to_the_noun_and_stands_before_it():
    measure_of = dict([*ANIMALS.values(), *THINGS.values()])
    for pair in two_sense_pairs(500, 0)[0]:
        (at,) = (i for i, word in enumerate(pair.chinese) if word in MEASURES)
        noun = next(word for word in pair.chinese[at:] if word in measure_of)
        assert measure_of[noun] == pair.chinese[at]


def test_nouns_of_two_senses_have_two_translations():
    assert set(TWO_SENSES) == {"bat", "crane", "mouse", "seal"}
    seen = {noun: set() for noun in TWO_SENSES}
    for pair in two_sense_pairs(3000, 0)[0]:
        for i, j in pair.sure:
            if pair.english[i] in seen:
                seen[pair.english[i]].add(pair.chinese[j])
    assert seen == {noun: {ANIMALS[noun][0], THINGS[noun][0]} for noun in TWO_SENSES}


def test_links_join_words_that_translate_each_other():
    words: dict[str, set[str]] = {}
    for pair in two_sense_pairs(2000, 0)[0]:
        for i, j in pair.sure:
            words.setdefault(pair.english[i], set()).add(pair.chinese[j])
    assert words["today"] == {"今天"} and words["one"] == {"一"}
    assert all(len(w) == 1 for e, w in words.items() if e not in TWO_SENSES)


def test_impossible_sizes_are_refused():
    with pytest.raises(ValueError, match="negative"):
        two_sense_pairs(-1, 3)
    with pytest.raises(ValueError, match="half"):
        two_sense_pairs(two_sense_grammar().count(), 1)
