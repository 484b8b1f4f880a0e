"""A bundle gives back the same model bit for bit, and its bytes are as described."""

import json
import struct

import numpy as np
import pytest
import torch

from llm_notes.data.tokenizers import BytePairTokenizer, CharacterTokenizer
from llm_notes.inference.export import (
    BundleError,
    bundle_as_json,
    bundle_data_bytes,
    bundle_from_json,
    read_bundle,
    write_bundle,
)
from llm_notes.inference.quantization import FORMATS, IntegerFormat, quantize_model
from llm_notes.models.bert import BERTConfig, BERTForPretraining
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.layers.rotary import LinearScaling
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel
from llm_notes.models.transformer import Transformer, TransformerConfig

TEXT = "a page that computes: 语言 models, without a server </script>"


@pytest.fixture
def tokenizer() -> CharacterTokenizer:
    return CharacterTokenizer.train(TEXT)


@pytest.fixture
def gpt(tokenizer) -> GPT:
    torch.manual_seed(0)
    config = GPTConfig(tokenizer.vocab_size, 10, 1, 3, 6, d_ff=7, init_std=0.3)
    return GPT(config).eval()


@pytest.mark.parametrize("name", FORMATS)
def test_the_model_that_is_read_has_the_same_logits(name, tokenizer):
    torch.manual_seed(0)
    config = LlamaConfig(tokenizer.vocab_size, 10, 1, 4, 2, 32, 64, init_std=0.3)
    model = quantize_model(Llama(config).eval(), FORMATS[name], embeddings=True)
    bundle = read_bundle(write_bundle(model, tokenizer))
    token_ids = torch.tensor([tokenizer.encode("a page"), tokenizer.encode("server")])
    assert bundle.model(Llama, LlamaConfig)(token_ids).equal(model(token_ids))
    assert not bundle.model(Llama, LlamaConfig).training


@pytest.mark.parametrize("embeddings", [False, True])
def test_what_was_not_quantised_stays_float(gpt, tokenizer, embeddings):
    options = {"embeddings": embeddings, "skip": ("o_proj",)}
    model = quantize_model(gpt, FORMATS["int8"], **options)
    bundle = read_bundle(write_bundle(model, tokenizer))
    assert bundle.tensors.keys() == model.state_dict().keys()
    token_ids = torch.tensor([tokenizer.encode("models")])
    assert bundle.model(GPT, GPTConfig)(token_ids).equal(model(token_ids))


def test_the_tokenizer_comes_along():
    tokenizer = BytePairTokenizer.train(TEXT * 3, 300, special_tokens=["<|end|>"])
    model = RNNLanguageModel(RNNConfig(tokenizer.vocab_size, 4, 6))
    model = quantize_model(model, FORMATS["int8"], embeddings=True)
    bundle = read_bundle(write_bundle(model, tokenizer))
    assert bundle.tokenizer().encode(TEXT) == tokenizer.encode(TEXT)
    assert bundle.tokenizer().special_ids == tokenizer.special_ids
    token_ids = torch.tensor([tokenizer.encode(TEXT)])
    read = bundle.model(RNNLanguageModel, RNNConfig)
    assert read(token_ids).equal(model(token_ids))


@pytest.mark.parametrize("target_vocab_size", [None, 13])
def test_a_translator_brings_two_tokenizers(tokenizer, target_vocab_size):
    torch.manual_seed(0)
    other = CharacterTokenizer.train("eine Seite")
    config = TransformerConfig(
        tokenizer.vocab_size, 12, 1, 2, 6, d_ff=7, target_vocab_size=target_vocab_size
    )
    model = quantize_model(Transformer(config).eval(), FORMATS["int8"], embeddings=True)
    tokenizers = {"source": tokenizer, "target": other}
    bundle = read_bundle(write_bundle(model, tokenizers, {"bos": 1, "eos": 2}))
    assert bundle.header["ids"] == {"bos": 1, "eos": 2}
    assert bundle.tokenizer("source").encode("a page") == tokenizer.encode("a page")
    assert bundle.tokenizer("target").encode("Seite") == other.encode("Seite")
    source, target = torch.tensor([tokenizer.encode("page")]), torch.tensor([[1, 3, 4]])
    read = bundle.model(Transformer, TransformerConfig)
    assert read(source, target).equal(model(source, target))
    for name in (None, "other"):
        with pytest.raises(BundleError, match=r"no tokenizer .*\['source', 'target'\]"):
            bundle.tokenizer(name)


def test_bert_comes_back_with_its_heads(tokenizer):
    torch.manual_seed(0)
    config = BERTConfig(tokenizer.vocab_size, 9, 1, 3, 6, d_ff=7, init_std=0.3)
    model = quantize_model(
        BERTForPretraining(config).eval(), FORMATS["int8"], embeddings=True
    )
    bundle = read_bundle(write_bundle(model, tokenizer, {"mask": 4}))
    assert bundle.header["ids"] == {"mask": 4}
    token_ids = torch.tensor([tokenizer.encode("a page")])
    read = bundle.model(BERTForPretraining, BERTConfig)
    for found, expected in zip(read(token_ids), model(token_ids), strict=True):
        assert found.equal(expected)
    with pytest.raises(BundleError, match=r"no tokenizer 'source'.*\[None\]"):
        bundle.tokenizer("source")


