"""Norm, masks, cache, embedding, feed-forward: each equals its definition."""

import math

import pytest
import torch
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import (
    LlamaRotaryEmbedding,
    apply_rotary_pos_emb,
)

from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.feedforward import FeedForward
from llm_notes.models.layers.mask import causal_mask, padding_mask
from llm_notes.models.layers.norm import LayerNorm
from llm_notes.models.layers.position import LearnedPosition
from llm_notes.models.layers.rotary import RotaryPosition


@pytest.mark.parametrize("bias", [True, False])
def test_layer_norm_equals_its_formula(bias):
    generator = torch.Generator().manual_seed(0)
    norm = LayerNorm(5, eps=1e-3, bias=bias)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(torch.randn(5, generator=generator))
    x = torch.randn(2, 3, 5, generator=generator)
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    expected = (x - mean) / (variance + 1e-3).sqrt() * norm.weight
    expected = expected + norm.bias if bias else expected
    torch.testing.assert_close(norm(x), expected, atol=1e-5, rtol=0)


def test_layer_norm_of_a_constant_vector_is_finite():
    assert LayerNorm(4)(torch.full((1, 4), 3.0)).abs().max() < 1e-5


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


def test_tied_embedding_scores_by_dot_product():
    embedding = TokenEmbedding(vocab_size=7, d_model=5)
    x = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    logits = embedding.logits(x)
    expected = torch.einsum("btd,vd->btv", x, embedding.weight)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)
    ids = torch.tensor([[6, 0, 2]])
    assert embedding(ids).equal(embedding.weight[[6, 0, 2]][None])


def test_learned_positions_are_rows_of_one_table():
    position = LearnedPosition(context_length=6, d_model=3)
    assert position(torch.tensor([4, 5])).equal(position.weight[4:6])


def test_feed_forward_equals_its_formula_position_by_position():
    torch.manual_seed(0)
    layer = FeedForward(d_model=4, d_ff=6)
    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    hidden = x @ layer.up_proj.weight.T + layer.up_proj.bias
    inner = math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden**3)
    gelu = 0.5 * hidden * (1 + torch.tanh(inner))
    expected = gelu @ layer.down_proj.weight.T + layer.down_proj.bias
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=0)


def test_rotary_position_equals_transformers():
    config = LlamaConfig(hidden_size=24, num_attention_heads=3, rope_theta=500.0)
    generator = torch.Generator().manual_seed(0)
    q, k = (torch.randn(2, 3, 5, 8, generator=generator) for _ in range(2))
    cos, sin = LlamaRotaryEmbedding(config)(q, torch.arange(4, 9)[None])
    expected_q, expected_k = apply_rotary_pos_emb(q, k, cos, sin)
    rotary = RotaryPosition(d_head=8, context_length=9, base=500.0)
    here = torch.arange(4, 9)
    torch.testing.assert_close(rotary(q, here), expected_q, atol=1e-5, rtol=0)
    torch.testing.assert_close(rotary(k, here), expected_k, atol=1e-5, rtol=0)


def test_rotated_scores_depend_on_the_distance_only():
    generator = torch.Generator().manual_seed(0)
    q, k = (
        torch.randn(1, 6, generator=generator),
        torch.randn(1, 6, generator=generator),
    )
    rotary = RotaryPosition(d_head=6, context_length=40)

    def score(t: int, s: int) -> torch.Tensor:
        return (rotary(q, torch.tensor([t])) * rotary(k, torch.tensor([s]))).sum()

    torch.testing.assert_close(score(7, 3), score(39, 35), atol=1e-5, rtol=0)
    assert abs(score(7, 3) - score(7, 4)) > 1e-3


def test_a_rotation_changes_no_length_and_nothing_at_position_zero():
    x = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))
    rotated = RotaryPosition(d_head=6, context_length=5)(x)
    torch.testing.assert_close(rotated.norm(dim=-1), x.norm(dim=-1))
    assert rotated[:, 0].equal(x[:, 0])


def test_an_odd_head_cannot_be_rotated():
    with pytest.raises(ValueError, match="d_head = 7 must be even"):
        RotaryPosition(d_head=7, context_length=5)
