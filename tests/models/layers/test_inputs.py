"""Errors about ids and sizes name the numbers."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from llm_notes.models.layers.inputs import (
    require_dropout,
    require_mask,
    require_one_memory_each,
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


def test_numpy_integers_are_sizes():
    require_sizes(SimpleNamespace(n_layers=np.int64(3)), "n_layers")


def test_a_size_that_is_no_integer_is_named():
    with pytest.raises(ValueError, match=r"n_layers must be an integer, got 2\.5"):
        require_sizes(SimpleNamespace(n_layers=2.5), "n_layers")


@pytest.mark.parametrize("size", [0, -3])
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
    ids = torch.zeros(1, 2, dtype=torch.long)
    require_positions(torch.tensor([[0, 4]]), ids, context_length=5)
    message = f"context_length - 1 = 4, got {places[0]} to {places[1]}"
    with pytest.raises(ValueError, match=message):
        require_positions(torch.tensor(places), ids, context_length=5)


@pytest.mark.parametrize(
    "positions",
    [
        torch.tensor([4]),
        torch.tensor([[0], [1], [2]]),
        torch.arange(6),
        torch.arange(5.0),
        torch.ones(5, dtype=torch.bool),
    ],
)
def test_places_that_do_not_fit_the_tokens_are_refused(positions):
    ids = torch.zeros(3, 5, dtype=torch.long)
    with pytest.raises(ValueError, match=r"shape \(5,\) or \(3, 5\), got"):
        require_positions(positions, ids, context_length=9)


@pytest.mark.parametrize(
    "shape", [(5, 7), (1, 1, 1, 7), (2, 1, 1, 7), (2, 3, 5, 7), (1, 3, 1, 7)]
)
def test_masks_that_say_what_they_mean_pass(shape):
    require_mask(torch.ones(shape, dtype=torch.bool), 2, 3, 5, 7)


@pytest.mark.parametrize(
    "mask",
    [
        torch.ones(5, 7),  # added to the scores, it would change little
        torch.ones(5, 7, dtype=torch.long),
        torch.ones(2, 7, dtype=torch.bool),
        torch.ones(2, 1, 1, 1, dtype=torch.bool),  # of the new token only
        torch.ones(3, 1, 7, dtype=torch.bool),
        torch.ones(2, 5, 1, 7, dtype=torch.bool),
        torch.ones(7, dtype=torch.bool),
    ],
)
def test_masks_that_would_be_broadcast_to_something_else_are_refused(mask):
    with pytest.raises(ValueError, match=r"S\) = \(2, 3, 5, 7\), got torch"):
        require_mask(mask, batch_size=2, n_heads=3, n_queries=5, n_keys=7)


def test_targets_need_one_memory_each():
    targets = torch.zeros(3, 5, dtype=torch.long)
    require_one_memory_each(targets, torch.zeros(3, 4, 8))
    with pytest.raises(ValueError, match="1 sources but 3 targets"):
        require_one_memory_each(targets, torch.zeros(1, 4, 8))
