import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from llm_notes.data.batching import IGNORE, mask_tokens

V, MASK, SPECIAL = 40, 4, (0, 2, 3)
OPTIONS = {"vocab_size": V, "mask_id": MASK, "special_ids": SPECIAL}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(n_rows: int, length: int, seed: int = 1) -> Tensor:
    """[CLS] tokens [SEP], then padding of a different length in each row."""
    ids = torch.randint(5, V, (n_rows, length), generator=seeded(seed))
    ids[:, 0] = 2
    for row, line in enumerate(ids):
        end = length - row % (length - 2)
        line[end - 1] = 3
        line[end:] = 0
    return ids


@settings(deadline=None)
@given(
    st.integers(1, 5), st.integers(3, 20), st.floats(0.01, 1.0), st.integers(0, 2**31)
)
def test_targets_are_the_true_tokens_of_the_chosen_share(n_rows, length, share, seed):
    ids = batch(n_rows, length)
    inputs, targets = mask_tokens(ids, **OPTIONS, generator=seeded(seed), share=share)
    chosen = targets != IGNORE
    assert torch.equal(targets[chosen], ids[chosen])
    assert torch.equal(inputs[~chosen], ids[~chosen])
    special = torch.isin(ids, torch.tensor([*SPECIAL, MASK]))
    assert not (chosen & special).any()
    for row in range(n_rows):
        n_eligible = int((~special[row]).sum())
        expected = int((torch.tensor(share) * n_eligible).round())
        assert chosen[row].sum() == min(max(expected, 1), n_eligible)


def test_a_row_of_special_tokens_has_no_target():
    _, targets = mask_tokens(
        torch.tensor([[2, 3, 0], [2, 9, 3]]), **OPTIONS, generator=seeded()
    )
    assert targets.tolist() == [[IGNORE] * 3, [IGNORE, 9, IGNORE]]


def test_masks_that_stand_in_the_text_are_no_targets():
    ids = torch.tensor([[MASK, MASK, 9, MASK]])
    _, targets = mask_tokens(ids, **OPTIONS, generator=seeded(), share=1.0)
    assert targets.tolist() == [[IGNORE, IGNORE, 9, IGNORE]]


def test_eighty_ten_ten_of_fifteen_per_cent():
    ids = batch(400, 102)  # of which up to 100 are ordinary
    inputs, targets = mask_tokens(ids, **OPTIONS, generator=seeded())
    chosen = targets != IGNORE
    n = int(chosen.sum())
    n_eligible = int((ids > MASK).sum())
    assert n / n_eligible == pytest.approx(0.15, abs=0.005)  # rounded row by row
    masked = int((inputs[chosen] == MASK).sum())
    kept = int((inputs[chosen] == targets[chosen]).sum())
    replaced = n - masked - kept
    n_ordinary = V - 4
    for count, share in (
        (masked, 0.8),
        (replaced, 0.1 * (1 - 1 / n_ordinary)),  # a random token may be the same one
        (kept, 0.1 * (1 + 1 / n_ordinary)),
    ):
        error = math.sqrt(share * (1 - share) / n)
        assert abs(count / n - share) < 4 * error


def test_random_tokens_are_every_ordinary_one_and_none_that_is_special():
    ids = torch.full((60, 50), 9)
    inputs, _ = mask_tokens(
        ids, **OPTIONS, generator=seeded(), share=1.0, mask_share=0, random_share=1.0
    )
    counts = inputs.flatten().bincount(minlength=V)
    ordinary = [i for i in range(V) if i not in (*SPECIAL, MASK)]
    assert (counts > 0).nonzero()[:, 0].tolist() == ordinary
    assert counts[ordinary].float().std() < 15  # binomial: about 9


def test_every_place_is_chosen_equally_often():
    ids = torch.full((6000, 10), 9)
    _, targets = mask_tokens(ids, **OPTIONS, generator=seeded(), share=0.3)
    counts = (targets != IGNORE).sum(dim=0)
    assert counts.sum() == 6000 * 3
    assert (counts - 1800).abs().max() < 4 * math.sqrt(6000 * 0.3 * 0.7)


def test_the_generator_alone_decides():
    ids = batch(5, 30)
    first = mask_tokens(ids, **OPTIONS, generator=seeded(7))
    torch.manual_seed(3)
    again = mask_tokens(ids, **OPTIONS, generator=seeded(7))
    other = mask_tokens(ids, **OPTIONS, generator=seeded(8))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first[1], other[1])


def test_the_text_is_left_as_it_was():
    ids = batch(3, 20)
    before = ids.clone()
    mask_tokens(ids, **OPTIONS, generator=seeded(), share=1.0)
    assert torch.equal(ids, before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"share": 0}, "share is 0"),
        ({"share": 1.1}, "share is 1.1"),
        ({"mask_share": 0.8, "random_share": 0.3}, "0.8 and random_share 0.3"),
        ({"mask_share": -0.1}, "-0.1"),
        ({"random_share": -0.1}, "-0.1"),
        ({"share": math.nan}, "share is nan"),
        ({"mask_share": math.nan}, "mask_share is nan"),
        ({"random_share": math.nan}, "random_share nan"),
        ({"special_ids": (2**63,)}, "whole numbers"),
        ({"mask_id": V}, f"special ids .* {V - 1}"),
        ({"special_ids": (-1,)}, "special ids .* -1"),
        ({"vocab_size": 20}, "token ids .* 19"),
        ({"special_ids": range(V)}, f"all {V} ids"),
    ],
)
def test_bad_settings_are_refused_with_the_numbers(changes, message):
    options = {**OPTIONS, "generator": seeded(), **changes}
    with pytest.raises(ValueError, match=message):
        mask_tokens(batch(4, 30), **options)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (torch.zeros(3).long(), "batch, length"),
        (torch.zeros(2, 0).long(), "batch, length"),
        (torch.zeros(2, 3), "float32"),
        (torch.zeros(2, 3).bool(), "bool"),
        ([[1, 2]], "a list"),
    ],
)
def test_a_batch_is_rows_of_whole_numbers(ids, message):
    with pytest.raises(ValueError, match=message):
        mask_tokens(ids, **OPTIONS, generator=seeded())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.int32])
def test_any_whole_numbers_are_masked_alike(dtype):
    ids = batch(3, 20)
    expected = mask_tokens(ids, **OPTIONS, generator=seeded())
    found = mask_tokens(ids.to(dtype), **OPTIONS, generator=seeded())
    assert all(map(torch.equal, found, expected))
    assert found[0].dtype == found[1].dtype == torch.int64
