"""Whole models: replaced, saved, loaded, calibrated, measured."""

import copy
import math

import pytest
import safetensors.torch
import torch
from torch import nn

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.generate import generate
from llm_notes.inference.quantization import (
    FORMATS,
    IntegerFormat,
    QuantizedEmbedding,
    QuantizedLinear,
    compression_report,
    model_bytes,
    output_error,
    quantize_model,
)
from llm_notes.inference.quantization.calibration import input_grams
from llm_notes.models.bert import BERT, BERTConfig
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel
from llm_notes.models.t5 import T5, T5Config
from llm_notes.training.evaluation import bits_per_byte

V = 19
LLAMA = LlamaConfig(V, 10, 2, 4, 2, d_model=8, d_ff=12, init_std=0.3)
MODELS = {
    "gpt": lambda: GPT(GPTConfig(V, 10, 2, 2, 8, dropout=0.5, init_std=0.3)),
    "llama": lambda: Llama(LLAMA),
    "mixtral": lambda: Llama(
        LlamaConfig(V, 10, 1, 2, 1, 8, 12, n_experts=3, n_active_experts=2)
    ),
    "bert": lambda: BERT(BERTConfig(V, 10, 2, 2, 8)),
    "rnn": lambda: RNNLanguageModel(RNNConfig(V, 8, 12, cell="gru")),
}


@pytest.fixture
def gpt() -> GPT:
    torch.manual_seed(0)
    return MODELS["gpt"]().eval()


@pytest.fixture
def token_ids() -> torch.Tensor:
    return torch.randint(V, (3, 9), generator=torch.Generator().manual_seed(1))


def with_rounded_weights(model: nn.Module, quantized: nn.Module) -> nn.Module:
    """The float model whose matrices are those that the integers stand for."""
    model = copy.deepcopy(model)
    small = (QuantizedLinear, QuantizedEmbedding)
    for name, module in quantized.named_modules():
        if isinstance(module, small):
            model.get_submodule(name).weight.data = module.weight
    return model


