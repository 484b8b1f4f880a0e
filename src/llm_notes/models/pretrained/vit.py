"""ViT's checkpoints, in the names of transformers 4 (the published files) and 5.

Patches are embedded by a convolution there, whose kernel is our linear map in another
shape. Nothing is read from disk here.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from llm_notes.models.pretrained.names import (
    StateDict,
    inverse,
    rename,
    require_options,
    with_suffixes,
)
from llm_notes.models.vit import ViTConfig

_WHOLE = {
    "embeddings.cls_token": "class_token",
    "embeddings.position_embeddings": "position_embedding.weight",
} | with_suffixes(
    {
        "embeddings.patch_embeddings.projection": "patch_proj",
        "layernorm": "final_norm",
    },
    ".weight",
    ".bias",
)
_LAYERS = {
    "layernorm_before": "attention_norm",
    "layernorm_after": "feed_forward_norm",
}
_OLD_LAYERS = _LAYERS | {
    "attention.attention.query": "attention.q_proj",
    "attention.attention.key": "attention.k_proj",
    "attention.attention.value": "attention.v_proj",
    "attention.output.dense": "attention.o_proj",
    "intermediate.dense": "feed_forward.up_proj",
    "output.dense": "feed_forward.down_proj",
}
_NEW_LAYERS = _LAYERS | {
    "attention.q_proj": "attention.q_proj",
    "attention.k_proj": "attention.k_proj",
    "attention.v_proj": "attention.v_proj",
    "attention.o_proj": "attention.o_proj",
    "mlp.fc1": "feed_forward.up_proj",
    "mlp.fc2": "feed_forward.down_proj",
}


def _rules(layout: int) -> dict[str, str]:
    if layout not in (4, 5):
        raise ValueError(f"layout is {layout}; transformers 4 and 5 differ in names")
    prefix = "encoder.layer.{}." if layout == 4 else "layers.{}."
    layers = _OLD_LAYERS if layout == 4 else _NEW_LAYERS
    named = {prefix + theirs: "blocks.{}." + ours for theirs, ours in layers.items()}
    return _WHOLE | with_suffixes(named, ".weight", ".bias")


def vit_config_from_hugging_face(config: Mapping[str, Any]) -> ViTConfig:
    """The sizes in a config.json, or in `model.config.to_dict()`.

    Raises:
        ValueError: for a variant that our ViT does not have.
    """
    supported = {"model_type": "vit", "hidden_act": "gelu", "qkv_bias": True}
    require_options(config, supported, "ViT")
    return ViTConfig(
        image_size=config["image_size"],
        patch_size=config["patch_size"],
        n_layers=config["num_hidden_layers"],
        n_heads=config["num_attention_heads"],
        d_model=config["hidden_size"],
        d_ff=config["intermediate_size"],
        n_channels=config.get("num_channels", 3),
        norm_eps=config.get("layer_norm_eps", 1e-12),
        dropout=config.get("hidden_dropout_prob", 0.0),
    )


def vit_from_hugging_face(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Map names of `transformers.ViTModel` to those of `ViT`.

    Args:
        state_dict: in either layout; "vit." in front, and the heads that are ours to
            add (pooler, classifier), are left out.

    Raises:
        ValueError: naming the tensors that are not ViT's.
    """
    bare = {name.removeprefix("vit."): t for name, t in state_dict.items()}
    layout = 4 if any(name.startswith("encoder.layer.") for name in bare) else 5
    heads = with_suffixes({"pooler.dense": "", "classifier": ""}, ".weight", ".bias")
    ours = rename(bare, _rules(layout), "transformers' ViT", heads)
    for name in ("class_token", "position_embedding.weight"):
        if name in ours:  # there, with an axis of length one for the batch
            ours[name] = ours[name].squeeze(0)
    if "class_token" in ours:
        ours["class_token"] = ours["class_token"].squeeze(0)
    if "patch_proj.weight" in ours:
        ours["patch_proj.weight"] = ours["patch_proj.weight"].flatten(start_dim=1)
    return ours


def vit_to_hugging_face(
    state_dict: Mapping[str, Tensor], config: ViTConfig, layout: int = 5
) -> StateDict:
    """The inverse of `vit_from_hugging_face`, in the names of transformers 4 or 5."""
    shaped = dict(state_dict)
    shaped["class_token"] = shaped["class_token"][None, None]
    name = "position_embedding.weight"
    shaped[name] = shaped[name][None]
    kernel = (config.n_channels, config.patch_size, config.patch_size)
    shaped["patch_proj.weight"] = shaped["patch_proj.weight"].unflatten(1, kernel)
    return rename(shaped, inverse(_rules(layout)), "llm_notes' ViT")
