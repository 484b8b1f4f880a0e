"""Sources of batches go on where their state was taken, and use all examples."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.batching import IGNORE, sample_windows
from llm_notes.training.batches import (
    ListBatches,
    WindowBatches,
    count_examples,
    count_targets,
    split_batch,
)


def as_tensor(rows):
    return (torch.tensor(rows),)


def test_windows_are_those_of_sample_windows(text_ids):
    batches = WindowBatches(text_ids, 3, 12, seed=5)
    generator = torch.Generator().manual_seed(5)
    for _ in range(2):
        x, y = batches.next_batch()
        expected_x, expected_y = sample_windows(text_ids, 3, 12, generator)
        assert x.equal(expected_x) and y.equal(expected_y)


def test_windows_go_on_from_a_state_that_json_can_hold(text_ids):
    batches = WindowBatches(text_ids, 3, 12)
    batches.next_batch()
    state = json.loads(json.dumps(batches.state_dict()))
    expected = [batches.next_batch()[0] for _ in range(3)]
    other = WindowBatches(text_ids.numpy(), 3, 12, seed=9)
    other.load_state_dict(state)
    assert all(other.next_batch()[0].equal(x) for x in expected)


@pytest.mark.parametrize("kind", [torch.tensor, np.array])
def test_a_text_shorter_than_a_window_is_refused_at_once(kind):
    with pytest.raises(ValueError, match="needs 13"):
        WindowBatches(kind([1] * 12), 3, 12)


@settings(deadline=None, max_examples=40)
@given(
    n_examples=st.integers(1, 9),
    batch_size=st.integers(1, 5),
    n_before=st.integers(0, 12),
    drop_last=st.booleans(),
)
def test_a_list_goes_on_after_any_number_of_batches(
    n_examples, batch_size, n_before, drop_last
):
    if drop_last and n_examples < batch_size:
        return
    options = {"seed": 3, "drop_last": drop_last}
    batches = ListBatches(range(n_examples), batch_size, as_tensor, **options)
    for _ in range(n_before):
        batches.next_batch()
    state = json.loads(json.dumps(batches.state_dict()))
    expected = [batches.next_batch()[0].tolist() for _ in range(9)]
    other = ListBatches(range(n_examples), batch_size, as_tensor, **options)
    other.load_state_dict(state)
    assert [other.next_batch()[0].tolist() for _ in range(9)] == expected


def test_a_list_goes_on_with_the_seed_that_it_began_with():
    batches, other = (ListBatches(range(9), 2, as_tensor, seed=s) for s in (3, 4))
    batches.next_batch()
    other.load_state_dict(batches.state_dict())
    for _ in range(9):
        assert other.next_batch()[0].equal(batches.next_batch()[0])


def test_each_example_comes_once_in_an_epoch_and_in_a_new_order():
    batches = ListBatches(range(10), 4, as_tensor)
    epochs = []
    for _ in range(3):
        parts = [batches.next_batch()[0].tolist() for _ in range(3)]
        assert [len(part) for part in parts] == [4, 4, 2]
        epochs.append([i for part in parts for i in part])
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_small_last_batch_can_be_dropped():
    batches = ListBatches(range(10), 4, as_tensor, drop_last=True)
    assert [len(batches.next_batch()[0]) for _ in range(5)] == [4] * 5
    assert batches.epoch == 2


def test_seeds_and_epochs_do_not_share_orders():
    def epoch(seed, n):
        batches = ListBatches(range(20), 20, as_tensor, seed=seed)
        return [batches.next_batch()[0].tolist() for _ in range(n)][-1]

    assert epoch(0, 2) != epoch(1, 1)


def test_the_generator_of_a_collate_function_is_part_of_the_place():
    def source(seed):
        generator = torch.Generator().manual_seed(seed)

        def noisy(rows):
            return (torch.tensor(rows) + torch.rand(len(rows), generator=generator),)

        return ListBatches(range(6), 2, noisy, generator=generator)

    batches = source(0)
    batches.next_batch()
    state = json.loads(json.dumps(batches.state_dict()))
    expected = batches.next_batch()[0]
    other = source(1)
    other.load_state_dict(state)
    assert other.next_batch()[0].equal(expected)


@pytest.mark.parametrize(
    ("n_examples", "batch_size", "drop_last", "message"),
    [
        (0, 2, False, "0 examples give no batch of 2"),
        (3, 4, True, "3 examples give no batch of 4"),
        (3, 0, False, "batch_size is 0"),
    ],
)
def test_lists_that_give_no_batch_are_refused(
    n_examples, batch_size, drop_last, message
):
    with pytest.raises(ValueError, match=message):
        ListBatches(range(n_examples), batch_size, as_tensor, drop_last=drop_last)


@settings(deadline=None, max_examples=30)
@given(n_examples=st.integers(1, 12), n_parts=st.integers(1, 12))
def test_parts_are_nearly_equal_and_together_the_whole(n_examples, n_parts):
    batch = {"ids": torch.arange(2 * n_examples).view(-1, 2)}
    if n_parts > n_examples:
        with pytest.raises(ValueError, match=f"cannot be cut into {n_parts} parts"):
            split_batch(batch, n_parts)
        return
    parts = split_batch(batch, n_parts)
    sizes = [count_examples(part) for part in parts]
    assert len(parts) == n_parts
    assert max(sizes) - min(sizes) <= 1
    assert torch.cat([part["ids"] for part in parts]).equal(batch["ids"])


def test_targets_that_are_ignored_do_not_count():
    y = torch.tensor([[1, IGNORE, 2], [IGNORE, IGNORE, 0]])
    assert count_targets((torch.zeros_like(y), y)) == 3


def test_tensors_of_different_lengths_are_no_batch():
    with pytest.raises(ValueError, match="agree in their first axis"):
        count_examples((torch.zeros(2), torch.zeros(3)))
