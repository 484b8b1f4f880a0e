"""Programs and ONNX files compute what the models compute, at other sizes too."""

import builtins
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from llm_notes.inference.export import (
    OPSET,
    DecodeGraph,
    ExportError,
    RecurrentGraph,
    TokenGraph,
    export_onnx,
    export_program,
    load_onnx,
)
from llm_notes.inference.generate import generate
from llm_notes.inference.pruning import remove_groups
from llm_notes.inference.quantization import FORMATS, model_bytes, quantize_model
from llm_notes.models.bert import BERT, BERTConfig
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel

V, CONTEXT = 19, 12
MODELS = {
    "gpt": lambda: GPT(GPTConfig(V, CONTEXT, 1, 2, 8, init_std=0.4, dropout=0.5)),
    "llama": lambda: Llama(
        LlamaConfig(V, CONTEXT, 2, 4, 2, 8, 12, qk_norm=True, window=4, init_std=0.4)
    ),
    "bert": lambda: BERT(BERTConfig(V, CONTEXT, 1, 2, 8, init_std=0.4)),
    "lstm": lambda: RNNLanguageModel(RNNConfig(V, 6, 8, 2)),
    "gru": lambda: RNNLanguageModel(RNNConfig(V, 6, 8, cell="gru")),
}


def make(name: str) -> nn.Module:
    torch.manual_seed(0)
    return MODELS[name]().eval()


def draw_ids(*shape: int) -> torch.Tensor:
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", ["llama", "bert"])
def test_a_program_equals_the_model_at_every_size(name):
    model = make(name)
    run = export_program(TokenGraph(model)).module()
    for shape in ((1, 1), (4, CONTEXT), (2, 5)):
        token_ids = draw_ids(*shape)
        torch.testing.assert_close(run(token_ids), model(token_ids), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["gpt", "bert"])
def test_an_onnx_file_equals_the_model_at_every_size(name, tmp_path):
    model = make(name)
    path = export_onnx(TokenGraph(model), tmp_path / "model.onnx")
    _require_plain_file(path)
    run = load_onnx(path)
    for shape in ((1, 1), (4, CONTEXT), (2, 5)):
        token_ids = draw_ids(*shape)
        found = torch.from_numpy(run(token_ids)["logits"])
        torch.testing.assert_close(found, model(token_ids), atol=1e-5, rtol=0)


def _require_plain_file(path: Path) -> None:
    """It says its operators and names, nothing of this machine, and stands alone."""
    file = onnx.load(path)
    assert {o.version for o in file.opset_import if not o.domain} == {OPSET}
    names = [[v.name for v in file.graph.input], [v.name for v in file.graph.output]]
    assert names == [["token_ids"], ["logits"]]
    assert b"llm_notes/models" not in path.read_bytes()
    assert [p.name for p in path.parent.iterdir()] == ["model.onnx"]


