"""Kneser-Ney, plain and modified, against hand counts and their definitions."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.metrics import bits_per_byte
from llm_notes.models.ngram import AddKNGram, KneserNeyNGram, ModifiedKneserNeyNGram
from llm_notes.parity.counting import (
    fixed_discount,
    kneser_ney_by_definition,
    one_discount,
    skewed_text,
    three_discounts,
)

V = 5
texts = st.lists(st.integers(0, 3), min_size=4, max_size=60)


def test_a_tiny_text_counted_by_hand():
    # a b a a c. Bigrams ab, ba, aa, ac once each. In front of a stand {b, a}, of b {a},
    # of c {a}: continuation counts 2, 1, 1 of 4 bigram types. V = 4, D = 1/2.
    model = KneserNeyNGram(2, 4, discount=0.5).fit([0, 1, 0, 0, 2])
    # Unigram: max(a - D, 0)/4 + (1/2 * 3 / 4) * 1/4
    passed_on = 0.5 * 3 / 4 / 4
    unigram = np.array([1.5, 0.5, 0.5, 0]) / 4 + passed_on
    assert model.probabilities() == pytest.approx(unigram)
    # After a: b, a, c once each: (1 - D)/3, and 1/2 * 3/3 of the unigram.
    after_a = np.array([0.5, 0.5, 0.5, 0]) / 3 + 0.5 * unigram
    assert model.probabilities([0]) == pytest.approx(after_a)
    # After b: a once: (1 - D)/1, and 1/2 of the unigram.
    assert model.probabilities([1]) == pytest.approx([0.5, 0, 0, 0] + 0.5 * unigram)
    assert model.probabilities([3]) == pytest.approx(unigram)


def test_a_discount_is_estimated_for_each_order_from_its_adjusted_counts():
    # a b a a c: continuation counts a 2, b 1, c 1; bigram counts 1, 1, 1, 1.
    model = KneserNeyNGram(2, 4).fit([0, 1, 0, 0, 2])
    assert model.discounts == (2 / (2 + 2 * 1), 4 / (4 + 2 * 0))


def test_without_singletons_the_discount_still_leaves_mass_for_the_unseen():
    model = KneserNeyNGram(1, 3).fit([0, 0, 1, 1])
    assert model.discounts == (0.5,)
    assert model.probabilities()[2] == pytest.approx(0.5 * 2 / 4 / 3)


def test_three_discounts_are_estimated_from_the_counts_of_counts():
    # Counts 1, 1, 1, 1, 2, 2, 3, 4: n_1 = 4, n_2 = 2, n_3 = 1, n_4 = 1, Y = 1/2.
    counts = [1, 1, 1, 1, 2, 2, 3, 4]
    text = [token for token, c in enumerate(counts) for _ in range(c)]
    model = ModifiedKneserNeyNGram(1, 10).fit(text)
    d_1, d_2, d_3 = 1 - 2 / 2 * 2 / 4, 2 - 3 / 2 * 1 / 2, 3 - 4 / 2 * 1 / 1
    assert model.discounts == (pytest.approx((d_1, d_2, d_3)),)
    # 15 tokens; 4 d_1 + 2 d_2 + 2 d_3 is shared out among ten.
    shared = (4 * d_1 + 2 * d_2 + 2 * d_3) / 15 / 10
    p = model.probabilities()
    assert p[9] == pytest.approx(shared)
    assert p[0] == pytest.approx((1 - d_1) / 15 + shared)
    assert p[5] == pytest.approx((2 - d_2) / 15 + shared)
    assert p[7] == pytest.approx((4 - d_3) / 15 + shared)


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param([1, 2, 4], id="nothing seen three times"),
        pytest.param([2, 2, 3, 4], id="nothing seen once"),
        pytest.param([1, 1, 2, 3, 3, 3], id="a negative discount of counts of two"),
    ],
)
def test_a_text_too_small_to_estimate_from_takes_the_fall_back(counts):
    text = [token for token, c in enumerate(counts) for _ in range(c)]
    model = ModifiedKneserNeyNGram(1, 10).fit(text)
    assert model.discounts == ((0.5, 1.0, 1.5),)
    assert model.probabilities().sum() == pytest.approx(1)


def test_a_word_that_follows_one_word_only_has_little_weight_elsewhere():
    # "Francisco" (2) is as frequent as "day" (3), and always follows "San" (1).
    text = [1, 2] * 6 + [4, 3, 5, 3, 6, 3, 7, 3, 8, 3, 9, 3]
    for model_class in (KneserNeyNGram, ModifiedKneserNeyNGram):
        model = model_class(2, 11).fit(text)
        assert model.count([2]) == model.count([3])
        p = model.probabilities([10])  # a context that was never seen
        assert p[3] > 2 * p[2]


CASES = {
    "fixed": (lambda n: KneserNeyNGram(n, V, discount=0.7), fixed_discount(0.7)),
    "plain": (lambda n: KneserNeyNGram(n, V), one_discount),
    "modified": (lambda n: ModifiedKneserNeyNGram(n, V), three_discounts),
}


@pytest.mark.parametrize("case", CASES)
@settings(deadline=None, max_examples=30)
@given(text=texts, order=st.integers(1, 3))
def test_it_equals_its_definition(case, text, order):
    make, discounts = CASES[case]
    model = make(order).fit(text)
    definition = kneser_ney_by_definition(V, order, discounts)
    for length in range(order):
        for context in product(range(V), repeat=length):
            p = model.probabilities(context)
            assert p == pytest.approx(definition(text, context), abs=1e-12)


def test_with_counts_enough_three_discounts_are_not_the_fall_back():
    model = ModifiedKneserNeyNGram(3, 40).fit(skewed_text(1500, 40, seed=3))
    assert model.FALL_BACK not in model.discounts[1:]
    for discounts in model.discounts:
        assert all(0 < d <= r for r, d in enumerate(discounts, start=1))


def test_more_context_helps_kneser_ney_on_the_corpus_and_hurts_add_one():
    corpus = python_reference()
    tokenizer = CharacterTokenizer.train(corpus.alphabet)
    train, validation = map(tokenizer.encode, (corpus.train, corpus.validation))
    size = tokenizer.vocab_size

    def score(model):
        total_nats = -model.fit(train).log_probabilities(validation).sum()
        return bits_per_byte(total_nats, corpus.validation_bytes)

    kneser_ney = [score(KneserNeyNGram(order, size)) for order in range(1, 7)]
    assert kneser_ney == sorted(kneser_ney, reverse=True)
    assert kneser_ney[-1] < 2
    assert score(ModifiedKneserNeyNGram(6, size)) < kneser_ney[-1]
    assert score(AddKNGram(6, size)) > score(AddKNGram(4, size)) > kneser_ney[3]


@pytest.mark.parametrize("discount", [0, -0.1, 1.1, math.nan])
def test_a_discount_must_lie_between_zero_and_one(discount):
    with pytest.raises(ValueError, match="discount is"):
        KneserNeyNGram(2, 5, discount=discount)
