"""The best k are what a full sort gives, and ties fall to the lower number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.inference.retrieval import Hit, best_hits, top_k


@given(
    st.lists(st.integers(-2, 2), min_size=1, max_size=15),
    st.integers(1, 20),
    st.sampled_from([float, np.float16, np.int64, np.uint8, bool]),
)
@settings(deadline=None, max_examples=100)
def test_the_best_k_equal_a_full_sort(scores, k, kind):
    scores = np.abs(scores) if kind in (np.uint8, bool) else np.array(scores)
    scores = scores.astype(kind)
    expected = sorted(range(len(scores)), key=lambda i: (-float(scores[i]), i))[:k]
    assert top_k(scores, k).tolist() == expected


def test_hits_carry_their_scores():
    assert best_hits([0.5, 2.0, -np.inf], 2) == [Hit(1, 2.0), Hit(0, 0.5)]


def test_what_cannot_be_ranked_is_named():
    with pytest.raises(ValueError, match="k is 0"):
        top_k([1.0], 0)
    with pytest.raises(ValueError, match="NaN"):
        top_k([1.0, np.nan], 1)
    for shape in [(0,), (2, 2)]:
        with pytest.raises(ValueError, match="at least one document"):
            top_k(np.zeros(shape), 1)
