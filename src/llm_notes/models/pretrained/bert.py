"""BERT's checkpoints: names of the encoder and of its heads.

Old files call the gains and shifts of norms gamma and beta; they are read too.
Nothing is read from disk here.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from llm_notes.models.bert import BERTConfig
from llm_notes.models.pretrained.names import (
    StateDict,
    inverse,
    rename,
    require_options,
    require_tied,
    with_suffixes,
)

_LAYER = "bert.encoder.layer.{}."
_BLOCK = "bert.blocks.{}."
_RULES = with_suffixes(
    {
        "bert.embeddings.LayerNorm": "bert.embedding_norm",
        _LAYER + "attention.self.query": _BLOCK + "attention.q_proj",
        _LAYER + "attention.self.key": _BLOCK + "attention.k_proj",
        _LAYER + "attention.self.value": _BLOCK + "attention.v_proj",
        _LAYER + "attention.output.dense": _BLOCK + "attention.o_proj",
        _LAYER + "attention.output.LayerNorm": _BLOCK + "attention_norm",
        _LAYER + "intermediate.dense": _BLOCK + "feed_forward.up_proj",
        _LAYER + "output.dense": _BLOCK + "feed_forward.down_proj",
        _LAYER + "output.LayerNorm": _BLOCK + "feed_forward_norm",
        "bert.pooler.dense": "pooler.dense",
        "cls.seq_relationship": "next_sentence",
        "cls.predictions.transform.dense": "transform",
        "cls.predictions.transform.LayerNorm": "transform_norm",
        "classifier": "classifier",
    },
    ".weight",
    ".bias",
) | {
    "bert.embeddings.word_embeddings.weight": "bert.token_embedding.weight",
    "bert.embeddings.position_embeddings.weight": "bert.position_embedding.weight",
    "bert.embeddings.token_type_embeddings.weight": "bert.segment_embedding.weight",
    "cls.predictions.bias": "token_bias",
}
_COPIES = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}


_SUPPORTED = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
    "tie_word_embeddings": True,
}


def bert_config_from_hugging_face(config: Mapping[str, Any]) -> BERTConfig:
    """The sizes in a config.json, or in `model.config.to_dict()`.

    Raises:
        ValueError: for a variant that our BERT does not have.
    """
    require_options(config, _SUPPORTED, "BERT")
    return BERTConfig(
        vocab_size=config["vocab_size"],
        context_length=config["max_position_embeddings"],
        n_layers=config["num_hidden_layers"],
        n_heads=config["num_attention_heads"],
        d_model=config["hidden_size"],
        d_ff=config["intermediate_size"],
        n_segments=config.get("type_vocab_size", 2),
        norm_eps=config.get("layer_norm_eps", 1e-12),
        dropout=config.get("hidden_dropout_prob", 0.0),
    )


def bert_from_hugging_face(state_dict: Mapping[str, Tensor]) -> StateDict:
    """Map names of `transformers.BertForPreTraining` (or of a part of it) to ours.

    Args:
        state_dict: of `BertForPreTraining`, `BertForSequenceClassification`, or of
            `BertModel` (whose names lack "bert." in front).

    Returns:
        names of `BERTForPretraining` or `BERTClassifier`; those of the bare `BERT`
        begin with "bert." there.

    Raises:
        ValueError: naming the tensors that are not BERT's, or not tied.
    """
    bare = not any(name.startswith(("bert.", "cls.")) for name in state_dict)
    modern = {
        ("bert." if bare else "")
        + name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
            "LayerNorm.beta", "LayerNorm.bias"
        ): tensor
        for name, tensor in state_dict.items()
    }
    for copy, original in _COPIES.items():
        require_tied(modern, copy, original)
    ignored = [*_COPIES, "bert.embeddings.position_ids"]  # a buffer: 0, 1, 2, ...
    return rename(modern, _RULES, "transformers' BERT", ignored)


def bert_to_hugging_face(state_dict: Mapping[str, Tensor]) -> StateDict:
    """The inverse of `bert_from_hugging_face`, tied copies of the head included."""
    theirs = rename(state_dict, inverse(_RULES), "llm_notes' BERT")
    if "token_bias" in state_dict:
        theirs["cls.predictions.decoder.weight"] = state_dict[
            "bert.token_embedding.weight"
        ]
        theirs["cls.predictions.decoder.bias"] = state_dict["token_bias"]
    return theirs
