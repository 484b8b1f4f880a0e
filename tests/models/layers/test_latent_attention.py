"""Latent attention: what it remembers, and what must hold whatever the weights are."""

import math

import pytest
import torch

from llm_notes.models.layers.block import PreNormBlock
from llm_notes.models.layers.cache import KeyValueCache, StaticKeyValueCache
from llm_notes.models.layers.feedforward import GatedFeedForward
from llm_notes.models.layers.latent_attention import (
    LatentAttention,
    key_value_cache_bytes,
    latent_cache_bytes,
)
from llm_notes.models.layers.mask import causal_mask, padding_mask, real_positions
from llm_notes.models.layers.norm import RMSNorm
from llm_notes.models.layers.rotary import RotaryPosition
from llm_notes.parity.case import randomise

B, T, D, H = 2, 9, 20, 3
LATENT, CONTENT, ROTARY, VALUE, QUERY_LATENT = 11, 5, 4, 7, 13


def build(d_query_latent: int | None = QUERY_LATENT, is_causal: bool = True):
    torch.manual_seed(0)
    rotary = RotaryPosition(ROTARY, context_length=30, base=50.0, interleaved=True)
    attention = LatentAttention(
        D, H, LATENT, CONTENT, ROTARY, VALUE, rotary, d_query_latent, is_causal
    )
    randomise(attention, seed=1)
    return attention


@pytest.fixture(params=[QUERY_LATENT, None], ids=["compressed queries", "plain"])
def attention(request) -> LatentAttention:
    return build(request.param)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(B, T, D, generator=torch.Generator().manual_seed(2))


