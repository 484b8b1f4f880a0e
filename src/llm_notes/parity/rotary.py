"""Rotary positions and their scalings against transformers, at sizes in real use.

Rotations have no weights; what is differentiated is the queries.
"""

from typing import Any

import torch

from llm_notes.models.layers.rotary import (
    LinearScaling,
    Llama3Scaling,
    RotaryPosition,
    RotaryScaling,
    YarnScaling,
)
from llm_notes.parity.case import Parity, compare

_BASE = 500_000.0
_D_HEAD = 128
_CONTEXT = 8192


def rotary() -> Parity:
    """RoPE as Llama 3 has it, at places all over its context."""
    return _compare("RoPE", {"rope_type": "default"}, None)


def rotary_linear() -> Parity:
    """Position interpolation."""
    rope = {"rope_type": "linear", "factor": 4.0}
    return _compare("RoPE, linear scaling", rope, LinearScaling(4.0))


def rotary_llama3() -> Parity:
    """The scaling of Llama 3.1."""
    rope = {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 1024,
    }
    scaling = Llama3Scaling(8.0, context_length=1024)
    return _compare("RoPE, Llama 3.1 scaling", rope, scaling)


def rotary_yarn() -> Parity:
    """YaRN, with the growth of the scores."""
    rope = {
        "rope_type": "yarn",
        "factor": 8.0,
        "original_max_position_embeddings": 1024,
    }
    scaling = YarnScaling(8.0, context_length=1024, base=_BASE)
    return _compare("RoPE, YaRN", rope, scaling)


def _compare(
    family: str, rope: dict[str, Any], scaling: RotaryScaling | None
) -> Parity:
    """Rotated queries and keys, and the gradient of the queries."""
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import (
        LlamaRotaryEmbedding,
        apply_rotary_pos_emb,
    )

    config = LlamaConfig(
        hidden_size=3 * _D_HEAD,
        num_attention_heads=3,
        max_position_embeddings=_CONTEXT,
        rope_parameters={"rope_theta": _BASE} | rope,
    )
    generator = torch.Generator().manual_seed(0)
    positions = torch.stack(
        [torch.arange(5), torch.randint(_CONTEXT, (5,), generator=generator)]
    )  # (B, T): different places in each sequence
    x = torch.randn(2, 3, 5, _D_HEAD, generator=generator)
    k = torch.randn(2, 2, 5, _D_HEAD, generator=generator)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    turn = RotaryPosition(_D_HEAD, _CONTEXT, _BASE, scaling)
    our_outputs = {"q": turn(ours, positions), "k": turn(k, positions)}
    cos, sin = LlamaRotaryEmbedding(config)(x, positions)
    q, k = apply_rotary_pos_emb(theirs, k, cos, sin)
    weights = torch.randn(q.shape, generator=generator)
    for output in (our_outputs["q"], q):
        (weights * output).sum().backward()
    return compare(
        family,
        "transformers.LlamaRotaryEmbedding",
        our_outputs,
        {"q": q, "k": k},
        {"q": ours.grad},
        {"q": theirs.grad},
    )
