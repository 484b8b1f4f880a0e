import numpy as np
import pytest
import torch
from torch.nn import functional as F

from llm_notes.data.batching import IGNORE, pad_rows
from llm_notes.data.batching.padding import as_ids, real_mask, require_id


def test_rows_are_filled_up_on_the_right():
    rows = pad_rows([[1, 2, 3], [], [4]], value=9)
    assert rows.tolist() == [[1, 2, 3], [9, 9, 9], [4, 9, 9]]
    assert rows.dtype == torch.int64


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="no rows"):
        pad_rows([], 0)


def test_a_mask_is_true_at_tokens_and_broadcasts_over_heads():
    mask = real_mask([2, 3, 1])
    assert mask.shape == (3, 1, 1, 3)
    assert mask.dtype == torch.bool
    assert mask[:, 0, 0].tolist() == [
        [True, True, False],
        [True, True, True],
        [True, False, False],
    ]


def test_ignored_targets_are_those_that_torch_ignores():
    logits = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    loss = F.cross_entropy(logits, torch.tensor([3, IGNORE]))
    assert torch.equal(loss, F.cross_entropy(logits[:1], torch.tensor([3])))


@pytest.mark.parametrize(
    "ids",
    [[1, 300], (1, 300), np.array([1, 300], dtype=np.uint16), torch.tensor([1, 300])],
)
def test_ids_come_from_any_sequence_of_whole_numbers(ids):
    assert as_ids(ids).tolist() == [1, 300]
    assert as_ids(ids).dtype == torch.int64


def test_bytes_are_one_id_each():
    assert as_ids(b"abcdefgh").tolist() == list(b"abcdefgh")


@pytest.mark.parametrize(
    "ids",
    [
        [1.0],
        np.array([1.0]),
        torch.tensor([1.0]),
        ["1"],
        "12",
        [2**63],
        np.array([2**63], dtype=np.uint64),
        torch.tensor([True]),
        torch.tensor([2**62], dtype=torch.uint64),
    ],
)
def test_nothing_else_is_an_id(ids):
    with pytest.raises(ValueError, match="whole numbers"):
        as_ids(ids)
    with pytest.raises(ValueError, match="whole numbers"):
        pad_rows([[1], ids], 0)


def test_no_ids_are_an_empty_row():
    assert as_ids([]).tolist() == []


def test_a_negative_special_id_is_named():
    require_id("pad_id", 0)
    with pytest.raises(ValueError, match="eos_id is -1"):
        require_id("eos_id", -1)