def assert_close(ours: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


def test_fused_path_equals_the_path_that_returns_weights(attention, x):
    fused, no_weights = attention(x)
    in_the_open, weights = attention(x, return_weights=True)
    assert no_weights is None
    assert_close(fused, in_the_open)
    assert weights.shape == (B, H, T, T)
    assert_close(weights.sum(-1), torch.ones(B, H, T))
    assert weights.triu(diagonal=1).eq(0).all()


@pytest.mark.parametrize("return_weights", [True, False])
def test_future_tokens_do_not_change_past_outputs(attention, x, return_weights):
    changed = x.clone()
    changed[:, 6] += 1
    before = attention(x, return_weights=return_weights)[0]
    after = attention(changed, return_weights=return_weights)[0]
    assert_close(after[:, :6], before[:, :6])
    assert not torch.allclose(after[:, 6:], before[:, 6:], atol=1e-3)


def test_without_causality_every_token_is_seen(x):
    attention = build(is_causal=False)
    _, weights = attention(x, return_weights=True)
    assert (weights > 0).all()
    assert_close(attention(x, mask=causal_mask(T))[0], build()(x)[0])


@pytest.mark.parametrize("cache_class", [KeyValueCache, StaticKeyValueCache])
def test_cached_outputs_equal_uncached_ones(attention, x, cache_class):
    cache = cache_class() if cache_class is KeyValueCache else cache_class(T)
    with torch.no_grad():
        parts = [attention(part, cache=cache)[0] for part in x.split([4, 1, 4], 1)]
    assert_close(torch.cat(parts, dim=1), attention(x)[0])


def test_only_latents_and_shared_rotated_keys_are_remembered(attention, x):
    cache = KeyValueCache()
    attention(x, cache=cache, layer=0)
    attention(x, cache=cache, layer=1)
    per_token = cache.n_bytes // (B * T)
    assert per_token == latent_cache_bytes(2, LATENT, ROTARY, bytes_per_number=4)
    assert per_token == 2 * (11 + 4) * 4  # no number of heads in it


def test_cache_bytes_are_those_of_the_paper():
    # DeepSeek-V2: 60 layers, 128 heads of 128, latents of 512, rotated keys of 64.
    latent = latent_cache_bytes(60, 512, 64)
    assert latent == 60 * 576 * 2
    # Table 1: as much as grouped-query attention with 2.25 groups.
    assert latent / key_value_cache_bytes(60, 1, 128) == 2.25
    assert key_value_cache_bytes(60, 128, 128) / latent == pytest.approx(56.9, abs=0.1)


def test_bytes_of_keys_and_values_are_those_that_a_cache_holds():
    cache = KeyValueCache()
    keys = torch.zeros(B, 2, T, 5)
    for layer in range(3):
        cache.append(layer, keys, keys)
    assert cache.n_bytes == B * T * key_value_cache_bytes(3, 2, 5, bytes_per_number=4)


def test_it_is_multi_query_attention_over_the_latents(attention, x):
    # Queries that absorb W_UK meet the latent itself: one key and value for all heads.
    latent = attention.kv_norm(attention.kv_latent_proj(x))  # (B, T, R)
    query = attention.q_norm(attention.q_latent_proj(x))
    content = attention.q_proj(query).unflatten(-1, (H, CONTENT))
    k_up = attention.k_proj.weight.unflatten(0, (H, CONTENT))  # (H, K, R)
    absorbed = torch.einsum("bthk,hkr->bhtr", content, k_up)
    turned = attention.q_rotary_proj(query).unflatten(-1, (H, ROTARY)).transpose(1, 2)
    q = torch.cat([absorbed, attention.rotary(turned)], dim=-1)
    k = torch.cat([latent, attention.rotary(attention.k_rotary_proj(x))], dim=-1)
    scores = q @ k[:, None].transpose(-2, -1) / math.sqrt(CONTENT + ROTARY)
    weights = scores.masked_fill(~causal_mask(T), -math.inf).softmax(-1)
    v_up = attention.v_proj.weight.unflatten(0, (H, VALUE))  # (H, W, R)
    heads = torch.einsum("bhtr,hwr->bthw", weights @ latent[:, None], v_up)
    assert_close(attention.o_proj(heads.flatten(2)), attention(x)[0])


def test_outputs_depend_on_distances_only(attention, x):
    shifted = attention(x, positions=torch.arange(T) + 20)[0]
    assert_close(shifted, attention(x)[0])
    stretched = attention(x, positions=torch.arange(T) * 3)[0]
    assert not torch.allclose(stretched, shifted, atol=1e-3)


def test_padding_changes_nothing_for_real_tokens(attention, x):
    mask = padding_mask(torch.tensor([T, 4]), T, left=True)
    padded, _ = attention(x, mask=mask, positions=real_positions(mask))
    assert_close(padded[:1], attention(x[:1])[0])
    assert_close(padded[1:, -4:], attention(x[1:, -4:])[0])
    assert padded.isfinite().all()


@pytest.mark.parametrize("return_weights", [True, False])
def test_a_bias_is_added_to_the_scores(attention, x, return_weights):
    bias = torch.zeros(H, T, T)
    bias[:, :, 2] = -1e9  # as good as forbidden
    biased, _ = attention(x, bias=bias, return_weights=return_weights)
    mask = torch.ones(T, T, dtype=torch.bool)
    mask[:, 2] = False
    masked, _ = attention(x, mask=mask)
    assert_close(biased, masked)


def test_it_takes_the_place_of_attention_in_a_block(attention, x):
    block = PreNormBlock(attention, GatedFeedForward(D, 33), RMSNorm(D), RMSNorm(D))
    whole, _ = block(x)
    cache = KeyValueCache()
    parts = [block(part, cache=cache, layer=3)[0] for part in x.split([5, 4], dim=1)]
    assert_close(torch.cat(parts, dim=1), whole)
    assert cache.length_of(3) == T


def test_every_parameter_learns(attention, x):
    attention(x)[0].square().sum().backward()
    assert all(p.grad.any() for p in attention.parameters())


def test_a_rotation_of_another_width_is_refused(x):
    rotary = RotaryPosition(ROTARY + 2, context_length=30)
    attention = LatentAttention(D, H, LATENT, CONTENT, ROTARY, VALUE, rotary)
    with pytest.raises(ValueError, match="width 4, the rotation d_head = 6"):
        attention(x)
