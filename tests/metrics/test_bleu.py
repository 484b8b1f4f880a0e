"""BLEU equals sacreBLEU's, for corpora and sentences, with each smoothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU

from llm_notes.metrics import (
    bleu_from_statistics,
    bleu_statistics,
    corpus_bleu,
    sentence_bleu,
)

HYPOTHESES = [
    "The cat sat on the mat, and it slept for 2.5 hours.",
    "there is no such thing",
    "a a a a b",
    "",
]
REFERENCES = [
    ["The cat sat on a mat; it slept for 2.5 hours.", "A cat slept on the mat."],
    ["there was no such thing as that", "there is a thing"],
    ["a b a", "a a c d e f"],
    ["nothing", "words"],
]
SMOOTHING = [("none", None), ("floor", None), ("floor", 0.3), ("add-k", None)]
SMOOTHING += [("add-k", 2.0), ("exp", None)]
WORDS = st.lists(st.sampled_from("abcd"), max_size=7).map(" ".join)
CORPUS = st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=4)


def by_set(references):
    """sacreBLEU wants the first reference of all texts, then the second of all."""
    return [list(column) for column in zip(*references, strict=True)]


@pytest.mark.parametrize("tokenisation", ["13a", "zh", "char", "none"])
@pytest.mark.parametrize(("smoothing", "value"), SMOOTHING)
def test_bleu_of_a_corpus_equals_sacrebleu(tokenisation, smoothing, value):
    theirs = BLEU(tokenize=tokenisation, smooth_method=smoothing, smooth_value=value)
    expected = theirs.corpus_score(HYPOTHESES, by_set(REFERENCES)).score
    score = corpus_bleu(
        HYPOTHESES, REFERENCES, tokenisation, smoothing=smoothing, smooth_value=value
    )
    assert 0 < score == pytest.approx(expected, abs=1e-9)


@given(CORPUS, st.sampled_from(SMOOTHING), st.booleans(), st.integers(1, 5))
@settings(deadline=None, max_examples=200)
def test_bleu_equals_sacrebleu_on_short_texts(corpus, smoothing, effective, order):
    method, value = smoothing
    theirs = BLEU(
        smooth_method=method,
        smooth_value=value,
        effective_order=effective,
        max_ngram_order=order,
    )
    hypotheses = [entry[0] for entry in corpus]
    references = [list(entry[1:]) for entry in corpus]
    expected = theirs.corpus_score(hypotheses, by_set(references)).score
    score = corpus_bleu(hypotheses, references, "13a", order, method, value, effective)
    assert score == pytest.approx(expected, abs=1e-9)
    assert 0 <= score <= 100 + 1e-9


@pytest.mark.parametrize("place", range(len(HYPOTHESES)))
def test_bleu_of_a_sentence_equals_sacrebleu(place):
    theirs = BLEU(effective_order=True)
    expected = theirs.sentence_score(HYPOTHESES[place], REFERENCES[place]).score
    score = sentence_bleu(HYPOTHESES[place], REFERENCES[place])
    assert score == pytest.approx(expected, abs=1e-9)


def test_bleu_of_chinese_equals_sacrebleu():
    hypotheses, references = ["我喜欢读这本书，真的。"], ["我很喜欢读这本好书。"]
    for name in ("zh", "char"):
        expected = BLEU(tokenize=name).corpus_score(hypotheses, [references]).score
        assert corpus_bleu(hypotheses, references, name) == pytest.approx(expected)


def test_counts_are_summed_before_they_are_divided():
    whole = corpus_bleu(HYPOTHESES[:2], REFERENCES[:2])
    parts = [sentence_bleu(h, r) for h, r in zip(HYPOTHESES, REFERENCES, strict=True)]
    assert abs(whole - np.mean(parts[:2])) > 1


@pytest.mark.parametrize("references", [["a b c d e", "a b c"], ["a b c", "a b c d e"]])
def test_of_equally_near_references_the_shorter_gives_the_length(references):
    assert bleu_statistics(["a b c d"], [references])[0, :2].tolist() == [4, 3]


def test_many_sums_are_scored_at_once():
    statistics = bleu_statistics(HYPOTHESES, REFERENCES)  # (4, 10)
    assert statistics.shape == (4, 10)
    sums = np.stack([statistics.sum(0), statistics[:2].sum(0), statistics[3]])
    for smoothing in ("none", "floor", "add-k", "exp"):
        together = bleu_from_statistics(sums[None], smoothing)
        alone = [float(bleu_from_statistics(row, smoothing)) for row in sums]
        assert together.shape == (1, 3)
        assert together[0].tolist() == pytest.approx(alone)


@given(st.lists(WORDS.filter(lambda w: len(w.split()) >= 4), min_size=1, max_size=4))
@settings(deadline=None, max_examples=30)
def test_a_copy_of_the_reference_scores_a_hundred(texts):
    assert corpus_bleu(texts, texts) == pytest.approx(100)
    assert sentence_bleu("a", "a") == pytest.approx(100)


@given(CORPUS, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=30)
def test_the_order_of_sentences_and_references_does_not_matter(corpus, random):
    def score(entries):
        return corpus_bleu([e[0] for e in entries], [list(e[1:]) for e in entries])

    turned = [(h, b, a) for h, a, b in corpus]
    random.shuffle(turned)
    assert score(turned) == pytest.approx(score(corpus))


def test_what_cannot_be_scored_is_named():
    with pytest.raises(ValueError, match="no tokenisation 'intl'; there are 13a, zh"):
        corpus_bleu(["a"], ["a"], "intl")
    with pytest.raises(ValueError, match="no smoothing 'exponential'"):
        corpus_bleu(["a"], ["a"], smoothing="exponential")
    with pytest.raises(ValueError, match="max_order is 0"):
        corpus_bleu(["a"], ["a"], max_order=0)
    with pytest.raises(ValueError, match="2 texts are to be scored by 1"):
        corpus_bleu(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="no texts"):
        corpus_bleu([], [])
    with pytest.raises(ValueError, match="no reference"):
        corpus_bleu(["a"], [[]])
    with pytest.raises(ValueError, match="a single text was given"):
        corpus_bleu("a", ["a"])
    with pytest.raises(ValueError, match="a single text was given"):
        corpus_bleu(["a"], "a")
    for shape in [(), (2,), (7,)]:
        with pytest.raises(ValueError, match="2 \\+ 2 \\* max_order"):
            bleu_from_statistics(np.zeros(shape))


def test_a_negative_smoothing_is_refused():
    for smoothing in ("floor", "add-k", "exp"):
        with pytest.raises(ValueError, match="smooth_value is -1"):
            corpus_bleu(["a b"], ["a c"], "none", smoothing=smoothing, smooth_value=-1)
