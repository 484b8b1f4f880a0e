"""Errors about ids and sizes name the numbers."""

from types import SimpleNamespace

import pytest
import torch

from llm_notes.models.layers.inputs import (
    require_dropout,
    require_positions,
    require_sizes,
    require_token_ids,
)


def test_good_ids_pass():
    require_token_ids(torch.tensor([[0, 6]]), vocab_size=7, context_length=2)
    ids = torch.tensor([[0, 6]], dtype=torch.int32)
    require_token_ids(ids, vocab_size=7, context_length=5, past=3)


@pytest.mark.parametrize(
    ("ids", "past", "message"),
    [
        (torch.zeros(3, dtype=torch.long), 0, r"int64 of shape \(3,\)"),
        (torch.zeros(1, 3), 0, "float32"),
        (torch.zeros(1, 3, dtype=torch.bool), 0, "bool"),
        (torch.zeros(1, 0, dtype=torch.long), 0, "at least one token"),
        (torch.zeros(1, 6, dtype=torch.long), 0, "context_length = 5 tokens, got 6"),
        (torch.zeros(1, 2, dtype=torch.long), 4, "got 6 .4 of them in the cache"),
        (torch.tensor([[7]]), 0, "vocab_size - 1 = 6, got 7 to 7.*tokenizer"),
        (torch.tensor([[3, -1]]), 0, "got -1 to 3"),
    ],
)
def test_bad_ids_are_refused(ids, past, message):
    with pytest.raises(ValueError, match=message):
        require_token_ids(ids, vocab_size=7, context_length=5, past=past)


@pytest.mark.parametrize("size", [0, -3, 2.5])
def test_sizes_below_one_are_named(size):
    config = SimpleNamespace(n_heads=2, d_ff=None, n_layers=size)
    with pytest.raises(ValueError, match=f"n_layers must be at least 1, got {size}"):
        require_sizes(config, "n_heads", "d_ff", "n_layers")


@pytest.mark.parametrize("dropout", [-0.1, 1.0, 2])
def test_impossible_dropout_is_refused(dropout):
    require_dropout(0.0)
    with pytest.raises(ValueError, match=f"got {dropout}"):
        require_dropout(dropout)


@pytest.mark.parametrize("places", [[0, 5], [-1, 3]])
def test_places_that_a_model_does_not_have_are_refused(places):
    require_positions(torch.tensor([[0, 4]]), context_length=5)
    message = f"context_length - 1 = 4, got {places[0]} to {places[1]}"
    with pytest.raises(ValueError, match=message):
        require_positions(torch.tensor(places), context_length=5)