def test_one_decoding_file_generates_what_the_model_generates(tmp_path):
    model = make("llama")
    graph = DecodeGraph(model)
    run = load_onnx(export_onnx(graph, tmp_path / "step.onnx"))
    token_ids = read = draw_ids(2, 3)
    _, keys, values = graph.example(2, 3, past=0)
    for _ in range(6):
        found = {k: torch.from_numpy(v) for k, v in run(read, keys, values).items()}
        keys, values = found["all_keys"], found["all_values"]
        read = found["logits"].argmax(dim=-1, keepdim=True)
        token_ids = torch.cat([token_ids, read], dim=1)
    expected = generate(model, draw_ids(2, 3), 6, temperature=0)
    assert token_ids.equal(expected)
    cache = KeyValueCache()
    model(token_ids[:, :-1], cache=cache)
    assert keys.shape == (2, 2, 2, 8, 2)
    torch.testing.assert_close(keys[1], cache._layers[1][0], atol=1e-5, rtol=0)
    torch.testing.assert_close(values[1], cache._layers[1][1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_a_recurrent_file_reads_a_text_step_by_step(name, tmp_path):
    model = make(name)
    graph = RecurrentGraph(model)
    assert graph.input_names == ("token_ids", *("h", "c")[: len(graph.axes) - 1])
    run = load_onnx(export_onnx(graph, tmp_path / "step.onnx"))
    token_ids = draw_ids(3, 5)
    expected = model(token_ids)
    state = model.recurrent.zero_state(3)
    for t in range(5):
        found = run(token_ids[:, t : t + 1], *state)
        state = [torch.from_numpy(found[name]) for name in graph.output_names[1:]]
        logits = torch.from_numpy(found["logits"])
        torch.testing.assert_close(logits, expected[:, t], atol=1e-5, rtol=0)


def test_a_recurrent_program_of_one_length_reads_batches_of_any_size():
    model = make("lstm")
    run = export_program(TokenGraph(model, length=5)).module()
    token_ids = draw_ids(4, 5)
    torch.testing.assert_close(run(token_ids), model(token_ids), atol=1e-5, rtol=0)


def test_a_quantised_file_keeps_its_integers(tmp_path):
    torch.manual_seed(0)
    model = GPT(GPTConfig(64, CONTEXT, 1, 2, 32, init_std=0.3)).eval()
    quantized = quantize_model(model, FORMATS["int4-zero-point"], embeddings=True)
    path = export_onnx(TokenGraph(quantized), tmp_path / "model.onnx")
    token_ids = draw_ids(3, 7)
    found = torch.from_numpy(load_onnx(path)(token_ids)["logits"])
    torch.testing.assert_close(found, quantized(token_ids), atol=1e-5, rtol=0)
    weights = onnx.load(path).graph.initializer
    kept = {w.name.removeprefix("model.") for w in weights}
    codes = {name for name in quantized.state_dict() if name.endswith("codes")}
    assert len(codes) == 7
    assert codes <= kept
    # And nowhere are they written out as floats.
    assert not any(
        len(w.dims) == 2
        and w.dims[1] == 32
        and w.data_type == 1
        and "position" not in w.name
        for w in weights
    )
    assert model_bytes(quantized) < path.stat().st_size


def test_a_model_that_was_training_still_is_and_the_file_drops_nothing():
    model = make("gpt").train()
    run = export_program(TokenGraph(model)).module()
    assert model.training
    token_ids = draw_ids(2, 5)
    torch.testing.assert_close(run(token_ids), model.eval()(token_ids))


def test_a_file_that_differs_does_not_replace_the_earlier_one(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_text("an earlier file")
    with pytest.raises(ExportError, match="logits of the ONNX file differs by"):
        export_onnx(TokenGraph(make("bert")), path, tolerance=-1)
    assert path.read_text() == "an earlier file"
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]


def test_a_program_that_differs_is_refused():
    class Counting(nn.Module):
        """Adds one more at each call, which a traced program does not."""

        def __init__(self) -> None:
            super().__init__()
            self.config = GPTConfig(V, CONTEXT, 1, 1, 1)
            self.n_calls = 0

        def forward(self, token_ids: torch.Tensor) -> torch.Tensor:
            self.n_calls += 1
            return token_ids.float() + self.n_calls

    with pytest.raises(ExportError, match="program computes something else"):
        export_program(TokenGraph(Counting()))


def test_what_cannot_be_exported_says_why(tmp_path):
    mixture = Llama(LlamaConfig(V, 8, 1, 2, 1, 8, 8, n_experts=2, n_active_experts=1))
    for graph in (TokenGraph, DecodeGraph):
        with pytest.raises(ExportError, match="a mixture of experts has none"):
            graph(mixture)
    with pytest.raises(ExportError, match="export RecurrentGraph"):
        TokenGraph(make("lstm"))
    uneven = remove_groups(make("llama"), {"blocks.0.attention": [1]})
    with pytest.raises(ExportError, match=r"need the same .*\[\(1, 2\), \(2, 2\)\]"):
        DecodeGraph(uneven)
    integer = quantize_model(make("gpt"), FORMATS["int8"], integer_inputs=True)
    with pytest.raises(ExportError, match="without integer_inputs"):
        export_onnx(TokenGraph(integer), tmp_path / "model.onnx")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load_onnx(tmp_path / "none.onnx")


def test_without_the_extra_an_error_says_how_to_get_it(monkeypatch, tmp_path):
    real_import = builtins.__import__

    def without_onnxruntime(name, *arguments, **options):
        if name == "onnxruntime":
            raise ImportError("no module", name=name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_onnxruntime)
    for call in (load_onnx, lambda path: export_onnx(TokenGraph(make("gpt")), path)):
        with pytest.raises(ImportError, match=r"onnxruntime.*llm-notes\[export\]"):
            call(tmp_path / "model.onnx")
