"""A configuration that asks for another model is refused, not loaded wrongly."""

import pytest
import torch
import transformers

from llm_notes.models.pretrained.bert import (
    bert_config_from_hugging_face,
    bert_from_hugging_face,
)
from llm_notes.models.pretrained.gpt2 import (
    gpt2_config_from_hugging_face,
    gpt2_from_hugging_face,
)
from llm_notes.models.pretrained.t5 import (
    t5_config_from_hugging_face,
    t5_from_hugging_face,
)
from llm_notes.models.pretrained.vit import vit_config_from_hugging_face


@pytest.mark.parametrize(
    ("read", "config"),
    [
        (gpt2_config_from_hugging_face, transformers.GPT2Config()),
        (bert_config_from_hugging_face, transformers.BertConfig()),
        (t5_config_from_hugging_face, transformers.T5Config()),
        (vit_config_from_hugging_face, transformers.ViTConfig()),
    ],
)
def test_the_published_configurations_are_read(read, config):
    assert read(config.to_dict()).n_layers > 0
    with pytest.raises(ValueError, match="model_type is 'mamba'"):
        read(config.to_dict() | {"model_type": "mamba"})


@pytest.mark.parametrize(
    ("read", "config", "option", "value"),
    [
        (gpt2_config_from_hugging_face, "GPT2Config", "activation_function", "relu"),
        (gpt2_config_from_hugging_face, "GPT2Config", "layer_norm_epsilon", 1e-2),
        (
            gpt2_config_from_hugging_face,
            "GPT2Config",
            "scale_attn_by_inverse_layer_idx",
            True,
        ),
        (gpt2_config_from_hugging_face, "GPT2Config", "tie_word_embeddings", False),
        (bert_config_from_hugging_face, "BertConfig", "hidden_act", "relu"),
        (bert_config_from_hugging_face, "BertConfig", "is_decoder", True),
        (bert_config_from_hugging_face, "BertConfig", "tie_word_embeddings", False),
        (vit_config_from_hugging_face, "ViTConfig", "hidden_act", "relu"),
        (vit_config_from_hugging_face, "ViTConfig", "qkv_bias", False),
    ],
)
def test_an_option_that_we_do_not_have_is_named(read, config, option, value):
    content = getattr(transformers, config)().to_dict() | {option: value}
    with pytest.raises(ValueError, match=f"{option} is {value!r}"):
        read(content)


def test_stacks_of_different_depth_are_refused():
    content = transformers.T5Config(num_layers=6, num_decoder_layers=2).to_dict()
    with pytest.raises(ValueError, match="num_layers is 6"):
        t5_config_from_hugging_face(content)


@pytest.mark.parametrize(
    ("map_names", "copy", "original"),
    [
        (gpt2_from_hugging_face, "lm_head.weight", "transformer.wte.weight"),
        (
            bert_from_hugging_face,
            "cls.predictions.decoder.weight",
            "bert.embeddings.word_embeddings.weight",
        ),
        (
            bert_from_hugging_face,
            "cls.predictions.decoder.bias",
            "cls.predictions.bias",
        ),
        (t5_from_hugging_face, "lm_head.weight", "shared.weight"),
    ],
)
def test_a_head_of_its_own_is_not_dropped_in_silence(map_names, copy, original):
    table = torch.ones(2, 3)
    assert len(map_names({copy: table, original: table})) == 1
    with pytest.raises(ValueError, match=f"{copy} differs from {original}"):
        map_names({copy: table + 1, original: table})
