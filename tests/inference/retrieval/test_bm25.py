"""BM25 equals its formulas written out, and the package rank-bm25."""

from collections import Counter
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from llm_notes.data.tasks.docstrings import docstring_pairs
from llm_notes.data.tasks.source_code import source_files, standard_library_folder
from llm_notes.inference.retrieval import BM25
from llm_notes.metrics import mean_reciprocal_rank, recall_at_k

TEXTS = st.lists(st.sampled_from("aabcde"), max_size=8).map(" ".join)
COLLECTION = st.lists(TEXTS, min_size=1, max_size=6).filter(lambda texts: any(texts))
QUERY = st.lists(st.sampled_from("abcdz"), min_size=1, max_size=4).map(" ".join)
NUMBERS = st.tuples(st.sampled_from([0.0, 0.9, 1.5]), st.sampled_from([0.0, 0.75, 1.0]))


def by_formula(texts, query, k1, b, variant) -> list[float]:
    documents = [Counter(text.split()) for text in texts]
    mean_length = sum(d.total() for d in documents) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for term in query.split():
            n = sum(term in d for d in documents)
            if not n or not document[term]:
                continue
            odds = (len(documents) - n + 0.5) / (n + 0.5)
            idf = {
                "robertson": log(odds),
                "lucene": log(1 + odds),
                "atire": log(len(documents) / n),
            }[variant]
            length = 1 - b + b * document.total() / mean_length
            part = document[term] / (document[term] + k1 * length)
            score += idf * part * (k1 + 1 if variant == "atire" else 1)
        scores.append(score)
    return scores


@pytest.mark.parametrize("variant", ["robertson", "lucene", "atire"])
@given(COLLECTION, QUERY, NUMBERS)
@settings(deadline=None, max_examples=60)
def test_scores_equal_the_formula_written_out(variant, texts, query, numbers):
    k1, b = numbers
    search = BM25(texts, str.split, k1, b, variant)
    expected = by_formula(texts, query, k1, b, variant)
    assert search.scores(query).tolist() == pytest.approx(expected, abs=1e-12)


@given(COLLECTION, QUERY, st.sampled_from([0.25, 1.0]))
@settings(deadline=None, max_examples=100)
def test_the_floored_variant_equals_rank_bm25(texts, query, epsilon):
    theirs = BM25Okapi([t.split() for t in texts], k1=1.5, b=0.6, epsilon=epsilon)
    search = BM25(texts, str.split, 1.5, 0.6, "okapi-floor", epsilon)
    expected = theirs.get_scores(query.split()).tolist()
    assert search.scores(query).tolist() == pytest.approx(expected, abs=1e-10)


def test_a_search_gives_the_best_first_and_of_equals_the_lower_number():
    search = BM25(["red fox", "blue sky", "fox red", "red fox fox"], b=0)
    hits = search.search("A fox!", k=3)
    assert [hit.document for hit in hits] == [3, 0, 2]
    scores = search.scores("A fox!")
    assert [hit.score for hit in hits] == pytest.approx(scores[[3, 0, 2]].tolist())


def test_documents_without_a_term_of_the_query_are_never_found():
    search = BM25(["red fox", "blue sky", "fox"])
    assert [hit.document for hit in search.search("sky", k=3)] == [1]
    assert search.search("green") == []
    # Robertson's idf of a frequent word is negative; what holds it is found still.
    found = BM25(["fox", "fox", "sky"], variant="robertson").search("fox")
    assert [hit.document for hit in found] == [0, 1]
    assert found[0].score < 0


@given(COLLECTION, QUERY, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_the_order_of_documents_does_not_change_their_scores(texts, query, random):
    order = list(range(len(texts)))
    random.shuffle(order)
    before = BM25(texts, str.split).scores(query)[order]
    after = BM25([texts[i] for i in order], str.split).scores(query)
    np.testing.assert_allclose(after, before, atol=1e-12)


def test_a_function_is_found_from_its_docstring_far_above_chance():
    # One package of the standard library, real functions and what is said of them.
    pairs = docstring_pairs(source_files(standard_library_folder() / "email"))
    assert len(pairs) > 50
    search = BM25([pair.code for pair in pairs])
    ranks = [[hit.document for hit in search.search(p.summary, 10)] for p in pairs]
    right = [[number] for number in range(len(pairs))]
    recall = np.mean([recall_at_k(r, w, 10) for r, w in zip(ranks, right, strict=True)])
    chance = 10 / len(pairs)
    assert recall > 4 * chance
    # By chance, the mean of 1/rank over the first ten of n places.
    by_chance = sum(1 / rank for rank in range(1, 11)) / len(pairs)
    assert mean_reciprocal_rank(ranks, right) > 8 * by_chance


def test_what_cannot_be_searched_is_named():
    with pytest.raises(ValueError, match="there are no documents"):
        BM25([])
    with pytest.raises(ValueError, match="one text"):
        BM25("a text")
    with pytest.raises(ValueError, match="no variant 'plus'; there are robertson"):
        BM25(["a"], variant="plus")
    for k1, b in [(-1, 0.5), (1, -0.1), (1, 1.1), (float("nan"), 0.5)]:
        with pytest.raises(ValueError, match="k1 must be 0 or more"):
            BM25(["a"], k1=k1, b=b)
    search = BM25(["a b"])
    for query in ("", " ...\n"):
        with pytest.raises(ValueError, match="has no terms to search for"):
            search.search(query)
        with pytest.raises(ValueError, match="has no terms to search for"):
            search.scores(query)
    for query in ("a", "z"):
        with pytest.raises(ValueError, match="k is 0"):
            search.search(query, 0)
