"""Attention equals PyTorch's, its rows sum to one, and masks hold."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from llm_notes.models.layers.attention import (
    AdditiveAttention,
    MultiHeadAttention,
    scaled_dot_product_attention,
)
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.mask import causal_mask, padding_mask
from llm_notes.models.layers.norm import RMSNorm
from llm_notes.models.layers.rotary import RotaryPosition

B, H, T, S, K, W, D = 2, 3, 4, 5, 7, 6, 12


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def randn(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator)


def test_scaled_dot_product_attention_equals_pytorch(generator):
    q, k = randn(generator, B, H, T, K), randn(generator, B, H, S, K)
    v = randn(generator, B, H, S, W)
    mask = causal_mask(T, S)
    output, _ = scaled_dot_product_attention(q, k, v, mask)
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=0)


def test_scaled_dot_product_attention_equals_sums_written_out(generator):
    q, k = randn(generator, T, K), randn(generator, S, K)
    v = randn(generator, S, W)
    output, weights = scaled_dot_product_attention(q, k, v)
    for t in range(T):
        scores = [sum(q[t] * k[s]).item() / math.sqrt(K) for s in range(S)]
        total = sum(math.exp(score) for score in scores)
        expected = torch.zeros(W)
        for s in range(S):
            weight = math.exp(scores[s]) / total
            assert weights[t, s].item() == pytest.approx(weight, abs=1e-5)
            expected += weight * v[s]
        torch.testing.assert_close(output[t], expected, atol=1e-5, rtol=0)


def test_attention_weights_are_zero_where_the_mask_forbids(generator):
    q, k = randn(generator, B, H, T, K), randn(generator, B, H, S, K)
    mask = causal_mask(T, S)
    _, weights = scaled_dot_product_attention(q, k, k, mask)
    assert weights[..., ~mask].eq(0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, H, T))


def test_queries_and_keys_of_different_width_are_refused(generator):
    with pytest.raises(ValueError, match=r"width 7 and keys 6"):
        scaled_dot_product_attention(
            randn(generator, T, 7), randn(generator, S, 6), randn(generator, S, 6)
        )


def test_keys_without_values_are_refused(generator):
    with pytest.raises(ValueError, match=r"5 keys but 4 values"):
        scaled_dot_product_attention(
            randn(generator, T, K), randn(generator, 5, K), randn(generator, 4, K)
        )


@pytest.mark.parametrize("is_cross", [False, True])
def test_multi_head_attention_equals_pytorch(generator, is_cross):
    torch.manual_seed(0)
    ours = MultiHeadAttention(D, H)
    reference = nn.MultiheadAttention(D, H, batch_first=True)
    with torch.no_grad():
        projections = (ours.q_proj, ours.k_proj, ours.v_proj)
        reference.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
        reference.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
        reference.out_proj.weight.copy_(ours.o_proj.weight)
        reference.out_proj.bias.copy_(ours.o_proj.bias)
    x = randn(generator, B, T, D)
    memory = randn(generator, B, S, D) if is_cross else x
    mask = None if is_cross else causal_mask(T)
    output, weights = ours(
        x, memory if is_cross else None, mask=mask, return_weights=True
    )
    expected, expected_weights = reference(
        x,
        memory,
        memory,
        attn_mask=None if mask is None else ~mask,  # there, True means forbidden
        average_attn_weights=False,
    )
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(weights, expected_weights, atol=1e-5, rtol=0)


def test_fused_path_equals_the_path_that_returns_weights(generator):
    torch.manual_seed(0)
    attention = MultiHeadAttention(D, H)
    x, mask = randn(generator, B, T, D), causal_mask(T)
    fused, no_weights = attention(x, mask=mask)
    open_, weights = attention(x, mask=mask, return_weights=True)
    assert no_weights is None
    assert weights.shape == (B, H, T, T)
    torch.testing.assert_close(fused, open_, atol=1e-5, rtol=0)


def test_shared_key_heads_equal_heads_with_repeated_weights(generator):
    torch.manual_seed(0)
    n_heads, n_kv_heads, d_head = 6, 2, D // 6
    grouped = MultiHeadAttention(D, n_heads, n_kv_heads)
    full = MultiHeadAttention(D, n_heads)
    state = grouped.state_dict()
    for name in ("k_proj.weight", "k_proj.bias", "v_proj.weight", "v_proj.bias"):
        heads = state[name].unflatten(0, (n_kv_heads, d_head))
        repeated = heads.repeat_interleave(n_heads // n_kv_heads, dim=0)
        state[name] = repeated.flatten(0, 1)
    full.load_state_dict(state)
    x = randn(generator, B, T, D)
    torch.testing.assert_close(grouped(x)[0], full(x)[0], atol=1e-5, rtol=0)


def test_padding_changes_nothing(generator):
    torch.manual_seed(0)
    attention = MultiHeadAttention(D, H)
    x = randn(generator, 1, S, D)
    alone, _ = attention(x[:, :T])
    padded, _ = attention(x, mask=padding_mask(torch.tensor([T]), S))
    torch.testing.assert_close(padded[:, :T], alone, atol=1e-5, rtol=0)


def test_cached_attention_equals_attention_over_the_whole(generator):
    torch.manual_seed(0)
    attention = MultiHeadAttention(D, H)
    x = randn(generator, B, S, D)
    whole, _ = attention(x, mask=causal_mask(S))
    cache, parts = KeyValueCache(), []
    for start, stop in [(0, 3), (3, 4), (4, S)]:
        mask = causal_mask(stop - start, stop)
        parts.append(attention(x[:, start:stop], mask=mask, cache=cache)[0])
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)


def test_dropout_is_for_training_only(generator):
    torch.manual_seed(0)
    attention = MultiHeadAttention(D, H, dropout=0.5)
    x = randn(generator, B, T, D)
    attention.eval()
    torch.testing.assert_close(attention(x)[0], attention(x)[0], atol=0, rtol=0)
    attention.train()
    for return_weights in (False, True):
        first, second = (attention(x, return_weights=return_weights)[0] for _ in "12")
        assert not torch.allclose(first, second)


@pytest.mark.parametrize(
    ("heads", "kv_heads", "message"),
    [(5, None, "d_model = 12 .* n_heads = 5"), (4, 3, "n_heads = 4 .* n_kv_heads = 3")],
)
def test_heads_that_do_not_divide_are_refused(heads, kv_heads, message):
    with pytest.raises(ValueError, match=message):
        MultiHeadAttention(D, heads, kv_heads)


def test_additive_attention_equals_its_formula(generator):
    torch.manual_seed(0)
    attention = AdditiveAttention(d_query=6, d_key=7, d_attention=8)
    query, keys = randn(generator, B, T, 6), randn(generator, B, S, 7)
    context, weights = attention(query, keys)
    v = attention.score.weight[0]
    for b in range(B):
        for t in range(T):
            scores = torch.stack(
                [
                    v
                    @ torch.tanh(
                        attention.q_proj.weight @ query[b, t]
                        + attention.k_proj.weight @ keys[b, s]
                    )
                    for s in range(S)
                ]
            )
            expected = scores.softmax(0)
            torch.testing.assert_close(weights[b, t], expected, atol=1e-5, rtol=0)
            torch.testing.assert_close(
                context[b, t], expected @ keys[b], atol=1e-5, rtol=0
            )


def test_additive_attention_averages_values_where_they_are_given(generator):
    torch.manual_seed(0)
    attention = AdditiveAttention(6, 7, 8)
    query, keys = randn(generator, B, T, 6), randn(generator, B, S, 7)
    values = randn(generator, B, S, 9)
    context, weights = attention(query, keys, values)
    assert context.shape == (B, T, 9)
    torch.testing.assert_close(context, weights @ values, atol=1e-5, rtol=0)


def test_additive_attention_ignores_masked_keys(generator):
    torch.manual_seed(0)
    attention = AdditiveAttention(6, 7, 8)
    query, keys = randn(generator, B, T, 6), randn(generator, B, S, 7)
    mask = torch.arange(S) < 3
    context, weights = attention(query, keys, mask=mask)
    alone, _ = attention(query, keys[:, :3])
    assert weights[..., 3:].eq(0).all()
    torch.testing.assert_close(context, alone, atol=1e-5, rtol=0)


def test_a_causal_layer_equals_a_layer_with_a_causal_mask(generator):
    torch.manual_seed(0)
    causal, plain = (MultiHeadAttention(D, H, is_causal=c) for c in (True, False))
    plain.load_state_dict(causal.state_dict())
    x, mask = randn(generator, B, S, D), causal_mask(S)
    for return_weights in (False, True):
        ours, _ = causal(x, return_weights=return_weights)
        theirs, _ = plain(x, mask=mask, return_weights=return_weights)
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("window", [None, 2])
def test_a_causal_layer_gives_the_same_in_pieces_with_a_cache(generator, window):
    torch.manual_seed(0)
    attention = MultiHeadAttention(D, H, is_causal=True, window=window)
    x = randn(generator, B, S, D)
    whole, _ = attention(x)
    cache = KeyValueCache()
    parts = [attention(part, cache=cache)[0] for part in x.split([1, 3, 1], dim=1)]
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)


def test_a_windowed_layer_looks_no_further_than_its_window(generator):
    torch.manual_seed(0)
    attention = MultiHeadAttention(D, H, is_causal=True, window=2)
    x = randn(generator, B, S, D)
    _, weights = attention(x, return_weights=True)
    assert weights[..., ~causal_mask(S, window=2)].eq(0).all()
    assert weights[..., causal_mask(S, window=2)].gt(0).all()
    torch.testing.assert_close(
        attention(x)[0], attention(x, return_weights=True)[0], atol=1e-5, rtol=0
    )


def test_padding_limits_a_causal_layer_further(generator):
    torch.manual_seed(0)
    attention = MultiHeadAttention(D, H, is_causal=True)
    x = randn(generator, 1, S, D)
    mask = padding_mask(torch.tensor([3]), S, left=True)
    alone, _ = attention(x[:, -3:])
    for return_weights in (False, True):
        padded, _ = attention(x, mask=mask, return_weights=return_weights)
        torch.testing.assert_close(padded[:, -3:], alone, atol=1e-5, rtol=0)


def test_a_query_that_may_look_at_nothing_gets_nothing_and_spoils_no_gradient(
    generator,
):
    torch.manual_seed(0)
    attention = MultiHeadAttention(D, H, is_causal=True)
    x = randn(generator, 1, S, D)
    mask = padding_mask(torch.tensor([3]), S, left=True)
    _, weights = attention(x, mask=mask, return_weights=True)
    assert weights[:, :, : S - 3].eq(0).all()
    for return_weights in (False, True):
        attention.zero_grad()
        output, _ = attention(x, mask=mask, return_weights=return_weights)
        torch.testing.assert_close(output[0, 0], attention.o_proj.bias)
        output.sum().backward()
        assert all(p.grad.isfinite().all() for p in attention.parameters())


def test_a_bias_is_added_to_the_scores_and_the_scale_multiplies_them(generator):
    q, k = randn(generator, H, T, K), randn(generator, H, S, K)
    v, bias = randn(generator, H, S, W), randn(generator, H, T, S)
    mask = causal_mask(T, S)
    output, weights = scaled_dot_product_attention(q, k, v, mask, bias, scale=0.7)
    scores = 0.7 * torch.einsum("htk,hsk->hts", q, k) + bias
    expected = scores.masked_fill(~mask, -math.inf).softmax(-1)
    torch.testing.assert_close(weights, expected, atol=1e-5, rtol=0)
    fused = F.scaled_dot_product_attention(
        q, k, v, bias.masked_fill(~mask, -math.inf), scale=0.7
    )
    torch.testing.assert_close(output, fused, atol=1e-5, rtol=0)


def test_the_layer_passes_bias_scale_and_mask_to_both_paths(generator):
    torch.manual_seed(0)
    attention = MultiHeadAttention(D, H, is_causal=True, scale=0.3)
    x, bias = randn(generator, B, T, D), randn(generator, H, T, T)
    fused, _ = attention(x, bias=bias)
    open_, weights = attention(x, bias=bias, return_weights=True)
    torch.testing.assert_close(fused, open_, atol=1e-5, rtol=0)
    q, k = (
        proj(x).unflatten(-1, (H, D // H)).transpose(1, 2)
        for proj in (attention.q_proj, attention.k_proj)
    )
    scores = 0.3 * q @ k.transpose(-2, -1) + bias
    expected = scores.masked_fill(~causal_mask(T), -math.inf).softmax(-1)
    torch.testing.assert_close(weights, expected, atol=1e-5, rtol=0)


def test_heads_may_be_wider_than_their_share_of_the_model(generator):
    torch.manual_seed(0)
    attention = MultiHeadAttention(D, 5, n_kv_heads=1, d_head=8, bias=False)
    assert attention.q_proj.weight.shape == (40, D)
    assert attention.k_proj.weight.shape == (8, D)
    assert attention.o_proj.weight.shape == (D, 40)
    output, weights = attention(randn(generator, B, T, D), return_weights=True)
    assert output.shape == (B, T, D)
    assert weights.shape == (B, 5, T, T)


def test_norms_of_queries_and_keys_come_before_the_rotation(generator):
    torch.manual_seed(0)
    norms = {name: RMSNorm(D // H) for name in ("q_norm", "k_norm")}
    rotary = RotaryPosition(D // H, context_length=T)
    attention = MultiHeadAttention(D, H, rotary=rotary, **norms)
    with torch.no_grad():
        for norm in norms.values():  # equal gains would commute with the rotation
            norm.weight.copy_(torch.linspace(0.5, 2, D // H))
    x = randn(generator, B, T, D)
    _, weights = attention(x, return_weights=True)
    q, k = (
        rotary(norm(proj(x).unflatten(-1, (H, D // H)).transpose(1, 2)))
        for norm, proj in zip(
            norms.values(), (attention.q_proj, attention.k_proj), strict=True
        )
    )
    expected = F.softmax(q @ k.transpose(-2, -1) / math.sqrt(D // H), dim=-1)
    torch.testing.assert_close(weights, expected, atol=1e-5, rtol=0)


def test_positions_that_are_given_turn_queries_and_keys(generator):
    torch.manual_seed(0)
    rotary = RotaryPosition(D // H, context_length=20)
    attention = MultiHeadAttention(D, H, rotary=rotary)
    x = randn(generator, B, T, D)
    whole, _ = attention(x)
    shifted, _ = attention(x, positions=torch.arange(T) + 9)
    torch.testing.assert_close(shifted, whole, atol=1e-5, rtol=0)
    stretched, _ = attention(x, positions=2 * torch.arange(T).expand(B, T))
    assert not torch.allclose(stretched, whole, atol=1e-3)


def test_rotations_go_on_where_the_cache_ends(generator):
    torch.manual_seed(0)
    rotary = RotaryPosition(D // H, context_length=20)
    attention = MultiHeadAttention(D, H, is_causal=True, rotary=rotary)
    x = randn(generator, B, S, D)
    cache = KeyValueCache()
    parts = [attention(part, cache=cache)[0] for part in x.split([3, 2], dim=1)]
    torch.testing.assert_close(torch.cat(parts, 1), attention(x)[0], atol=1e-5, rtol=0)


def test_memory_is_projected_once_when_there_is_a_cache(generator):
    torch.manual_seed(0)
    attention = MultiHeadAttention(D, H)
    x, memory = randn(generator, B, T, D), randn(generator, B, S, D)
    expected, _ = attention(x, memory)
    cache = KeyValueCache()
    first, _ = attention(x[:, :1], memory, cache=cache)
    with torch.no_grad():  # the second call does not use the projection any more
        attention.k_proj.weight.zero_()
    rest, _ = attention(x[:, 1:], memory, cache=cache)
    torch.testing.assert_close(torch.cat([first, rest], 1), expected, atol=1e-5, rtol=0)


def test_a_refused_mask_leaves_the_cache_as_it_was(generator):
    attention = MultiHeadAttention(D, H, is_causal=True)
    cache = KeyValueCache()
    attention(randn(generator, B, 3, D), cache=cache)
    new_only = torch.ones(B, 1, 1, 1, dtype=torch.bool)
    with pytest.raises(ValueError, match="S counts the keys in a cache"):
        attention(randn(generator, B, 1, D), mask=new_only, cache=cache)
    assert cache.length == 3


@pytest.mark.parametrize(
    "options", [{"is_causal": True}, {"rotary": RotaryPosition(D // H, 9)}]
)
def test_what_belongs_to_self_attention_is_refused_with_memory(generator, options):
    attention = MultiHeadAttention(D, H, **options)
    with pytest.raises(ValueError, match="belong to self-attention"):
        attention(randn(generator, B, T, D), randn(generator, B, S, D))


@pytest.mark.parametrize("heads", [(0, None), (3, 0)])
def test_attention_without_heads_is_refused(heads):
    with pytest.raises(ValueError, match="must be at least 1"):
        MultiHeadAttention(D, *heads)


def test_half_precision_works_beside_angles_in_full_precision(generator):
    rotary = RotaryPosition(D // H, context_length=S)
    attention = MultiHeadAttention(D, H, is_causal=True, rotary=rotary)
    for parameter in attention.parameters():
        parameter.data = parameter.data.bfloat16()
    x, cache = randn(generator, B, S, D).bfloat16(), KeyValueCache()
    output, _ = attention(x, cache=cache)
    assert output.dtype == torch.bfloat16
    assert cache.n_bytes == 2 * B * S * D * 2  # keys and values, two bytes a number


@pytest.mark.parametrize(("window", "is_causal"), [(0, True), (-1, True), (3, False)])
def test_impossible_windows_are_refused(window, is_causal):
    with pytest.raises(ValueError, match=f"window = {window}, is_causal = {is_causal}"):
        MultiHeadAttention(D, H, is_causal=is_causal, window=window)
