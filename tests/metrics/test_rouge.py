"""ROUGE equals the package rouge-score, without stemming."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from llm_notes.metrics import Scores, rouge_l, rouge_lsum, rouge_n, rouge_words

KINDS = ["rouge1", "rouge2", "rouge3", "rougeL", "rougeLsum"]
THEIRS = RougeScorer(KINDS, use_stemmer=False)
TEXTS = st.lists(
    st.sampled_from(["a ", "b ", "c ", "D, ", "\n", "a-b ", "é ", "7 "]), max_size=14
).map("".join)


def ours(summary, references) -> dict[str, Scores]:
    by_n = {f"rouge{n}": rouge_n(summary, references, n) for n in (1, 2, 3)}
    longest = {"rougeL": rouge_l(summary, references)}
    return by_n | longest | {"rougeLsum": rouge_lsum(summary, references)}


def plain(scores) -> dict[str, tuple]:
    return {
        kind: pytest.approx(tuple(score), abs=1e-9) for kind, score in scores.items()
    }


@given(TEXTS, TEXTS)
@example("the cat\nsat on the mat", "on the mat sat\nthe cat the cat")
@settings(deadline=None, max_examples=200)
def test_rouge_equals_rouge_score(summary, reference):
    scores = ours(summary, reference)
    assert scores == plain(THEIRS.score(reference, summary))
    assert all(0 <= number <= 1 for score in scores.values() for number in score)


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
@settings(deadline=None, max_examples=50)
def test_the_reference_with_the_best_f1_counts(summary, references):
    assert ours(summary, references) == plain(THEIRS.score_multi(references, summary))


def test_which_longest_subsequence_is_taken_matters_and_is_the_original_one():
    summary, reference = "a\na b", "a a\nb"
    expected = THEIRS.score(reference, summary)["rougeLsum"]
    assert tuple(rouge_lsum(summary, reference)) == pytest.approx(tuple(expected))


def test_a_copy_scores_one_and_exchanging_sides_exchanges_precision_and_recall():
    text, other = "a b c d", "b d e a b"
    for score in ours(text, text).values():
        assert score == Scores(1, 1, 1)
    for measure in (rouge_n, rouge_l):
        there, back = measure(text, other), measure(other, text)
        assert there == pytest.approx(Scores(back.recall, back.precision, back.f1))


def test_a_subsequence_may_have_gaps():
    assert rouge_l("a x b y c", "a b c").recall == 1
    assert rouge_n("a x b y c", "a b c", 2).recall == 0


def test_other_scripts_need_another_tokenisation():
    assert rouge_words("Naïve 語言 3.1") == ["na", "ve", "3", "1"]
    assert rouge_n("我喜欢书", "我爱书").f1 == 0
    assert rouge_n("我喜欢书", "我爱书", tokenise=list).recall == pytest.approx(2 / 3)
    assert rouge_l("我喜欢书", "我爱书", list).precision == pytest.approx(2 / 4)
    assert rouge_lsum("我喜\n欢书", "我爱书", list).precision == pytest.approx(2 / 4)


def test_what_cannot_be_scored_is_named():
    with pytest.raises(ValueError, match="n is 0"):
        rouge_n("a", "a", 0)
    for measure in (rouge_n, rouge_l, rouge_lsum):
        with pytest.raises(ValueError, match="no reference"):
            measure("a", [])
