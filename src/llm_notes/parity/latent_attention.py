"""Latent attention against transformers' DeepseekV3Attention.

Tiny sizes, different on every axis, and texts of different lengths with padding on the
left.
"""

import torch
from torch import Tensor

from llm_notes.models.layers.latent_attention import LatentAttention
from llm_notes.models.layers.mask import causal_mask, padding_mask, real_positions
from llm_notes.models.layers.rotary import RotaryPosition
from llm_notes.parity.case import Parity, compare, gradients, randomise

_LENGTHS = (9, 4, 7)
_D_MODEL, _H, _CONTENT, _ROTARY, _VALUE = 20, 3, 5, 4, 7
_LATENT, _QUERY_LATENT = 11, 13


def latent_attention(d_query_latent: int | None = _QUERY_LATENT) -> Parity:
    """Outputs of the real tokens and gradients, with or without query compression."""
    from transformers import DeepseekV3Config
    from transformers.models.deepseek_v3.modeling_deepseek_v3 import (
        DeepseekV3Attention,
        DeepseekV3RotaryEmbedding,
    )

    config = DeepseekV3Config(
        hidden_size=_D_MODEL,
        num_attention_heads=_H,
        num_key_value_heads=_H,
        q_lora_rank=d_query_latent,
        kv_lora_rank=_LATENT,
        qk_nope_head_dim=_CONTENT,
        qk_rope_head_dim=_ROTARY,
        v_head_dim=_VALUE,
        max_position_embeddings=40,
        attn_implementation="eager",
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = DeepseekV3Attention(config, layer_idx=0)
        ours = LatentAttention(
            _D_MODEL,
            _H,
            _LATENT,
            _CONTENT,
            _ROTARY,
            _VALUE,
            RotaryPosition(_ROTARY, context_length=40, interleaved=True),
            d_query_latent=d_query_latent,
            is_causal=True,
        )
    randomise(theirs, seed=1)
    ours.load_state_dict(_from_hugging_face(theirs.state_dict()))

    length = max(_LENGTHS)
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(len(_LENGTHS), length, _D_MODEL, generator=generator)
    mask = padding_mask(torch.tensor(_LENGTHS), length, left=True)
    real, positions = mask[:, 0, 0], real_positions(mask)
    allowed = mask & causal_mask(length)
    added = torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo().min)
    angles = DeepseekV3RotaryEmbedding(config)(x, positions)
    our_output = ours(x, mask=mask, positions=positions)[0][real]
    their_output = theirs(x, angles, added)[0][real]
    weights = torch.randn(our_output.shape, generator=generator)
    for output in (our_output, their_output):
        (weights * output).sum().backward()
    their_gradients = {name: p.grad for name, p in theirs.named_parameters()}
    return compare(
        "Latent attention (MLA)",
        "transformers.DeepseekV3Attention",
        {"output": our_output},
        {"output": their_output},
        gradients(ours),
        _from_hugging_face(their_gradients),
    )


def _from_hugging_face(theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Their matrices hold two of ours each, head by head."""
    query = "q_b_proj" if "q_b_proj.weight" in theirs else "q_proj"
    q, q_rotary = _split_rows(theirs[f"{query}.weight"], _CONTENT)
    k, v = _split_rows(theirs["kv_b_proj.weight"], _CONTENT)
    latent, k_rotary = theirs["kv_a_proj_with_mqa.weight"].split([_LATENT, _ROTARY])
    ours = {
        "q_proj.weight": q,
        "q_rotary_proj.weight": q_rotary,
        "kv_latent_proj.weight": latent,
        "kv_norm.weight": theirs["kv_a_layernorm.weight"],
        "k_proj.weight": k,
        "k_rotary_proj.weight": k_rotary,
        "v_proj.weight": v,
        "o_proj.weight": theirs["o_proj.weight"],
    }
    if query == "q_b_proj":
        ours["q_latent_proj.weight"] = theirs["q_a_proj.weight"]
        ours["q_norm.weight"] = theirs["q_a_layernorm.weight"]
    return ours


def _split_rows(weight: Tensor, first: int) -> tuple[Tensor, Tensor]:
    """The first rows of each head, and the others."""
    heads = weight.unflatten(0, (_H, -1))
    return heads[:, :first].flatten(0, 1), heads[:, first:].flatten(0, 1)
