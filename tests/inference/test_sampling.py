"""The filters equal their definitions and those of transformers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import TopKLogitsWarper, TopPLogitsWarper

from llm_notes.inference.sampling import (
    apply_temperature,
    filter_logits,
    keep_top_k,
    keep_top_p,
    sample,
)

B, V = 3, 11


@pytest.fixture
def logits() -> torch.Tensor:
    return 2 * torch.randn(B, V, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_temperature_divides_the_log_odds(logits, temperature):
    before = logits.log_softmax(-1)
    after = apply_temperature(logits, temperature).log_softmax(-1)
    odds_before = (before[:, :1] - before) / temperature
    torch.testing.assert_close(after[:, :1] - after, odds_before, atol=1e-5, rtol=0)


def test_temperature_zero_leaves_the_likeliest_token_only(logits):
    probabilities = apply_temperature(logits, 0).softmax(-1)
    expected = torch.nn.functional.one_hot(logits.argmax(-1), V).float()
    assert probabilities.equal(expected)


def test_temperature_zero_breaks_ties_for_the_first():
    assert apply_temperature(torch.zeros(1, 4), 0).softmax(-1).tolist() == [
        [1, 0, 0, 0]
    ]


@pytest.mark.parametrize("k", [1, 4, V, V + 5])
def test_top_k_equals_transformers(logits, k):
    assert keep_top_k(logits, k).equal(TopKLogitsWarper(k)(None, logits))


@pytest.mark.parametrize("p", [0.01, 0.35, 0.8, 0.999])
def test_top_p_equals_transformers(logits, p):
    assert keep_top_p(logits, p).equal(TopPLogitsWarper(p)(None, logits))


@given(
    st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=12),
    st.floats(0.01, 1.0),
)
def test_top_p_keeps_the_smallest_set_that_holds_p(values, p):
    logits = torch.tensor([values], dtype=torch.float64)
    kept = keep_top_p(logits, p).isfinite()[0]
    probabilities = logits.softmax(-1)[0]
    held = probabilities[kept].sum().item()
    assert held >= p - 1e-9
    assert held - probabilities[kept].min().item() < p + 1e-9
    if not kept.all():
        assert probabilities[kept].min() >= probabilities[~kept].max()


def test_filters_do_not_change_the_odds_of_what_they_keep(logits):
    for filtered in (keep_top_k(logits, 4), keep_top_p(logits, 0.7)):
        kept = filtered.isfinite()
        assert filtered[kept].equal(logits[kept])


def test_filters_are_chained_temperature_first(logits):
    expected = keep_top_p(keep_top_k(apply_temperature(logits, 0.5), 5), 0.6)
    assert filter_logits(logits, 0.5, 5, 0.6).equal(expected)
    assert filter_logits(logits).equal(logits)


def test_sample_draws_with_the_probabilities_it_is_given():
    probabilities = torch.tensor([0.1, 0.6, 0.3])
    rows = probabilities.log().expand(20_000, 3)
    drawn = sample(rows, torch.Generator().manual_seed(0))
    assert drawn.shape == (20_000, 1)
    share = torch.bincount(drawn.flatten(), minlength=3) / len(drawn)
    torch.testing.assert_close(share, probabilities, atol=0.02, rtol=0)


def test_sample_repeats_with_the_same_seed(logits):
    draws = [sample(logits, torch.Generator().manual_seed(7)) for _ in range(2)]
    assert draws[0].equal(draws[1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda z: apply_temperature(z, -1), "temperature must be 0 or above, got -1"),
        (lambda z: keep_top_k(z, 0), "top_k must be at least 1, got 0"),
        (lambda z: keep_top_p(z, 0), r"top_p must lie in \(0, 1\], got 0"),
        (lambda z: keep_top_p(z, 1.5), r"top_p must lie in \(0, 1\], got 1.5"),
    ],
)
def test_impossible_settings_are_refused(logits, call, message):
    with pytest.raises(ValueError, match=message):
        call(logits)
