"""Caches keep what they are given, in order, and refuse what does not belong."""

import pytest
import torch

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


def test_a_static_cache_refuses_to_be_differentiated():
    cache = StaticKeyValueCache(max_length=4)
    keys = torch.zeros(1, 1, 2, 3, requires_grad=True)
    with pytest.raises(ValueError, match=r"torch\.no_grad"):
        cache.append(0, keys, keys)
    with torch.no_grad():
        assert cache.append(0, keys, keys)[0].shape == (1, 1, 2, 3)
