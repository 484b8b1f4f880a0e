"""ALiBi and T5's relative positions equal transformers' and their definitions."""

import pytest
import torch
from transformers import T5Config
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.t5.modeling_t5 import T5Attention

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.position_bias import (
    RelativePositionBias,
    alibi_bias,
    alibi_slopes,
)

H, T, S = 3, 4, 7


@pytest.mark.parametrize("n_heads", [*range(1, 18), 32, 40, 112])
def test_slopes_equal_transformers(n_heads):
    # Their tensor is the slope times the key's place; at place 1 it is the slope.
    theirs = build_alibi_tensor(torch.ones(1, 2), n_heads, torch.float32)
    torch.testing.assert_close(
        alibi_slopes(n_heads), theirs[:, 0, 1], atol=1e-6, rtol=0
    )


def test_slopes_of_eight_heads_are_those_of_the_paper():
    # Press et al. 2022, section 3: 1/2, 1/4, ... 1/256.
    assert alibi_slopes(8).tolist() == [2.0**-i for i in range(1, 9)]


def test_no_heads_have_no_slopes():
    with pytest.raises(ValueError, match="n_heads must be at least 1, got 0"):
        alibi_slopes(0)


def test_bias_is_minus_slope_times_distance():
    bias = alibi_bias(H, T, S)
    assert bias.shape == (H, T, S)
    slopes = alibi_slopes(H)
    for h in range(H):
        for t in range(T):
            for s in range(S):
                # Queries are the last positions: query t stands at S - T + t.
                distance = abs(S - T + t - s)
                assert bias[h, t, s].item() == pytest.approx(-slopes[h] * distance)


def test_causal_attention_with_alibi_equals_blooms_bias():
    torch.manual_seed(0)
    attention = MultiHeadAttention(12, H, is_causal=True)
    x = torch.randn(2, S, 12, generator=torch.Generator().manual_seed(1))
    # Bloom adds slope times place: the same up to a constant for each query.
    theirs = build_alibi_tensor(torch.ones(1, S), H, torch.float32)
    ours, _ = attention(x, bias=alibi_bias(H, S, S))
    torch.testing.assert_close(ours, attention(x, bias=theirs)[0], atol=1e-5, rtol=0)
    assert not torch.allclose(ours, attention(x)[0], atol=1e-3)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(
    ("n_buckets", "max_distance"), [(32, 128), (8, 20), (16, 300), (32, 1000)]
)
def test_buckets_equal_transformers(bidirectional, n_buckets, max_distance):
    bias = RelativePositionBias(H, n_buckets, max_distance, bidirectional)
    ahead = torch.arange(-300, 301)
    theirs = T5Attention._relative_position_bucket(
        ahead, bidirectional, n_buckets, max_distance
    )
    ours = bias.bucket(ahead)
    assert ours.equal(theirs)
    assert ours.min() == 0
    assert ours.max() == n_buckets - 1 or max_distance > 300


@pytest.mark.parametrize("bidirectional", [True, False])
def test_bias_equals_transformers(bidirectional):
    config = T5Config(
        num_heads=H,
        relative_attention_num_buckets=8,
        relative_attention_max_distance=20,
        is_decoder=not bidirectional,
    )
    theirs = T5Attention(config, has_relative_attention_bias=True, layer_idx=0)
    ours = RelativePositionBias(H, 8, 20, bidirectional)
    with torch.no_grad():
        ours.weight.copy_(theirs.relative_attention_bias.weight)
    expected = theirs.compute_bias(40, 40)[0]
    assert ours(40, 40).equal(expected)
    # Queries are the last positions of the keys, as with a cache.
    assert ours(T, 40).equal(expected[:, -T:])


def test_distances_without_a_token_leave_their_numbers_alone():
    bias = RelativePositionBias(H, n_buckets=8, max_distance=20, bidirectional=False)
    bias(3, 3).sum().backward()
    used = bias.weight.grad.abs().sum(dim=1) > 0
    # Distances 0, 1 and 2; what lies ahead counts as distance 0.
    assert used.tolist() == [True, True, True, False, False, False, False, False]


@pytest.mark.parametrize(
    ("n_buckets", "max_distance", "bidirectional"),
    [(32, 16, False), (32, 8, True), (2, 128, True), (1, 128, False)],
)
def test_buckets_that_would_overlap_are_refused(n_buckets, max_distance, bidirectional):
    with pytest.raises(ValueError, match=f"n_buckets = {n_buckets} .* {max_distance}"):
        RelativePositionBias(3, n_buckets, max_distance, bidirectional)
