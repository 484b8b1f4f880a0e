"""Checkpoints of Llama, Mistral, Qwen3 and Mixtral: names, and how experts are stored.

Files and transformers 4 hold three matrices for each expert; transformers 5 holds the
experts of a layer in two tensors. Both are read and written. Meta's own Llama files
have other names and the interleaved layout of rotations, which
`layers.rotary.half_split_from_interleaved` turns into this one. Nothing is read from
disk here.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from llm_notes.models.layers.rotary import (
    LinearScaling,
    Llama3Scaling,
    RotaryScaling,
    YarnScaling,
)
from llm_notes.models.llama import LlamaConfig
from llm_notes.models.pretrained.names import (
    StateDict,
    inverse,
    rename,
    require_options,
    require_tied,
    with_suffixes,
)

_EXPERT = "blocks.{}.feed_forward.experts.{}."
_RULES = with_suffixes(
    {
        "model.embed_tokens": "token_embedding",
        "model.norm": "final_norm",
        "lm_head": "head",
        "model.layers.{}.input_layernorm": "blocks.{}.attention_norm",
        "model.layers.{}.self_attn.q_proj": "blocks.{}.attention.q_proj",
        "model.layers.{}.self_attn.k_proj": "blocks.{}.attention.k_proj",
        "model.layers.{}.self_attn.v_proj": "blocks.{}.attention.v_proj",
        "model.layers.{}.self_attn.o_proj": "blocks.{}.attention.o_proj",
        "model.layers.{}.self_attn.q_norm": "blocks.{}.attention.q_norm",
        "model.layers.{}.self_attn.k_norm": "blocks.{}.attention.k_norm",
        "model.layers.{}.post_attention_layernorm": "blocks.{}.feed_forward_norm",
        "model.layers.{}.mlp.gate_proj": "blocks.{}.feed_forward.gate_proj",
        "model.layers.{}.mlp.up_proj": "blocks.{}.feed_forward.up_proj",
        "model.layers.{}.mlp.down_proj": "blocks.{}.feed_forward.down_proj",
    },
    ".weight",
)
# What a mixture of experts is called besides, by the version of transformers.
_MIXTURES = {
    4: with_suffixes(
        {
            "model.layers.{}.block_sparse_moe.gate": "blocks.{}.feed_forward.router",
            "model.layers.{}.block_sparse_moe.experts.{}.w1": _EXPERT + "gate_proj",
            "model.layers.{}.block_sparse_moe.experts.{}.w2": _EXPERT + "down_proj",
            "model.layers.{}.block_sparse_moe.experts.{}.w3": _EXPERT + "up_proj",
        },
        ".weight",
    ),
    5: {
        "model.layers.{}.mlp.gate.weight": "blocks.{}.feed_forward.router.weight",
        "model.layers.{}.mlp.experts.gate_up_proj": "blocks.{}.feed_forward.gate_up",
        "model.layers.{}.mlp.experts.down_proj": "blocks.{}.feed_forward.down",
    },
}
_IGNORED = ["model.layers.{}.self_attn.rotary_emb.inv_freq"]  # a buffer of old files
# Families, with the base of their rotations where a configuration gives none.
_BASES = {"llama": 1e4, "mistral": 1e4, "qwen3": 1e4, "mixtral": 1e6}
# Kinds of rotations, with the numbers that describe one.
_TRAINED = "original_max_position_embeddings"
_SCALINGS = {
    "default": set(),
    "linear": {"factor"},
    "llama3": {"factor", _TRAINED, "low_freq_factor", "high_freq_factor"},
    "yarn": {"factor", _TRAINED, "beta_fast", "beta_slow"},
}


_SUPPORTED = {
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "use_sliding_window": False,  # Qwen's, in some of the layers only
}


def llama_config_from_hugging_face(config: Mapping[str, Any]) -> LlamaConfig:
    """The sizes in a config.json, or in `model.config.to_dict()`.

    Args:
        config: as transformers 4 writes it (`rope_theta`, `rope_scaling`) or
            transformers 5 (`rope_parameters`).

    Raises:
        ValueError: for another family, or an option that our Llama does not have.
    """
    family = config.get("model_type")
    if family not in _BASES:
        raise ValueError(f"model_type is {family!r}; this reads {', '.join(_BASES)}")
    require_options(config, _SUPPORTED, "Llama")
    base, scaling = _rotations(config, _BASES[family])
    slides = family in ("mistral", "mixtral")
    is_mixture = family == "mixtral"
    return LlamaConfig(
        vocab_size=config["vocab_size"],
        context_length=config["max_position_embeddings"],
        n_layers=config["num_hidden_layers"],
        n_heads=config["num_attention_heads"],
        n_kv_heads=config.get("num_key_value_heads") or config["num_attention_heads"],
        d_model=config["hidden_size"],
        d_ff=config["intermediate_size"],
        d_head=config.get("head_dim"),
        rope_base=base,
        rope_scaling=scaling,
        norm_eps=config["rms_norm_eps"],
        qk_norm=family == "qwen3",
        tied=config.get("tie_word_embeddings", False),
        n_experts=config["num_local_experts"] if is_mixture else None,
        n_active_experts=config["num_experts_per_tok"] if is_mixture else None,
        window=config.get("sliding_window") if slides else None,
    )


def llama_from_hugging_face(
    state_dict: Mapping[str, Tensor], config: LlamaConfig
) -> StateDict:
    """Map the state dict of `transformers.LlamaForCausalLM` and the like to `Llama`'s.

    Args:
        state_dict: names to tensors, in the layout of transformers 4 (and of files)
            or 5. A tied head may be there or not.
        config: whether the head is tied.

    Returns:
        a new dict that `Llama(config).load_state_dict` accepts. Tensors may share
        memory with the given ones.

    Raises:
        ValueError: when a name is not one of theirs, or a tied head is not equal to
            the embedding.
    """
    what = "transformers' Llama, Mistral, Qwen3 or Mixtral"
    rules = _RULES | _MIXTURES[4] | _MIXTURES[5]
    ours: StateDict = {}
    for name, tensor in rename(state_dict, rules, what, _IGNORED).items():
        layer, _, last = name.rpartition(".")
        if last == "gate_up":  # (E, 2 F, D)
            for number, expert in enumerate(tensor):
                gate, up = expert.chunk(2)
                ours[f"{layer}.experts.{number}.gate_proj.weight"] = gate
                ours[f"{layer}.experts.{number}.up_proj.weight"] = up
        elif last == "down":  # (E, D, F)
            for number, expert in enumerate(tensor):
                ours[f"{layer}.experts.{number}.down_proj.weight"] = expert
        else:
            ours[name] = tensor
    if config.tied:
        require_tied(state_dict, "lm_head.weight", "model.embed_tokens.weight")
        ours.pop("head.weight", None)
    return ours


def llama_to_hugging_face(
    state_dict: Mapping[str, Tensor], config: LlamaConfig, layout: int = 5
) -> StateDict:
    """Map the state dict of `Llama` to that of `transformers.LlamaForCausalLM`.

    The inverse of `llama_from_hugging_face`; a tied head is given as well, as live
    models list it.

    Args:
        state_dict: of `Llama(config)`.
        config: how many experts there are.
        layout: 4 or 5, the version of transformers whose live models have it; they
            differ where there are experts. Files have layout 4.

    Raises:
        ValueError: when a name is not one of our Llama's, or the layout is unknown.
    """
    if layout not in _MIXTURES:
        raise ValueError(f"layout is 4 or 5, a version of transformers, got {layout}")
    joined = dict(state_dict)
    if layout == 5 and config.n_experts is not None:
        for layer in range(config.n_layers):
            prefix = f"blocks.{layer}.feed_forward"
            experts = [
                [
                    joined.pop(f"{prefix}.experts.{number}.{part}_proj.weight")
                    for part in ("gate", "up", "down")
                ]
                for number in range(config.n_experts)
            ]
            joined[f"{prefix}.gate_up"] = torch.stack(
                [torch.cat([gate, up]) for gate, up, _ in experts]
            )
            joined[f"{prefix}.down"] = torch.stack([down for *_, down in experts])
    rules = inverse(_RULES | _MIXTURES[layout])
    theirs = rename(joined, rules, "llm_notes' Llama")
    if config.tied and "model.embed_tokens.weight" in theirs:
        theirs["lm_head.weight"] = theirs["model.embed_tokens.weight"]
    return theirs


def _rotations(
    config: Mapping[str, Any], default_base: float
) -> tuple[float, RotaryScaling | None]:
    """The base of the angles and how they are scaled."""
    rope = {**(config.get("rope_scaling") or config.get("rope_parameters") or {})}
    kind = rope.pop("rope_type", rope.pop("type", "default"))
    base = rope.pop("rope_theta", None) or config.get("rope_theta") or default_base
    given = {name for name, value in rope.items() if value is not None}
    if kind not in _SCALINGS or given - _SCALINGS[kind]:
        raise ValueError(
            f"rotations are scaled by {kind!r} with {sorted(given)}; this reads "
            + ", ".join(
                f"{name} with {sorted(keys)}" for name, keys in _SCALINGS.items()
            )
        )
    if kind == "default":
        return base, None
    factor = rope["factor"]
    if kind == "linear":
        return base, LinearScaling(factor)
    trained = rope.get(_TRAINED) or config["max_position_embeddings"]
    if kind == "llama3":
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        return base, Llama3Scaling(factor, trained, low, high)
    fast, slow = rope.get("beta_fast") or 32.0, rope.get("beta_slow") or 1.0
    return base, YarnScaling(factor, trained, base, fast, slow)
