"""chrF and chrF++ equal sacreBLEU's."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import CHRF

from llm_notes.metrics import (
    chrf_from_statistics,
    chrf_statistics,
    corpus_chrf,
    sentence_chrf,
)

TEXTS = st.lists(st.sampled_from([*"ab (.!", "ab", "语", "a.", '"b']), max_size=9).map(
    "".join
)
CORPUS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=3)


@given(
    CORPUS, st.sampled_from([(6, 0), (6, 2), (2, 1), (0, 2)]), st.sampled_from([1, 2])
)
@example([("The cat (so) sat.", "A cat sat!", "The (cat)")], (6, 2), 2)
@example([("", "", "a")], (6, 0), 2)
@settings(deadline=None, max_examples=200)
def test_chrf_equals_sacrebleu(corpus, orders, beta):
    hypotheses = [entry[0] for entry in corpus]
    references = [list(entry[1:]) for entry in corpus]
    theirs = CHRF(char_order=orders[0], word_order=orders[1], beta=beta)
    by_set = [list(column) for column in zip(*references, strict=True)]
    expected = theirs.corpus_score(hypotheses, by_set).score
    score = corpus_chrf(hypotheses, references, *orders, beta)
    assert score == pytest.approx(expected, abs=1e-9)
    assert 0 <= score <= 100 + 1e-9


def test_chrf_of_a_sentence_is_that_of_a_corpus_of_one():
    hypothesis, reference = "The dog barked loudly.", "A dog was barking, loudly."
    for word_order in (0, 2):
        expected = CHRF(word_order=word_order).sentence_score(hypothesis, [reference])
        score = sentence_chrf(hypothesis, reference, word_order=word_order)
        assert score == pytest.approx(expected.score, abs=1e-9)


@given(TEXTS.filter(str.strip))
@settings(deadline=None, max_examples=30)
def test_a_copy_of_the_reference_scores_a_hundred(text):
    assert sentence_chrf(text, ["x", text], word_order=2) == pytest.approx(100)


@given(TEXTS, TEXTS)
@settings(deadline=None, max_examples=30)
def test_with_equal_weights_both_sides_can_be_exchanged(a, b):
    assert sentence_chrf(a, b, beta=1) == pytest.approx(sentence_chrf(b, a, beta=1))


def test_recall_counts_more_than_precision():
    assert sentence_chrf("abcdefgh", "abcdefg") > sentence_chrf("abcdefg", "abcdefgh")


def test_many_sums_are_scored_at_once():
    statistics = chrf_statistics(["abc d", "xyz", ""], ["abd d", "xz", "q"], 3, 1)
    assert statistics.shape == (3, 12)
    sums = np.stack([statistics.sum(0), statistics[0], statistics[2]])
    alone = [float(chrf_from_statistics(row)) for row in sums]
    assert chrf_from_statistics(sums).tolist() == pytest.approx(alone)


def test_what_cannot_be_scored_is_named():
    for orders in [(0, 0), (-1, 2), (6, -1)]:
        with pytest.raises(ValueError, match="char_order"):
            corpus_chrf(["a"], ["a"], *orders)
    with pytest.raises(ValueError, match="beta is 0"):
        corpus_chrf(["a"], ["a"], beta=0)
    with pytest.raises(ValueError, match="no reference"):
        corpus_chrf(["a"], [[]])
    for shape in [(), (0,), (7,)]:
        with pytest.raises(ValueError, match="3 \\* orders"):
            chrf_from_statistics(np.zeros(shape))
