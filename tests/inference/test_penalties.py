"""Penalties equal transformers' processor, or their definition in NumPy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.inference.penalties import (
    penalise_counts,
    penalise_repetition,
    token_counts,
)

B, T, V = 3, 8, 11


@pytest.fixture
def logits() -> torch.Tensor:
    return 2 * torch.randn(B, V, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def token_ids() -> torch.Tensor:
    # Few different ones, so that some occur often.
    return torch.randint(4, (B, T), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("penalty", [0.7, 1.0, 1.2, 30.0])
def test_repetition_penalty_equals_transformers(logits, token_ids, penalty):
    from transformers import RepetitionPenaltyLogitsProcessor

    expected = RepetitionPenaltyLogitsProcessor(penalty)(token_ids, logits)
    assert penalise_repetition(logits, token_ids, penalty).equal(expected)
    assert (logits[:, :4] > 0).any()  # both branches are at work
    assert (logits[:, :4] < 0).any()


def test_a_token_is_weakened_once_however_often_it_occurred(logits):
    once, often = torch.tensor([[2]] * B), torch.tensor([[2, 2, 2]] * B)
    weakened = penalise_repetition(logits, once, 1.5)
    assert penalise_repetition(logits, often, 1.5).equal(weakened)
    assert (weakened[:, 2] < logits[:, 2]).all()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.integers(-1, V - 1), min_size=T, max_size=T), min_size=1),
    st.floats(-2, 2),
    st.floats(-2, 2),
)
def test_counts_equal_the_definition_row_by_row(rows, frequency, presence):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(len(rows), V))
    expected = logits.copy()
    for row, ids in enumerate(rows):
        for token in range(V):
            count = ids.count(token)
            expected[row, token] -= count * frequency + (count > 0) * presence
    found = penalise_counts(
        torch.tensor(logits), torch.tensor(rows), frequency, presence
    )
    np.testing.assert_allclose(found, expected, atol=1e-10, rtol=0)


def test_a_constant_in_the_logits_passes_through_counts_and_not_repetition(
    logits, token_ids
):
    penalised = penalise_counts(logits, token_ids, 0.5, 0.25)
    moved = penalise_counts(logits + 3, token_ids, 0.5, 0.25)
    torch.testing.assert_close(moved, penalised + 3, atol=1e-5, rtol=0)
    penalised = penalise_repetition(logits, token_ids, 1.2).softmax(dim=-1)
    moved = penalise_repetition(logits + 3, token_ids, 1.2).softmax(dim=-1)
    assert (moved - penalised).abs().max() > 0.01


def test_what_is_ruled_out_stays_ruled_out(logits, token_ids):
    logits[:, 1] = -torch.inf
    for penalised in (
        penalise_repetition(logits, token_ids, 0.5),
        penalise_counts(logits, token_ids, -1.0, -1.0),
    ):
        assert penalised[:, 1].eq(-torch.inf).all()
        assert penalised[:, 2:].isfinite().all()


def test_padding_and_an_empty_text_count_for_nothing(logits):
    none = torch.full((B, 3), -1)
    assert token_counts(none, logits).eq(0).all()
    for ids in (none, none[:, :0]):
        assert penalise_repetition(logits, ids, 2.0).equal(logits)
        assert penalise_counts(logits, ids, 1.0, 1.0).equal(logits)


@pytest.mark.parametrize("penalty", [0.0, -1.2, np.inf, np.nan])
def test_a_repetition_penalty_is_positive(logits, token_ids, penalty):
    with pytest.raises(ValueError, match=f"above 0, got {penalty}"):
        penalise_repetition(logits, token_ids, penalty)


@pytest.mark.parametrize("penalties", [(np.inf, 0), (0, np.nan), (0, -np.inf)])
def test_penalties_without_end_are_refused(logits, token_ids, penalties):
    with pytest.raises(ValueError, match="must be finite numbers"):
        penalise_counts(logits, token_ids, *penalties)
