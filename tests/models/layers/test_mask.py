"""Masks say who may look at whom, and True means "may"."""

import pytest
import torch

from llm_notes.models.layers.mask import (
    causal_mask,
    document_mask,
    padding_mask,
    real_positions,
)


def test_causal_mask_lets_each_query_see_itself_and_the_past():
    expected = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]], dtype=torch.bool)
    assert causal_mask(2, 4).equal(expected)
    assert causal_mask(3).equal(torch.ones(3, 3).tril().bool())


def test_causal_mask_refuses_more_queries_than_keys():
    with pytest.raises(ValueError, match=r"5 queries .* 3 keys"):
        causal_mask(5, 3)


def test_padding_mask_allows_real_tokens_only():
    mask = padding_mask(torch.tensor([1, 3]), n_keys=4)
    assert mask.shape == (2, 1, 1, 4)
    assert mask[:, 0, 0].tolist() == [
        [True, False, False, False],
        [True, True, True, False],
    ]


@pytest.mark.parametrize("lengths", [[0, 2], [2, 5]])
def test_padding_mask_refuses_impossible_lengths(lengths):
    with pytest.raises(ValueError, match="between 1 and n_keys = 4"):
        padding_mask(torch.tensor(lengths), n_keys=4)


def test_padding_on_the_left_allows_the_last_tokens():
    mask = padding_mask(torch.tensor([1, 3]), n_keys=4, left=True)
    assert mask[:, 0, 0].tolist() == [
        [False, False, False, True],
        [False, True, True, True],
    ]


def test_real_tokens_count_from_zero_wherever_the_padding_is():
    lengths = torch.tensor([2, 4])
    left = real_positions(padding_mask(lengths, 4, left=True))
    assert left.tolist() == [[0, 0, 0, 1], [0, 1, 2, 3]]
    right = real_positions(padding_mask(lengths, 4))
    assert right[0, :2].tolist() == [0, 1]


def test_a_window_shows_the_last_keys_only():
    expected = torch.tensor([[0, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]]).bool()
    assert causal_mask(3, 5, window=2).equal(expected)


@pytest.mark.parametrize("window", [5, 6, 100])
def test_a_window_as_wide_as_the_context_is_the_causal_mask(window):
    assert causal_mask(5, window=window).equal(causal_mask(5))
    assert not causal_mask(5, window=4).equal(causal_mask(5))


def test_an_empty_window_is_refused():
    with pytest.raises(ValueError, match="window must be at least 1, got 0"):
        causal_mask(3, window=0)


def test_documents_do_not_see_each_other():
    mask = document_mask(torch.tensor([[0, 0, 1], [3, 4, 4]]))
    assert mask.shape == (2, 1, 3, 3)
    assert mask[:, 0].int().tolist() == [
        [[1, 1, 0], [1, 1, 0], [0, 0, 1]],
        [[1, 0, 0], [0, 1, 1], [0, 1, 1]],
    ]
