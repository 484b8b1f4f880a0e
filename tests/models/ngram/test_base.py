"""What all n-gram models promise, whatever they do about the unseen."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from llm_notes.models.ngram import KneserNeyNGram

V = 5  # as in conftest.py; token 4 is never seen


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_sum_to_one_in_every_context_seen_or_not(make, text, order):
    model = make(order).fit(text)
    for length in range(min(order, 3) + 1):
        for context in product(range(V), repeat=length):
            p = model.probabilities(context)
            assert p.shape == (V,)
            assert p.sum() == pytest.approx(1, abs=1e-12)
            assert (p > 0).all()


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_log_probabilities_are_those_of_the_distributions(make, text, order):
    other = np.random.default_rng(1).integers(0, V, 60)  # unseen ones too
    model = make(order).fit(text)
    expected = [
        math.log(model.probabilities(other[max(0, i - order + 1) : i])[other[i]])
        for i in range(len(other))
    ]
    assert model.log_probabilities(other) == pytest.approx(expected, abs=1e-12)


def test_the_unseen_share_counts_every_place(make):
    model = make(2).fit([0, 1, 0, 0, 2])
    # 0 1 seen, 1 1 not, 1 0 seen, 0 2 seen, 2 0 not
    assert model.unseen_share([0, 1, 1, 0, 2, 0]) == pytest.approx(2 / 5)
    assert model.unseen_share([0, 3, 2], length=1) == pytest.approx(1 / 3)
    assert model.unseen_share([0, 1, 0, 0, 2]) == 0


def test_only_the_last_tokens_of_a_context_matter(make, text):
    model = make(3).fit(text)
    short = model.probabilities([1, 0])
    assert np.array_equal(model.probabilities([2, 2, 1, 0]), short)


def test_a_unigram_model_ignores_the_context(make, text):
    model = make(1).fit(text)
    assert np.array_equal(model.probabilities([3, 1]), model.probabilities())


def test_lists_arrays_and_tensors_are_the_same_text(make, text):
    model, as_list = make(3), text.tolist()
    from_array = model.fit(text).log_probabilities(text)
    assert np.array_equal(model.fit(as_list).log_probabilities(as_list), from_array)
    tensor = torch.tensor(as_list)
    assert np.array_equal(model.fit(tensor).log_probabilities(tensor), from_array)
    assert np.array_equal(
        model.probabilities(tensor[:2]), model.probabilities(as_list[:2])
    )


def test_fitting_again_forgets_the_text_before(make, text):
    model = make(2).fit(text).fit(text[:50])
    fresh = make(2).fit(text[:50])
    assert np.array_equal(model.log_probabilities(text), fresh.log_probabilities(text))


def test_an_empty_text_has_no_log_probabilities(make, text):
    assert make(2).fit(text).log_probabilities([]).shape == (0,)


def test_samples_repeat_with_the_seed_and_differ_with_another(make, text):
    model = make(3).fit(text)
    first = model.sample(50, np.random.default_rng(7), prompt=[1, 2])
    assert first == model.sample(50, np.random.default_rng(7), prompt=[1, 2])
    assert first != model.sample(50, np.random.default_rng(8), prompt=[1, 2])
    assert len(first) == 50
    assert all(type(token) is int for token in first)


def test_samples_have_the_frequencies_of_the_distribution(text):
    model = KneserNeyNGram(1, V).fit(text)
    n = 20_000
    drawn = np.bincount(model.sample(n, np.random.default_rng(0)), minlength=V)
    assert np.abs(drawn / n - model.probabilities()).max() < 4 * 0.5 / math.sqrt(n)


def test_a_sample_goes_on_from_the_prompt():
    model = KneserNeyNGram(3, 4).fit([0, 1, 2, 3] * 50)
    sample = model.sample(6, np.random.default_rng(0), prompt=[3, 0, 1])
    assert sample == [2, 3, 0, 1, 2, 3]


def test_bad_arguments_are_named(model_class):
    with pytest.raises(ValueError, match="order is 0"):
        model_class(0, 5)
    with pytest.raises(ValueError, match="vocab_size is 0"):
        model_class(2, 0)
    model = model_class(3, 5)
    with pytest.raises(RuntimeError, match="call fit first"):
        model.probabilities([1])
    with pytest.raises(RuntimeError, match="call fit first"):
        model.log_probabilities([1, 2])
    with pytest.raises(ValueError, match=r"2 tokens.*order 3 needs at least 3"):
        model.fit([1, 2])
    with pytest.raises(ValueError, match=r"token id 5 .* 0 to 4"):
        model.fit([1, 2, 5])
    with pytest.raises(ValueError, match="token id -1"):
        model.fit([1, 2, -1])
    with pytest.raises(TypeError, match="whole numbers"):
        model.fit([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="one row"):
        model.fit([[1, 2, 3]])
    model.fit([1, 2, 3, 4])
    with pytest.raises(ValueError, match="at most 3"):
        model.count([1, 2, 3, 4])
    with pytest.raises(ValueError, match="length is 4"):
        model.unseen_share([1, 2, 3, 4], length=4)
    with pytest.raises(ValueError, match="fewer than one 3-gram"):
        model.unseen_share([1, 2])
    with pytest.raises(ValueError, match="token id 9"):
        model.probabilities([9])
