"""BERT's, T5's and ViT's names map both ways, from files and from live models."""

import pytest
import torch
import transformers

from llm_notes.models.bert import BERT, BERTClassifier
from llm_notes.models.pretrained.bert import (
    bert_config_from_hugging_face,
    bert_from_hugging_face,
    bert_to_hugging_face,
)
from llm_notes.models.pretrained.check import load_weights
from llm_notes.models.pretrained.files import read_config, read_state_dict
from llm_notes.models.pretrained.t5 import (
    t5_config_from_hugging_face,
    t5_from_hugging_face,
    t5_to_hugging_face,
)
from llm_notes.models.pretrained.vit import (
    vit_config_from_hugging_face,
    vit_from_hugging_face,
    vit_to_hugging_face,
)
from llm_notes.models.t5 import T5
from llm_notes.models.vit import ViT

BERT_SIZES = {
    "vocab_size": 31,
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 17,
    "max_position_embeddings": 9,
}
T5_SIZES = {
    "vocab_size": 31,
    "d_model": 12,
    "d_kv": 5,
    "d_ff": 17,
    "num_layers": 2,
    "num_heads": 3,
}
VIT_SIZES = {
    "image_size": 8,
    "patch_size": 4,
    "num_channels": 2,
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 17,
}


def assert_same(first, second):
    assert first.keys() == second.keys()
    assert all(first[name].equal(second[name]) for name in first)


def test_bert_names_map_there_and_back():
    theirs = transformers.BertForPreTraining(transformers.BertConfig(**BERT_SIZES))
    state = theirs.state_dict()
    assert_same(bert_to_hugging_face(bert_from_hugging_face(state)), state)


def test_the_bare_bert_and_old_names_of_norms_are_read():
    config = transformers.BertConfig(**BERT_SIZES)
    theirs = transformers.BertModel(config, add_pooling_layer=False).eval()
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): tensor
        for name, tensor in theirs.state_dict().items()
    }
    ours = BERT(bert_config_from_hugging_face(config.to_dict())).eval()
    mapped = bert_from_hugging_face(old)
    load_weights(ours, {n.removeprefix("bert."): t for n, t in mapped.items()})
    ids = torch.randint(31, (2, 7))
    with torch.no_grad():
        expected = theirs(ids).last_hidden_state
        torch.testing.assert_close(ours(ids), expected, atol=1e-5, rtol=0)


def test_a_bert_classifier_from_a_folder_gives_the_same_logits(tmp_path):
    config = transformers.BertConfig(**BERT_SIZES, num_labels=4)
    theirs = transformers.BertForSequenceClassification(config).eval()
    theirs.save_pretrained(tmp_path)
    ours = BERTClassifier(
        bert_config_from_hugging_face(read_config(tmp_path)), 4
    ).eval()
    load_weights(ours, bert_from_hugging_face(read_state_dict(tmp_path)))
    ids = torch.randint(31, (2, 7))
    with torch.no_grad():
        torch.testing.assert_close(ours(ids), theirs(ids).logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["relu", "gated-gelu"])
@pytest.mark.parametrize("tied", [True, False])
def test_t5_names_map_there_and_back(kind, tied):
    config = transformers.T5Config(**T5_SIZES, feed_forward_proj=kind)
    theirs = transformers.T5ForConditionalGeneration(config)
    state = dict(theirs.state_dict())
    if not tied:
        state["lm_head.weight"] = torch.randn(31, 12)
    mapped = t5_from_hugging_face(state, tied)
    assert ("lm_head.weight" in mapped) == (not tied)
    assert_same(t5_to_hugging_face(mapped), state)


@pytest.mark.parametrize("kind", ["relu", "gated-gelu"])
def test_a_t5_from_a_folder_gives_the_same_logits(tmp_path, kind):
    config = transformers.T5Config(
        **T5_SIZES, feed_forward_proj=kind, tie_word_embeddings=kind == "relu"
    )
    theirs = transformers.T5ForConditionalGeneration(config).eval()
    if kind != "relu":
        theirs.lm_head.weight = torch.nn.Parameter(torch.randn(31, 12))
    theirs.save_pretrained(tmp_path)
    our_config = t5_config_from_hugging_face(read_config(tmp_path), context_length=20)
    assert our_config.tied == (kind == "relu")
    ours = T5(our_config).eval()
    state = read_state_dict(tmp_path)
    load_weights(ours, t5_from_hugging_face(state, our_config.tied))
    source, target = torch.randint(31, (2, 7)), torch.randint(31, (2, 5))
    with torch.no_grad():
        expected = theirs(input_ids=source, decoder_input_ids=target).logits
        torch.testing.assert_close(ours(source, target), expected, atol=1e-5, rtol=0)


def test_another_kind_of_t5_is_refused():
    with pytest.raises(ValueError, match="feed_forward_proj is 'gated-silu'"):
        t5_config_from_hugging_face(T5_SIZES | {"feed_forward_proj": "gated-silu"})


def test_the_published_configs_of_t5_tell_the_versions_apart():
    # Files of 1.1 say so in tie_word_embeddings; those of 1.0 do not mention it.
    assert t5_config_from_hugging_face(T5_SIZES).tied
    assert not t5_config_from_hugging_face(
        T5_SIZES | {"tie_word_embeddings": False, "feed_forward_proj": "gated-gelu"}
    ).tied


@pytest.mark.parametrize("layout", [4, 5])
def test_vit_names_map_there_and_back_in_both_layouts(layout):
    config = transformers.ViTConfig(**VIT_SIZES)
    state = transformers.ViTModel(config, add_pooling_layer=False).state_dict()
    our_config = vit_config_from_hugging_face(config.to_dict())
    ours = vit_from_hugging_face(state)
    written = vit_to_hugging_face(ours, our_config, layout)
    assert any(name.startswith("encoder.layer.1.") for name in written) == (layout == 4)
    assert_same(vit_from_hugging_face(written), ours)
    if layout == 5:
        assert_same(written, dict(state))


def test_a_vit_from_a_folder_gives_the_same_vectors(tmp_path):
    theirs = transformers.ViTModel(transformers.ViTConfig(**VIT_SIZES)).eval()
    theirs.save_pretrained(tmp_path)
    ours = ViT(vit_config_from_hugging_face(read_config(tmp_path))).eval()
    load_weights(ours, vit_from_hugging_face(read_state_dict(tmp_path)))
    images = torch.randn(2, 2, 8, 8)
    with torch.no_grad():
        expected = theirs(images).last_hidden_state
        torch.testing.assert_close(ours(images), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "map_names",
    [
        bert_from_hugging_face,
        t5_from_hugging_face,
        vit_from_hugging_face,
        bert_to_hugging_face,
    ],
)
def test_foreign_weights_are_named_and_refused(map_names):
    with pytest.raises(ValueError, match=r"encoder\.layer\.0\.strange"):
        map_names({"encoder.layer.0.strange": torch.zeros(1)})


def test_an_unknown_layout_is_refused():
    with pytest.raises(ValueError, match="layout is 3"):
        vit_to_hugging_face(
            ViT(vit_config_from_hugging_face(VIT_SIZES)).state_dict(),
            vit_config_from_hugging_face(VIT_SIZES),
            layout=3,
        )
