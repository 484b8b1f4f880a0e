"""RoPE equals transformers', and scores depend on distance."""

import pytest
import torch
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import (
    LlamaRotaryEmbedding,
    apply_rotary_pos_emb,
)

from llm_notes.models.layers.rotary import RotaryPosition


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
