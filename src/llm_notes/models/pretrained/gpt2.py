"""GPT-2's checkpoints: names, and linear maps that are stored transposed.

GPT-2 computes x @ W where others compute x @ W.T (its "Conv1D"), and keeps q, k and v
side by side in one matrix. Nothing is read from disk here.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from llm_notes.models.gpt import GPTConfig
from llm_notes.models.pretrained.names import (
    StateDict,
    inverse,
    rename,
    require_options,
    require_tied,
    with_suffixes,
)

_RULES = {
    "transformer.wte.weight": "token_embedding.weight",
    "transformer.wpe.weight": "position_embedding.weight",
} | with_suffixes(
    {
        "transformer.ln_f": "final_norm",
        "transformer.h.{}.ln_1": "blocks.{}.attention_norm",
        "transformer.h.{}.attn.c_attn": "blocks.{}.attention.qkv_proj",
        "transformer.h.{}.attn.c_proj": "blocks.{}.attention.o_proj",
        "transformer.h.{}.ln_2": "blocks.{}.feed_forward_norm",
        "transformer.h.{}.mlp.c_fc": "blocks.{}.feed_forward.up_proj",
        "transformer.h.{}.mlp.c_proj": "blocks.{}.feed_forward.down_proj",
    },
    ".weight",
    ".bias",
)
_IGNORED = [
    "lm_head.weight",  # tied to the embedding
    "transformer.h.{}.attn.bias",  # buffers that hold a causal mask
    "transformer.h.{}.attn.masked_bias",
]


_SUPPORTED = {
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
    "tie_word_embeddings": True,
}


def gpt2_config_from_hugging_face(config: Mapping[str, Any]) -> GPTConfig:
    """The sizes in a config.json, or in `model.config.to_dict()`.

    Raises:
        ValueError: for a variant that our GPT does not have.
    """
    require_options(config, _SUPPORTED, "GPT")
    return GPTConfig(
        vocab_size=config["vocab_size"],
        context_length=config["n_positions"],
        n_layers=config["n_layer"],
        n_heads=config["n_head"],
        d_model=config["n_embd"],
        d_ff=config.get("n_inner"),
    )


def gpt2_from_hugging_face(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Map the state dict of `transformers.GPT2LMHeadModel` to that of `GPT`.

    Args:
        state_dict: names to tensors, as `model.state_dict()` returns it, or as the
            published file holds them (without "transformer." in front).

    Returns:
        a new dict that `GPT(config).load_state_dict` accepts. Tensors may share
        memory with the given ones.

    Raises:
        ValueError: when a name is not one of GPT-2's, or the head is not tied.
    """
    whole = any(name.startswith("transformer.") for name in state_dict)
    prefix = "" if whole else "transformer."
    named = {
        name if name == "lm_head.weight" else prefix + name: tensor
        for name, tensor in state_dict.items()
    }
    require_tied(named, "lm_head.weight", "transformer.wte.weight")
    ours: StateDict = {}
    for name, tensor in rename(
        named, _RULES, "transformers.GPT2LMHeadModel", _IGNORED
    ).items():
        if "_proj." in name:
            tensor = tensor.t()  # a bias, which has one axis, stays as it is
        if "qkv_proj" in name:
            thirds = tensor.chunk(3, dim=0)
            for letter, third in zip("qkv", thirds, strict=True):
                ours[name.replace("qkv", letter)] = third
        else:
            ours[name] = tensor
    return ours


def gpt2_to_hugging_face(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Map the state dict of `GPT` to that of `transformers.GPT2LMHeadModel`.

    The inverse of `gpt2_from_hugging_face`; `lm_head.weight` is given as well.

    Raises:
        ValueError: when a name is not one of our GPT's.
    """
    joined: StateDict = {}
    for name, tensor in state_dict.items():
        if ".attention.q_proj." in name:
            qkv = [state_dict[name.replace("q_proj", f"{c}_proj")] for c in "qkv"]
            joined[name.replace("q_proj", "qkv_proj")] = torch.cat(qkv, dim=0).t()
        elif ".attention.k_proj." in name or ".attention.v_proj." in name:
            continue
        else:
            joined[name] = tensor.t() if "_proj." in name else tensor
    theirs = rename(joined, inverse(_RULES), "llm_notes' GPT")
    theirs["lm_head.weight"] = state_dict["token_embedding.weight"]
    return theirs
