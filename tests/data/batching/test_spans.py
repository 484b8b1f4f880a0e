import math
from collections import Counter
from itertools import groupby

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.batching import (
    collate_pairs,
    corrupt_spans,
    noise_mask,
    restore_spans,
    span_counts,
)

SENTINELS = list(range(999, 899, -1))  # T5 counts down from the end of the vocabulary


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


texts = st.lists(st.integers(0, 500), min_size=2, max_size=60)
shares = st.floats(0.01, 0.99)
mean_spans = st.floats(1.0, 8.0)
seeds = st.integers(0, 2**31)


@settings(deadline=None, max_examples=300)
@given(texts, shares, mean_spans, seeds)
def test_source_and_target_put_the_text_together_again(text, share, mean_span, seed):
    source, target = corrupt_spans(text, SENTINELS, seeded(seed), share, mean_span)
    assert restore_spans(source, target, SENTINELS) == text
    n_hidden, n_spans = span_counts(len(text), share, mean_span)
    assert len(source) == len(text) - n_hidden + n_spans
    assert len(target) == n_hidden + n_spans
    used = [token for token in source if token in SENTINELS]
    assert used == SENTINELS[:n_spans] == [t for t in target if t in SENTINELS]


@settings(deadline=None, max_examples=300)
@given(st.integers(2, 90), shares, mean_spans, seeds)
def test_kept_and_hidden_spans_alternate(n_tokens, share, mean_span, seed):
    mask = noise_mask(n_tokens, seeded(seed), share, mean_span)
    n_hidden, n_spans = span_counts(n_tokens, share, mean_span)
    runs = [(hidden, len(list(run))) for hidden, run in groupby(mask.tolist())]
    assert mask.shape == (n_tokens,)
    assert mask.sum() == n_hidden
    assert [hidden for hidden, _ in runs] == [False, True] * n_spans


@pytest.mark.parametrize(
    ("n_tokens", "share", "mean_span", "expected"),
    [
        (512, 0.15, 3.0, (77, 26)),  # T5's own: 512 - 77 + 26 = 461 and 77 + 26 = 103
        (2, 0.15, 3.0, (1, 1)),
        (10, 0.99, 3.0, (9, 1)),  # one token is always kept
        (10, 0.01, 3.0, (1, 1)),
        (10, 0.8, 1.0, (8, 2)),  # two kept tokens part two spans
        (100, 0.5, 10.0, (50, 5)),
    ],
)
def test_counts_are_those_of_t5(n_tokens, share, mean_span, expected):
    assert span_counts(n_tokens, share, mean_span) == expected


def test_every_way_of_cutting_is_equally_likely():
    # 4 hidden tokens in 2 spans: 1 + 3, 2 + 2, 3 + 1; 6 kept ones: 1 + 5 ... 5 + 1.
    seen = Counter()
    generator, n = seeded(), 6000
    for _ in range(n):
        mask = noise_mask(10, generator, share=0.4, mean_span=2.0).tolist()
        seen[tuple(len(list(run)) for _, run in groupby(mask))] += 1
    assert len(seen) == 3 * 5
    expected = n / 15
    assert max(abs(c - expected) for c in seen.values()) < 4 * math.sqrt(expected)


def test_the_generator_alone_decides_what_is_hidden():
    text = list(range(80))
    first = corrupt_spans(text, SENTINELS, seeded(1))
    torch.manual_seed(9)
    assert first == corrupt_spans(torch.tensor(text), SENTINELS, seeded(1))
    assert first != corrupt_spans(text, SENTINELS, seeded(2))


def test_texts_of_one_length_make_a_batch_without_padding():
    generator = seeded()
    pairs = [corrupt_spans(range(i, i + 40), SENTINELS, generator) for i in range(5)]
    batch = collate_pairs(pairs, bos_id=0, eos_id=1, pad_id=0, end_source=True)
    assert batch.padding_share == 0
    assert batch.source.shape == (5, 40 - 6 + 2 + 1)
    assert batch.target_out.shape == (5, 6 + 2 + 1)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ([1, 999, 2], [3, 999], "begins with 3"),
        ([1, 999, 2], [999, 3, 998, 4], r"\[999\].*\[999, 998\]"),
        ([998, 999], [999, 3, 998, 4], r"\[998, 999\].*\[999, 998\]"),
        ([999, 1, 999], [999, 3, 999], "twice"),
        ([1, 999], [], r"\[999\].*\[\]"),
    ],
)
def test_spans_that_do_not_fit_the_source_are_refused(source, target, message):
    with pytest.raises(ValueError, match=message):
        restore_spans(source, target, SENTINELS)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: span_counts(1, 0.15, 3.0), "1 tokens"),
        (lambda: span_counts(9, 0, 3.0), "share is 0"),
        (lambda: span_counts(9, 1, 3.0), "share is 1"),
        (lambda: span_counts(9, 0.5, 0.9), "mean_span is 0.9"),
        (lambda: corrupt_spans([5, 999, 6], SENTINELS, seeded()), r"\[999\]"),
        (lambda: corrupt_spans(range(60), [999, 998], seeded()), "3 spans .* 2 sent"),
        (lambda: corrupt_spans(range(60), [999] * 3, seeded()), "twice"),
    ],
)
def test_bad_arguments_are_refused_with_the_numbers(call, message):
    with pytest.raises(ValueError, match=message):
        call()
