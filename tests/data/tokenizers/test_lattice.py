"""Sums over all segmentations, against a list of all segmentations."""

import math
from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.tokenizers.lattice import Lattice

PIECES = ["a", "b", "c", "ab", "ba", "abc", "aa", "bca"]
NUMBER = {piece: i for i, piece in enumerate(PIECES)}
words_of_pieces = st.lists(st.text("abc", min_size=1, max_size=7), min_size=1)
some_scores = st.lists(st.floats(-6, 0), min_size=len(PIECES), max_size=len(PIECES))


def segmentations(word: str, pieces) -> list[tuple[str, ...]]:
    found = []
    for n_cuts in range(len(word)):
        for cuts in combinations(range(1, len(word)), n_cuts):
            bounds = [0, *cuts, len(word)]
            cut = tuple(word[a:b] for a, b in pairwise(bounds))
            if all(piece in pieces for piece in cut):
                found.append(cut)
    return found


@settings(deadline=None, max_examples=40)
@given(words_of_pieces, some_scores)
def test_expected_counts_and_likelihood_are_those_of_all_segmentations(words, scores):
    scores = np.array(scores)
    word_counts = np.arange(1.0, len(words) + 1)
    expected: Counter[str] = Counter()
    log_likelihood = 0.0
    for word, count in zip(words, word_counts, strict=True):
        cuts = segmentations(word, NUMBER)
        weights = [math.exp(sum(scores[NUMBER[p]] for p in cut)) for cut in cuts]
        log_likelihood += count * math.log(sum(weights))
        for cut, weight in zip(cuts, weights, strict=True):
            for piece in cut:
                expected[piece] += count * weight / sum(weights)
    lattice = Lattice.of(words, NUMBER)
    counts, total = lattice.expected_counts(scores, word_counts)
    np.testing.assert_allclose(counts, [expected[p] for p in PIECES], rtol=1e-9)
    assert total == pytest.approx(log_likelihood, rel=1e-9)


@settings(deadline=None, max_examples=40)
@given(
    words_of_pieces,
    some_scores,
    st.lists(st.booleans(), min_size=len(PIECES) - 3, max_size=len(PIECES) - 3),
    st.booleans(),
)
def test_a_restricted_lattice_is_that_of_the_remaining(words, scores, kept, whole):
    kept = np.array([True] * 3 + kept)  # the characters stay
    stay = np.arange(len(words)) % 2 == 0
    lattice = Lattice.of(words, NUMBER, whole).restricted(kept, stay)
    rest = [piece for piece, keep in zip(PIECES, kept, strict=True) if keep]
    number = {piece: i for i, piece in enumerate(rest)}
    anew = Lattice.of(words[::2], number, whole)
    scores = np.array(scores)[kept]
    np.testing.assert_allclose(
        lattice.forward(scores)[lattice.last], anew.forward(scores)[anew.last]
    )


def test_a_word_is_spelled_without_itself_when_asked():
    scores = np.log([0.1, 0.2, 0.3, 0.05, 0.05, 0.1, 0.1, 0.1])
    lattice = Lattice.of(["abc", "ab", "a"], NUMBER, whole=False)
    spelled = lattice.forward(scores)[lattice.last]
    expected = [0.1 * 0.2 * 0.3 + 0.05 * 0.3, 0.1 * 0.2]
    np.testing.assert_allclose(np.exp(spelled[:2]), expected)
    assert spelled[2] == -np.inf
