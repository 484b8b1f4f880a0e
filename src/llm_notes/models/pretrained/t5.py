"""T5's checkpoints: names of both stacks, with or without gates.

Nothing is read from disk here.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from llm_notes.models.pretrained.names import (
    StateDict,
    inverse,
    rename,
    require_options,
    require_tied,
    with_suffixes,
)
from llm_notes.models.t5 import T5Config

_ENCODER, _DECODER = "encoder.block.{}.layer.", "decoder.block.{}.layer."
_PLAIN = {"wi": "up_proj", "wo": "down_proj"}
_GATED = {"wi_0": "gate_proj", "wi_1": "up_proj", "wo": "down_proj"}
_TABLE = ".block.0.layer.0.SelfAttention.relative_attention_bias"
_COPIES = ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"]
_HEAD = "lm_head.weight"


def _rules(gated: bool) -> dict[str, str]:
    rules = {
        "shared": "token_embedding",
        "lm_head": "lm_head",
        "encoder" + _TABLE: "encoder_bias",
        "decoder" + _TABLE: "decoder_bias",
        "encoder.final_layer_norm": "encoder_norm",
        "decoder.final_layer_norm": "decoder_norm",
        _ENCODER + "0.layer_norm": "encoder.{}.attention_norm",
        _ENCODER + "1.layer_norm": "encoder.{}.feed_forward_norm",
        _DECODER + "0.layer_norm": "decoder.{}.attention_norm",
        _DECODER + "1.layer_norm": "decoder.{}.cross_attention_norm",
        _DECODER + "2.layer_norm": "decoder.{}.feed_forward_norm",
    }
    for c in "qkvo":
        rules |= {
            f"{_ENCODER}0.SelfAttention.{c}": f"encoder.{{}}.attention.{c}_proj",
            f"{_DECODER}0.SelfAttention.{c}": f"decoder.{{}}.attention.{c}_proj",
            f"{_DECODER}1.EncDecAttention.{c}": (
                f"decoder.{{}}.cross_attention.{c}_proj"
            ),
        }
    for theirs, ours in (_GATED if gated else _PLAIN).items():
        for stack, layer in ((_ENCODER, 1), (_DECODER, 2)):
            name = f"{stack[:7]}.{{}}.feed_forward.{ours}"
            rules[f"{stack}{layer}.DenseReluDense.{theirs}"] = name
    return with_suffixes(rules, ".weight")


def t5_config_from_hugging_face(
    config: Mapping[str, Any], context_length: int = 512
) -> T5Config:
    """The sizes in a config.json, or in `model.config.to_dict()`.

    Args:
        context_length: the limit to set; T5's own files state none that binds.

    Raises:
        ValueError: for a kind of feed-forward layer that T5 does not have, or stacks
            of different depth.
    """
    # Both stacks are equally deep; null stands for that too.
    n_decoder_layers = config.get("num_decoder_layers") or config["num_layers"]
    supported = {"model_type": "t5", "num_layers": n_decoder_layers}
    require_options(config, supported, "T5")
    kind = config.get("feed_forward_proj", "relu")
    if kind not in ("relu", "gated-gelu"):
        raise ValueError(
            f"feed_forward_proj is {kind!r}; T5 has 'relu' (1.0) or 'gated-gelu' (1.1)"
        )
    return T5Config(
        vocab_size=config["vocab_size"],
        context_length=context_length,
        n_layers=config["num_layers"],
        n_heads=config["num_heads"],
        d_model=config["d_model"],
        d_ff=config["d_ff"],
        d_head=config["d_kv"],
        n_buckets=config.get("relative_attention_num_buckets", 32),
        max_distance=config.get("relative_attention_max_distance", 128),
        gated=kind == "gated-gelu",
        # transformers 5 says True here for 1.1 too, and tells the versions apart by
        # whether outputs are scaled.
        tied=config.get(
            "scale_decoder_outputs", config.get("tie_word_embeddings", True)
        ),
        norm_eps=config.get("layer_norm_epsilon", 1e-6),
        dropout=config.get("dropout_rate", 0.0),
    )


def t5_from_hugging_face(
    state_dict: Mapping[str, Tensor], tied: bool = True
) -> StateDict:
    """Map names of `transformers.T5ForConditionalGeneration` to those of `T5`.

    Args:
        tied: whether the last layer is the embedding; `lm_head`, where it stands in
            the dict, is then a copy and left out.

    Raises:
        ValueError: naming the tensors that are not T5's, or not tied.
    """
    gated = any(".wi_0." in name for name in state_dict)
    ignored = [*_COPIES, _HEAD] if tied else _COPIES
    for copy in ignored:
        require_tied(state_dict, copy, "shared.weight")
    return rename(state_dict, _rules(gated), "transformers' T5", ignored)


def t5_to_hugging_face(state_dict: Mapping[str, Tensor]) -> StateDict:
    """The inverse of `t5_from_hugging_face`, copies of the embedding included."""
    gated = any(".gate_proj." in name for name in state_dict)
    theirs = rename(state_dict, inverse(_rules(gated)), "llm_notes' T5")
    table = state_dict["token_embedding.weight"]
    return theirs | dict.fromkeys(_COPIES, table) | {_HEAD: theirs.get(_HEAD, table)}
