"""Caches keep what they are given, in order, and refuse what does not belong."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.models.layers.cache import KeyValueCache, StaticKeyValueCache


def test_cache_returns_all_keys_in_order_and_counts_them():
    cache = KeyValueCache()
    assert cache.length == 0
    keys = torch.arange(2 * 3 * 5 * 4.0).view(2, 3, 5, 4)
    cache.append(0, keys[:, :, :2], -keys[:, :, :2])
    k, v = cache.append(0, keys[:, :, 2:], -keys[:, :, 2:])
    assert k.equal(keys)
    assert v.equal(-keys)
    assert cache.length == 5
    assert cache.n_bytes == 2 * keys.numel() * 4


@pytest.mark.parametrize("shape", [(1, 3, 2, 4), (2, 1, 2, 4), (2, 3, 2, 5)])
def test_cache_refuses_another_batch_or_model(shape):
    cache = KeyValueCache()
    cache.append(0, torch.zeros(2, 3, 1, 4), torch.zeros(2, 3, 1, 4))
    with pytest.raises(ValueError, match="fresh KeyValueCache"):
        cache.append(0, torch.zeros(shape), torch.zeros(shape))
    assert cache.length == 1


def test_static_cache_returns_what_the_growing_one_returns():
    generator = torch.Generator().manual_seed(0)
    growing, static = KeyValueCache(), StaticKeyValueCache(max_length=7)
    for n_new in (3, 1, 2):
        keys = torch.randn(2, 3, n_new, 5, generator=generator)
        values = torch.randn(2, 3, n_new, 4, generator=generator)
        for layer in (0, 1):
            ours = static.append(layer, keys + layer, values)
            theirs = growing.append(layer, keys + layer, values)
            assert all(a.equal(b) for a, b in zip(ours, theirs, strict=True))
        assert static.length == growing.length
    assert static.n_bytes == 2 * 2 * 3 * 7 * (5 + 4) * 4


def test_static_cache_does_not_move_its_memory():
    cache = StaticKeyValueCache(max_length=4)
    first, _ = cache.append(0, torch.zeros(1, 1, 2, 3), torch.zeros(1, 1, 2, 3))
    second, _ = cache.append(0, torch.ones(1, 1, 1, 3), torch.ones(1, 1, 1, 3))
    assert first.data_ptr() == second.data_ptr()


def test_a_full_static_cache_refuses_and_keeps_what_it_has():
    cache = StaticKeyValueCache(max_length=3)
    cache.append(0, torch.zeros(1, 1, 2, 4), torch.zeros(1, 1, 2, 4))
    with pytest.raises(ValueError, match=r"max_length = 3 .* 4 are needed"):
        cache.append(0, torch.zeros(1, 1, 2, 4), torch.zeros(1, 1, 2, 4))
    assert cache.length == 2
    with pytest.raises(ValueError, match="fresh KeyValueCache"):
        cache.append(0, torch.zeros(1, 2, 1, 4), torch.zeros(1, 2, 1, 4))
    assert cache.length == 2


def test_a_static_cache_has_room_for_something():
    with pytest.raises(ValueError, match="max_length must be at least 1, got 0"):
        StaticKeyValueCache(max_length=0)


def test_keys_of_a_memory_are_computed_once_for_each_layer():
    cache, calls = KeyValueCache(), []
    memory = torch.zeros(1, 2, 4)

    def compute(given):
        assert given is memory
        calls.append(1)
        return torch.full((1, 1, 2, 3), float(len(calls))), torch.zeros(1, 1, 2, 3)

    first = cache.of_memory(0, memory, compute)
    assert cache.of_memory(0, memory, compute)[0] is first[0]
    assert cache.of_memory(1, memory, compute)[0][0, 0, 0, 0] == 2
    assert cache.length == 0  # memory is no position of the decoder
    assert cache.n_bytes == 2 * 2 * 2 * 3 * 4
    with pytest.raises(ValueError, match="another source"):
        cache.of_memory(0, memory + 1, compute)


def test_a_static_cache_refuses_values_that_are_differentiated_too():
    static = StaticKeyValueCache(max_length=4)
    values = torch.zeros(1, 1, 2, 3, requires_grad=True)
    with pytest.raises(ValueError, match="cannot be differentiated"):
        static.append(0, torch.zeros(1, 1, 2, 3), values)
    assert static.length == 0


def test_a_static_cache_refuses_to_be_differentiated():
    cache = StaticKeyValueCache(max_length=4)
    keys = torch.zeros(1, 1, 2, 3, requires_grad=True)
    with pytest.raises(ValueError, match=r"torch\.no_grad"):
        cache.append(0, keys, keys)
    with torch.no_grad():
        assert cache.append(0, keys, keys)[0].shape == (1, 1, 2, 3)


CACHES = {
    "growing": KeyValueCache,
    "static": lambda: StaticKeyValueCache(max_length=7),
}


def filled(name, n_layers=2):
    """A cache of 3 rows and 5 positions; each number in it differs."""
    cache = CACHES[name]()
    keys = torch.arange(3 * 2 * 5 * 4.0).view(3, 2, 5, 4)
    for layer in range(n_layers):
        cache.append(layer, keys + 1000 * layer, keys - 1000 * layer)
    return cache, keys


@pytest.mark.parametrize("name", CACHES)
@pytest.mark.parametrize("rows", [[2, 0, 1], [1, 1, 1, 0], [2]], ids=str)
def test_selected_rows_are_those_that_they_were(name, rows):
    cache, keys = filled(name)
    cache.select(torch.tensor(rows))
    assert cache.length == 5
    new = torch.ones(len(rows), 2, 1, 4)
    for layer in (0, 1):
        k, v = cache.append(layer, new, -new)
        assert k.equal(torch.cat([keys[rows] + 1000 * layer, new], dim=2))
        assert v.equal(torch.cat([keys[rows] - 1000 * layer, -new], dim=2))
    with pytest.raises(ValueError, match="fresh KeyValueCache"):
        cache.append(0, torch.ones(5, 2, 1, 4), torch.ones(5, 2, 1, 4))


@pytest.mark.parametrize("name", CACHES)
@pytest.mark.parametrize("length", [0, 3, 5])
def test_cropping_forgets_the_last_positions_of_all_layers(name, length):
    cache, keys = filled(name)
    cache.crop(length)
    assert [cache.length, cache.length_of(1)] == [length] * 2
    new = torch.ones(3, 2, 2, 4)
    for layer in (0, 1):
        k, v = cache.append(layer, new, -new)
        assert k.equal(torch.cat([keys[:, :, :length] + 1000 * layer, new], dim=2))
        assert v.equal(torch.cat([keys[:, :, :length] - 1000 * layer, -new], dim=2))


@pytest.mark.parametrize("name", CACHES)
@pytest.mark.parametrize("length", [-1, 6])
def test_a_cache_cannot_be_cropped_to_what_it_does_not_have(name, length):
    cache, _ = filled(name)
    with pytest.raises(ValueError, match=f"between 0 and 5, .* got {length}"):
        cache.crop(length)
    assert cache.length == 5


@pytest.mark.parametrize("name", CACHES)
def test_memory_is_selected_too_and_survives_cropping(name):
    cache, _ = filled(name)
    memory = torch.arange(3 * 6 * 4.0).view(3, 6, 4)

    def compute(given):
        return given[:, None] + 0.5, given[:, None] - 0.5

    def never(given):
        raise AssertionError("computed a second time")

    cache.of_memory(0, memory, compute)
    rows = torch.tensor([1, 2, 2, 0])
    cache.select(rows)
    cache.crop(2)
    chosen = memory[rows]
    k, v = cache.of_memory(0, chosen, never)
    assert k.equal(chosen[:, None] + 0.5)
    assert v.equal(chosen[:, None] - 0.5)
    for other in (memory, memory[torch.tensor([2, 1, 2, 0])]):
        with pytest.raises(ValueError, match="another source"):
            cache.of_memory(0, other, never)


def test_what_is_stored_can_be_looked_at():
    cache, keys = filled("static")
    cache.crop(4)
    k, v = cache.stored(1)
    assert k.equal(keys[:, :, :4] + 1000)
    assert v.equal(keys[:, :, :4] - 1000)


HISTORIES = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 3)),
        st.tuples(st.just("select"), st.lists(st.integers(0, 99), min_size=1)),
        st.tuples(st.just("crop"), st.integers(0, 99)),
    ),
    max_size=12,
)


@pytest.mark.parametrize("name", CACHES)
@settings(deadline=None, max_examples=60)
@given(history=HISTORIES)
def test_caches_do_what_lists_of_rows_do(name, history):
    cache = KeyValueCache() if name == "growing" else StaticKeyValueCache(36)
    rows: list[list[float]] = [[], []]  # of each row, the numbers that were stored
    numbers = itertools.count(1.0)
    for action, argument in history:
        if action == "append":
            new = [[next(numbers) for _ in range(argument)] for _ in rows]
            rows = [row + more for row, more in zip(rows, new, strict=True)]
            for layer in (0, 1):
                keys = (10.0**layer * torch.tensor(new))[:, None, :, None]
                found = cache.append(layer, keys, torch.cat([-keys, keys], dim=-1))
                expected = 10.0**layer * torch.tensor(rows)[:, None, :, None]
                assert found[0].equal(expected)
                assert found[1].equal(torch.cat([-expected, expected], dim=-1))
        elif action == "select" and rows[0]:
            chosen = [i % len(rows) for i in argument]
            rows = [list(rows[i]) for i in chosen]
            cache.select(torch.tensor(chosen))
        elif action == "crop" and rows[0]:
            length = argument % (len(rows[0]) + 1)
            rows = [row[:length] for row in rows]
            cache.crop(length)
        assert cache.length == cache.length_of(1) == len(rows[0])
