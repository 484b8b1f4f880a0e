"""One pass over the keys gives what the table of weights gives."""

import pytest
import torch

from llm_notes.models.layers.attention import scaled_dot_product_attention
from llm_notes.models.layers.online_attention import online_attention


def tensors(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    shapes = (2, 3, 4, 8), (2, 3, 10, 8), (2, 3, 10, 5)
    return [torch.randn(*s, generator=generator, dtype=dtype) for s in shapes]


@pytest.mark.parametrize("tile", [1, 3, 5, 10, 64])
@pytest.mark.parametrize("scale", [None, 2.0])
def test_online_attention_equals_the_table_for_every_tile(tile, scale):
    q, k, v = tensors()
    wanted, _ = scaled_dot_product_attention(q, k, v, scale=scale)
    output, _ = online_attention(q, k, v, tile, scale)
    assert torch.allclose(output, wanted, atol=1e-13)


def test_weights_follow_from_the_log_sum_exp():
    q, k, v = tensors()
    _, weights = scaled_dot_product_attention(q, k, v)
    _, log_total = online_attention(q, k, v, tile=3)
    scores = q @ k.transpose(-2, -1) / 8**0.5
    assert log_total.shape == (2, 3, 4)
    assert torch.allclose((scores - log_total[..., None]).exp(), weights, atol=1e-13)


def test_large_scores_do_not_overflow():
    q, k, v = tensors(torch.float32)
    wanted, _ = scaled_dot_product_attention(1e4 * q, k, v)
    output, _ = online_attention(1e4 * q, k, v, tile=2)
    assert torch.allclose(output, wanted, atol=1e-5)


def test_keys_may_be_shared_by_all_heads():
    q, k, v = tensors()
    shared, _ = online_attention(q, k[:, :1], v[:, :1], tile=4)
    wanted, _ = scaled_dot_product_attention(q, k[:, :1], v[:, :1])
    assert torch.allclose(shared, wanted, atol=1e-13)


@pytest.mark.parametrize(("n_keys", "tile"), [(0, 4), (3, 0)])
def test_no_keys_or_an_empty_tile_is_refused(n_keys, tile):
    q, k, v = tensors()
    with pytest.raises(ValueError, match="must be at least 1"):
        online_attention(q, k[..., :n_keys, :], v[..., :n_keys, :], tile)
