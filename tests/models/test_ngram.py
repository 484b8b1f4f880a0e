"""N-gram models against hand counts and against their definitions, term by term."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.metrics import bits_per_byte
from llm_notes.models.ngram import AddKNGram, KneserNeyNGram

VOCAB_SIZE = 5
TEXT = np.random.default_rng(0).choice(4, size=200, p=[0.5, 0.3, 0.15, 0.05])
# Token 4 is never seen.

texts = st.lists(st.integers(0, 3), min_size=4, max_size=40)


def models(order: int):
    return [
        AddKNGram(order, VOCAB_SIZE, k=0.3),
        KneserNeyNGram(order, VOCAB_SIZE),
        KneserNeyNGram(order, VOCAB_SIZE, discount=0.7),
    ]


def occurrences(text, ngram) -> int:
    n = len(ngram)
    return sum(tuple(text[i : i + n]) == ngram for i in range(len(text) - n + 1))


def add_k_by_definition(text, context, token, k):
    c = [occurrences(text, (*context, w)) for w in range(VOCAB_SIZE)]
    return (c[token] + k) / (sum(c) + k * VOCAB_SIZE)


def kneser_ney_by_definition(text, context, token, order, discounts):
    def adjusted(ngram):
        if len(ngram) == order:
            return occurrences(text, ngram)
        return sum(occurrences(text, (v, *ngram)) > 0 for v in range(VOCAB_SIZE))

    def p(context):
        if context is None:
            return 1 / VOCAB_SIZE
        shorter = p(context[1:] if context else None)
        a = [adjusted((*context, w)) for w in range(VOCAB_SIZE)]
        if sum(a) == 0:
            return shorter
        discount = discounts[len(context)]
        variety = sum(count > 0 for count in a)
        kept = max(a[token] - discount, 0)
        return (kept + discount * variety * shorter) / sum(a)

    return p(tuple(context))


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_sum_to_one_in_every_context_seen_or_not(order):
    for model in models(order):
        model.fit(TEXT)
        for length in range(order + 1):
            for context in product(range(VOCAB_SIZE), repeat=min(length, 3)):
                p = model.probabilities(context)
                assert p.shape == (VOCAB_SIZE,)
                assert p.sum() == pytest.approx(1, abs=1e-12)
                assert (p > 0).all()


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_log_probabilities_are_those_of_the_distributions(order):
    text = np.random.default_rng(1).integers(0, VOCAB_SIZE, 60)  # unseen ones too
    for model in models(order):
        model.fit(TEXT)
        expected = [
            math.log(model.probabilities(text[max(0, i - order + 1) : i])[text[i]])
            for i in range(len(text))
        ]
        assert model.log_probabilities(text) == pytest.approx(expected, abs=1e-12)


def test_add_k_of_a_tiny_text_counted_by_hand():
    # a b a a c: after "a" come b, a and c, once each.
    model = AddKNGram(2, 4, k=0.5).fit([0, 1, 0, 0, 2])
    assert model.probabilities([0]) == pytest.approx([1.5 / 5, 1.5 / 5, 1.5 / 5, 0.1])
    assert model.probabilities([1]) == pytest.approx([0.5, 0.5 / 3, 0.5 / 3, 0.5 / 3])
    # "c" is seen, and nothing after it; "d" is not seen at all.
    assert model.probabilities([2]) == pytest.approx([1 / 4] * 4)
    assert model.probabilities([3]) == pytest.approx([1 / 4] * 4)
    # Without a context, the first token is judged by the unigram.
    assert model.probabilities() == pytest.approx([3.5 / 7, 1.5 / 7, 1.5 / 7, 0.5 / 7])


def test_kneser_ney_of_a_tiny_text_counted_by_hand():
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


def test_a_word_that_follows_one_word_only_has_little_weight_elsewhere():
    # "Francisco" (2) is as frequent as "day" (3), and always follows "San" (1).
    text = [1, 2] * 6 + [4, 3, 5, 3, 6, 3, 7, 3, 8, 3, 9, 3]
    model = KneserNeyNGram(2, 11).fit(text)
    assert model.count([2]) == model.count([3])
    p = model.probabilities([10])  # a context that was never seen
    assert p[3] > 2 * p[2]


@settings(deadline=None, max_examples=40)
@given(text=texts, order=st.integers(1, 3), k=st.floats(0.01, 3))
def test_add_k_equals_its_definition(text, order, k):
    model = AddKNGram(order, VOCAB_SIZE, k=k).fit(text)
    for length in range(order):
        for context in product(range(VOCAB_SIZE), repeat=length):
            p = model.probabilities(context)
            expected = [
                add_k_by_definition(text, context, w, k) for w in range(VOCAB_SIZE)
            ]
            assert p == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(text=texts, order=st.integers(1, 3))
def test_kneser_ney_equals_its_definition(text, order):
    model = KneserNeyNGram(order, VOCAB_SIZE).fit(text)
    for length in range(order):
        for context in product(range(VOCAB_SIZE), repeat=length):
            p = model.probabilities(context)
            expected = [
                kneser_ney_by_definition(text, context, w, order, model.discounts)
                for w in range(VOCAB_SIZE)
            ]
            assert p == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(text=texts, ngram=st.lists(st.integers(0, 3), max_size=4))
def test_counts_are_those_of_the_text(text, ngram):
    model = AddKNGram(4, VOCAB_SIZE).fit(text)
    expected = occurrences(text, tuple(ngram)) if ngram else len(text)
    assert model.count(ngram) == expected
    assert model.distinct(2) == len({*pairwise(text)})


def test_the_unseen_share_counts_every_place():
    model = AddKNGram(2, 4).fit([0, 1, 0, 0, 2])
    # 0 1 seen, 1 1 not, 1 0 seen, 0 2 seen, 2 0 not
    assert model.unseen_share([0, 1, 1, 0, 2, 0]) == pytest.approx(2 / 5)
    assert model.unseen_share([0, 3, 2], length=1) == pytest.approx(1 / 3)
    assert model.unseen_share([0, 1, 0, 0, 2]) == 0


def test_only_the_last_tokens_of_a_context_matter():
    for model in models(3):
        model.fit(TEXT)
        short = model.probabilities([1, 0])
        assert np.array_equal(model.probabilities([2, 2, 1, 0]), short)


def test_a_unigram_model_ignores_the_context():
    for model in models(1):
        model.fit(TEXT)
        assert np.array_equal(model.probabilities([3, 1]), model.probabilities())


def test_lists_arrays_and_tensors_are_the_same_text():
    for model in models(3):
        from_array = model.fit(TEXT).log_probabilities(TEXT)
        as_list = [int(token) for token in TEXT]
        assert np.array_equal(model.fit(as_list).log_probabilities(as_list), from_array)
        tensor = torch.tensor(as_list)
        assert np.array_equal(model.fit(tensor).log_probabilities(tensor), from_array)
        assert np.array_equal(
            model.probabilities(tensor[:2]), model.probabilities(as_list[:2])
        )


def test_fitting_again_forgets_the_text_before():
    for model, fresh in zip(models(2), models(2), strict=True):
        model.fit(TEXT).fit(TEXT[:50])
        fresh.fit(TEXT[:50])
        assert np.array_equal(
            model.log_probabilities(TEXT), fresh.log_probabilities(TEXT)
        )


def test_an_empty_text_has_no_log_probabilities():
    for model in models(2):
        assert model.fit(TEXT).log_probabilities([]).shape == (0,)


def test_samples_repeat_with_the_seed_and_differ_with_another():
    for model in models(3):
        model.fit(TEXT)
        first = model.sample(50, np.random.default_rng(7), prompt=[1, 2])
        assert first == model.sample(50, np.random.default_rng(7), prompt=[1, 2])
        assert first != model.sample(50, np.random.default_rng(8), prompt=[1, 2])
        assert len(first) == 50
        assert all(type(token) is int for token in first)


def test_samples_have_the_frequencies_of_the_distribution():
    model = KneserNeyNGram(1, VOCAB_SIZE).fit(TEXT)
    n = 20_000
    drawn = np.bincount(model.sample(n, np.random.default_rng(0)), minlength=VOCAB_SIZE)
    p = model.probabilities()
    assert np.abs(drawn / n - p).max() < 4 * 0.5 / math.sqrt(n)


def test_a_sample_goes_on_from_the_prompt():
    text = [0, 1, 2, 3] * 50
    model = KneserNeyNGram(3, 4).fit(text)
    sample = model.sample(6, np.random.default_rng(0), prompt=[3, 0, 1])
    assert sample == [2, 3, 0, 1, 2, 3]


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
    assert score(AddKNGram(6, size)) > score(AddKNGram(4, size)) > kneser_ney[3]


@pytest.mark.parametrize("model_class", [AddKNGram, KneserNeyNGram])
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


@pytest.mark.parametrize("k", [0, -1, math.inf, math.nan])
def test_k_must_be_positive(k):
    with pytest.raises(ValueError, match="k is"):
        AddKNGram(2, 5, k=k)


@pytest.mark.parametrize("discount", [0, -0.1, 1.1, math.nan])
def test_a_discount_must_lie_between_zero_and_one(discount):
    with pytest.raises(ValueError, match="discount is"):
        KneserNeyNGram(2, 5, discount=discount)