@pytest.mark.parametrize("embeddings", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_a_quantised_model_is_the_model_of_its_rounded_weights(
    name, embeddings, token_ids
):
    torch.manual_seed(0)
    model = MODELS[name]().eval()
    before = copy.deepcopy(model.state_dict())
    integers = IntegerFormat(4, group_size=4)
    quantized = quantize_model(model, integers, embeddings=embeddings)
    kinds = {type(module) for module in quantized.modules()}
    assert TokenEmbedding not in kinds or not embeddings
    assert QuantizedLinear in kinds
    expected = with_rounded_weights(model, quantized)(token_ids)
    torch.testing.assert_close(quantized(token_ids), expected, atol=1e-5, rtol=0)
    assert all(before[key].equal(value) for key, value in model.state_dict().items())


def test_what_is_skipped_stays_as_it_is(gpt):
    torch.manual_seed(0)
    mixture = quantize_model(MODELS["mixtral"](), FORMATS["int8"])
    assert type(mixture.blocks[0].feed_forward.router) is nn.Linear
    skip = ("o_proj", "blocks.1.attention.q_proj")
    quantized = quantize_model(gpt, FORMATS["int8"], skip=skip)
    kept = {n for n, m in quantized.named_modules() if type(m) is nn.Linear}
    assert kept == {
        "blocks.0.attention.o_proj",
        "blocks.1.attention.o_proj",
        "blocks.1.attention.q_proj",
    }


def test_a_layer_with_two_names_stays_one_layer():
    layer = nn.Linear(4, 4)
    model = nn.ModuleDict({"one": layer, "other": layer, "third": nn.Linear(4, 4)})
    quantized = quantize_model(model, FORMATS["int8"])
    assert quantized["one"] is quantized["other"]
    assert quantized["third"] is not quantized["one"]


def test_a_saved_model_is_loaded_into_a_fresh_one(gpt, token_ids, tmp_path):
    options = {"integers": FORMATS["int8"], "embeddings": True}
    quantized = quantize_model(gpt, **options)
    file = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(quantized.state_dict(), file)
    fresh = quantize_model(GPT(gpt.config).eval(), **options)
    fresh.load_state_dict(safetensors.torch.load_file(file))
    assert fresh(token_ids).equal(quantized(token_ids))


def test_generation_with_and_without_a_cache_is_the_same(gpt):
    quantized = quantize_model(gpt, FORMATS["int8"], embeddings=True)
    prompt = torch.tensor([[1, 5, 2]])
    texts = [
        generate(quantized, prompt, 6, temperature=0, use_cache=use_cache)
        for use_cache in (True, False)
    ]
    assert texts[0].equal(texts[1])


def test_calibrated_layers_err_less_on_the_calibration_text(gpt, token_ids):
    integers = IntegerFormat(3, group_size=4)
    nearest = quantize_model(gpt, integers)
    solved = quantize_model(gpt, integers, calibration=[token_ids, token_ids[:1]])
    names = [n for n, m in gpt.named_modules() if type(m) is nn.Linear]
    grams = input_grams(gpt, [token_ids, token_ids[:1]], names)
    assert len(names) == 12
    gains = []
    for name in names:
        weight = gpt.get_submodule(name).weight.detach()
        errors = [
            output_error(weight, m.get_submodule(name).weight, grams[name]).sum()
            for m in (solved, nearest)
        ]
        assert errors[0] <= errors[1] * (1 + 1e-9)
        gains.append(errors[0] / errors[1])
    assert sum(gains) / len(gains) < 0.8


def test_calibration_gathers_the_inputs_of_each_layer(gpt, token_ids):
    name = "blocks.0.attention.q_proj"
    x = gpt.blocks[0].attention_norm(
        gpt.token_embedding(token_ids) + gpt.position_embedding(torch.arange(9))
    )
    x = x.detach().flatten(end_dim=1)
    gram = input_grams(gpt.train(), [token_ids, token_ids], [name])[name]
    torch.testing.assert_close(gram.float(), 2 * x.T @ x, atol=1e-4, rtol=1e-5)
    assert gpt.training
    hooks = [h for m in gpt.modules() for h in m._forward_pre_hooks]
    assert not hooks


def test_calibration_reads_batches_of_any_kind():
    torch.manual_seed(0)
    model = T5(T5Config(V, 8, 1, 2, 8, 12, d_head=4)).eval()
    batch = (torch.tensor([[1, 2, 3]]), torch.tensor([[4, 5]]))
    quantized = quantize_model(
        model,
        IntegerFormat(4),
        calibration=[batch],
        run=lambda m, pair: m(*pair),
    )
    assert quantized(*batch).shape == model(*batch).shape


def test_an_expert_that_no_token_chose_is_rounded_plainly():
    torch.manual_seed(0)
    model = MODELS["mixtral"]().eval()
    grams = input_grams(
        model,
        [torch.tensor([[1]])],
        [f"blocks.0.feed_forward.experts.{i}.up_proj" for i in range(3)],
    )
    assert sum(not gram.any() for gram in grams.values()) == 1
    quantized = quantize_model(
        model, FORMATS["int8"], calibration=[torch.tensor([[1]])]
    )
    assert quantized(torch.tensor([[3, 4]])).isfinite().all()


def test_nothing_to_calibrate_on_or_to_replace_is_refused(gpt):
    with pytest.raises(ValueError, match="at least one batch"):
        quantize_model(gpt, FORMATS["int8"], calibration=[])
    quantized = quantize_model(gpt, FORMATS["int8"])
    with pytest.raises(ValueError, match="is it quantised already"):
        quantize_model(quantized, FORMATS["int8"])
    with pytest.raises(ValueError, match=r"attention\.q_proj: a layer has 8 inputs"):
        quantize_model(gpt, IntegerFormat(4, group_size=5))


def test_the_report_counts_bytes_by_formula(gpt):
    quantized = quantize_model(gpt, FORMATS["int8"])
    report = compression_report(gpt, quantized)
    assert report.n_bytes_before == 4 * GPT.parameter_count(gpt.config)
    # Each of the 12 matrices keeps a byte for each weight and a float for each row.
    matrices = [m for m in gpt.modules() if type(m) is nn.Linear]
    saved = sum(3 * m.weight.numel() - 4 * m.out_features for m in matrices)
    assert report.n_bytes == report.n_bytes_before - saved
    assert report.ratio == report.n_bytes_before / report.n_bytes
    assert model_bytes(quantized) == report.n_bytes


def test_the_report_measures_replaced_weights_only(gpt):
    quantized = quantize_model(gpt, FORMATS["int8"], embeddings=True)
    errors = [
        (module.weight - gpt.get_submodule(name).weight).abs().flatten()
        for name, module in quantized.named_modules()
        if isinstance(module, (QuantizedLinear, QuantizedEmbedding))
    ]
    report = compression_report(gpt, quantized)
    error = torch.cat(errors)
    assert math.isclose(report.mean_error, error.mean().item(), rel_tol=1e-5)
    assert report.max_error == error.max().item()
    assert report.bits_per_byte is None
    assert compression_report(gpt, gpt).max_error == 0


def test_the_report_gives_bits_per_byte_of_both():
    text = "a byte is eight bits, and a bit is a yes or a no. "
    tokenizer = CharacterTokenizer.train(text)
    torch.manual_seed(0)
    model = GPT(GPTConfig(tokenizer.vocab_size, 10, 1, 2, 8, init_std=0.5)).eval()
    quantized = quantize_model(model, IntegerFormat(2), embeddings=True)
    report = compression_report(model, quantized, tokenizer, text)
    assert report.bits_per_byte_before == bits_per_byte(model, tokenizer, text)
    assert report.bits_per_byte == bits_per_byte(quantized, tokenizer, text)
    assert report.bits_per_byte != report.bits_per_byte_before


def test_models_of_other_shapes_are_not_compared(gpt):
    other = GPT(GPTConfig(V, 10, 2, 2, 8, d_ff=12))
    with pytest.raises(ValueError, match=r"up_proj has shape \(32, 8\) before"):
        compression_report(gpt, other)