def test_the_bytes_stand_where_the_description_says(gpt, tokenizer):
    model = quantize_model(gpt, FORMATS["int8"], embeddings=True)
    data = write_bundle(model, tokenizer)
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length % 4) == (b"LLMN", 1, 0)
    header = json.loads(data[12 : 12 + length].decode("utf-8"))
    assert header["architecture"] == "GPT"
    assert header["config"]["d_ff"] == 7
    assert header["integers"]["bits"] == 8
    start, state = 12 + length, model.state_dict()
    end = 0
    for entry in header["tensors"]:
        assert entry["offset"] == end + -end % 4
        end = entry["offset"] + entry["n_bytes"]
        dtype = {"float32": "<f4", "int8": "<i1"}[entry["dtype"]]
        array = np.frombuffer(
            data[start:], dtype, np.prod(entry["shape"], dtype=int), entry["offset"]
        ).reshape(entry["shape"])
        np.testing.assert_array_equal(array, state[entry["name"]].numpy())
    assert len(data) == start + end + -end % 4


@pytest.mark.parametrize("tied", [False, True])
def test_the_bytes_of_the_data_follow_from_the_shapes(tokenizer, tied):
    vocab_size = tokenizer.vocab_size
    config = LlamaConfig(vocab_size, 10, 2, 3, 1, 6, 7, d_head=2, tied=tied)
    float_model = Llama(config)
    data = write_bundle(
        quantize_model(float_model, FORMATS["int8"], embeddings=True), tokenizer
    )
    (length,) = struct.unpack_from("<I", data, 8)
    n_bytes = len(data) - 12 - length
    assert n_bytes == bundle_data_bytes(float_model)

    def matrix(n_outputs, n_inputs):
        return -(-n_outputs * n_inputs // 4) * 4 + 4 * n_outputs

    attention = 2 * matrix(2, 6) + matrix(6, 6) + matrix(6, 6)
    block = attention + 2 * matrix(7, 6) + matrix(6, 7) + 2 * 4 * 6
    tables = (1 if tied else 2) * matrix(vocab_size, 6)
    assert n_bytes == tables + 2 * block + 4 * 6


def test_the_json_form_is_safe_in_a_page_and_undone(gpt, tokenizer):
    data = write_bundle(quantize_model(gpt, FORMATS["int8"]), tokenizer)
    text = bundle_as_json(data)
    assert "<" not in text
    assert text.isascii()
    assert bundle_from_json(text) == data


def test_damaged_bytes_are_refused(gpt, tokenizer):
    data = write_bundle(quantize_model(gpt, FORMATS["int8"]), tokenizer)
    flipped = data[:-1] + bytes([data[-1] ^ 1])
    for bad, message in [
        (b"LLM", "do not begin with LLMN"),
        (b"ABCD" + data[4:], "do not begin with LLMN"),
        (data[:4] + struct.pack("<I", 2) + data[8:], "version 2, this package reads 1"),
        (data[:40], "header is cut short"),
        (data[:-4], "cut short or was changed"),
        (flipped, "cut short or was changed"),
    ]:
        with pytest.raises(BundleError, match=message):
            read_bundle(bad)
    for bad, message in [
        ("{", "no bundle in JSON"),
        ("[1]", "no bundle in JSON"),
        ('{"format": "llm_notes.web"}', "no bundle in JSON"),
        (bundle_as_json(data).replace('"version": 1', '"version": 3'), "version 3"),
        (bundle_as_json(data).replace("llm_notes.web", "other"), "format 'other'"),
    ]:
        with pytest.raises(BundleError, match=message):
            bundle_from_json(bad)


@pytest.mark.parametrize(
    "old", [b'"vocab_size"', b'"offset":', b'"architecture"', b'"b']
)
def test_a_changed_header_is_refused(gpt, tokenizer, old):
    data = write_bundle(quantize_model(gpt, FORMATS["int8"]), tokenizer)
    assert old in data
    changed = data.replace(old, old[:-2] + bytes([old[-2] ^ 1]) + old[-1:], 1)
    with pytest.raises(BundleError, match=r"was changed|no JSON"):
        read_bundle(changed)


@pytest.mark.parametrize("header", [b"{}  ", b"[]  ", b"null"])
def test_a_header_without_its_entries_is_refused(header):
    data = b"LLMN" + struct.pack("<II", 1, 4) + header
    with pytest.raises(BundleError, match="header is cut short or no JSON"):
        read_bundle(data)


def test_another_architecture_is_refused(gpt, tokenizer):
    bundle = read_bundle(write_bundle(quantize_model(gpt, FORMATS["int8"]), tokenizer))
    with pytest.raises(BundleError, match="holds a GPT, not a Llama"):
        bundle.model(Llama, LlamaConfig)


def test_models_that_do_not_fit_a_bundle_are_refused(gpt, tokenizer):
    with pytest.raises(ValueError, match="has 0: quantise it"):
        write_bundle(gpt, tokenizer)
    mixed = quantize_model(gpt, FORMATS["int8"], skip=("q_proj",))
    mixed = quantize_model(mixed, IntegerFormat(4))
    with pytest.raises(ValueError, match="the model has 2"):
        write_bundle(mixed, tokenizer)
    rounding = quantize_model(gpt, FORMATS["int8"], integer_inputs=True)
    with pytest.raises(ValueError, match="quantise without integer_inputs"):
        write_bundle(rounding, tokenizer)
    half = quantize_model(gpt, FORMATS["int8"]).half()
    with pytest.raises(ValueError, match=r"has dtype float16.*call model.float"):
        write_bundle(half, tokenizer)
    config = LlamaConfig(19, 8, 1, 2, 1, 8, 8, rope_scaling=LinearScaling(2.0))
    with pytest.raises(ValueError, match="rope_scaling has no place in a bundle"):
        write_bundle(quantize_model(Llama(config), FORMATS["int8"]), tokenizer)
