"""Add-k smoothing against hand counts and its definition."""

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.models.ngram import AddKNGram
from llm_notes.parity.counting import add_k_by_definition

V = 5
texts = st.lists(st.integers(0, 3), min_size=4, max_size=40)


def test_a_tiny_text_counted_by_hand():
    # a b a a c: after "a" come b, a and c, once each.
    model = AddKNGram(2, 4, k=0.5).fit([0, 1, 0, 0, 2])
    assert model.probabilities([0]) == pytest.approx([1.5 / 5, 1.5 / 5, 1.5 / 5, 0.1])
    assert model.probabilities([1]) == pytest.approx([0.5, 0.5 / 3, 0.5 / 3, 0.5 / 3])
    # "c" is seen, and nothing after it; "d" is not seen at all.
    assert model.probabilities([2]) == pytest.approx([1 / 4] * 4)
    assert model.probabilities([3]) == pytest.approx([1 / 4] * 4)
    # Without a context, the first token is judged by the unigram.
    assert model.probabilities() == pytest.approx([3.5 / 7, 1.5 / 7, 1.5 / 7, 0.5 / 7])


@settings(deadline=None, max_examples=40)
@given(text=texts, order=st.integers(1, 3), k=st.floats(0.01, 3))
def test_it_equals_its_definition(text, order, k):
    model = AddKNGram(order, V, k=k).fit(text)
    definition = add_k_by_definition(V, k)
    for length in range(order):
        for context in product(range(V), repeat=length):
            p = model.probabilities(context)
            assert p == pytest.approx(definition(text, context), abs=1e-12)


@pytest.mark.parametrize("k", [0, -1, math.inf, math.nan])
def test_k_must_be_positive(k):
    with pytest.raises(ValueError, match="k is"):
        AddKNGram(2, 5, k=k)
