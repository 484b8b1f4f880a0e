"""Models in the page give PyTorch's numbers: same integers, same logits."""

import json
from importlib.resources import files

import numpy as np
import pytest
import torch
from torch import nn

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.export import (
    bundle_as_json,
    read_bundle,
    read_ngram_bundle,
    write_bundle,
    write_ngram_bundle,
)
from llm_notes.inference.quantization import IntegerFormat, quantize_model
from llm_notes.models.bert import BERTConfig, BERTForPretraining
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.ngram import KneserNeyNGram, ModifiedKneserNeyNGram
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel
from llm_notes.models.transformer import Transformer, TransformerConfig

pytestmark = pytest.mark.browser

SCRIPTS = ("bundle", "operations", "attention", "gpt", "bert", "transformer")
STATIC = files("llm_notes.widgets") / "static" / "models"
LETTERS = CharacterTokenizer.train("abcdefghijklmnopqrstu")

GPTS = {
    "rotary": GPTConfig(23, 19, n_layers=2, n_heads=3, d_model=24, rotary=True),
    "table": GPTConfig(29, 17, n_layers=3, n_heads=2, d_model=20, d_ff=36),
    "no bias": GPTConfig(31, 16, n_layers=1, n_heads=4, d_model=16, bias=False),
}
RNNS = {
    "rnn": RNNConfig(23, 12, n_layers=2, cell="rnn"),
    "lstm": RNNConfig(29, 10, 14, n_layers=2),
    "lstm tied": RNNConfig(29, 10, 14, tied=True),
    "gru tied": RNNConfig(31, 12, cell="gru", tied=True),
}


@pytest.fixture(autouse=True)
def same_weights():
    """A fresh model has the same weights in whatever order tests run."""
    torch.manual_seed(0)


def spread(model, seed=0):
    """Weights large enough that a wrong line shows, biases and gains not trivial."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(noise * (0.3 if parameter.dim() > 1 else 0.2))
    return model.eval()


def quantised(model):
    return quantize_model(model, IntegerFormat(8), embeddings=True).eval()


@pytest.fixture(scope="module")
def page(chromium):
    """A blank page with the models' scripts."""
    page = chromium.new_page()
    for name in (*SCRIPTS, "recurrent", "ngram"):
        page.evaluate((STATIC / f"{name}.js").read_text("utf-8"))
    yield page
    page.close()


def load(page, model, tokenizer=LETTERS, ids=None):
    """Put the model's bundle on the page as `model`."""
    text = bundle_as_json(write_bundle(model, tokenizer, ids))
    page.evaluate(
        "text => { globalThis.model = llmNotes.models.load("
        "llmNotes.bundle.read(JSON.parse(text))); }",
        text,
    )


RUN = """([ids, switches]) => {
  const list = (x) => x && Array.from(x, (y) => (typeof y === "number" ? y : list(y)));
  const whole = model.forward(ids, switches);
  const session = model.start(switches);
  const steps = ids.map((id) => session.push(id));
  return {
    logits: list(whole.logits), attention: list(whole.attention),
    stepLogits: steps.map((s) => list(s.logits)),
    lastAttention: list(steps[steps.length - 1].attention), length: session.length,
  };
}"""


def random_ids(n, vocab_size, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(vocab_size, (n,), generator=generator).tolist()


def assert_close(found, expected, tolerance=1e-4):
    found = torch.tensor(found, dtype=torch.float32)
    torch.testing.assert_close(found, expected.float(), atol=tolerance, rtol=1e-5)


@torch.no_grad()
def assert_reads_as(page, model, ids, switches, reference):
    """Whole text, and token by token, against logits and maps of the reference."""
    found = page.evaluate(RUN, [ids, switches])
    logits, maps = reference(torch.tensor([ids]), return_weights=True)
    assert_close(found["logits"], logits[0])
    assert_close(found["stepLogits"][-1], logits[0, -1])
    if switches.get("mask") is not False:  # each step then is a row of the whole
        assert_close(found["stepLogits"], logits[0])
    for layer, weights in enumerate(maps):
        shape = weights[0].shape
        for head, expected in enumerate(weights[0]):
            flat = torch.tensor(found["attention"][layer][head])
            assert_close(flat.view(shape[1:]).tolist(), expected, 1e-5)
            assert_close(found["lastAttention"][layer][head], expected[-1], 1e-5)


@pytest.mark.parametrize("name", GPTS)
def test_a_gpt_gives_the_logits_and_maps_of_pytorch(page, name):
    model = quantised(spread(GPT(GPTS[name])))
    load(page, model)
    for n in (1, 2, 11, GPTS[name].context_length):
        ids = random_ids(n, GPTS[name].vocab_size, seed=n)
        assert_reads_as(page, model, ids, {}, model)


def without(model, switch):
    """The model with a part taken away, in PyTorch."""
    for module in model.modules():
        if isinstance(module, MultiHeadAttention):
            if switch == "scale":
                module.scale = 1.0
            elif switch == "mask":
                module.is_causal = False
            elif switch == "positions":
                module.rotary = None
            elif switch == "headsOff" and module is model.blocks[1].attention:
                silence(module, head=1)
    if switch == "positions" and model.position_embedding is not None:
        model.position_embedding.weight.data.zero_()
    return model


def silence(attention, head):
    """The heads' outputs enter o_proj side by side; one of them becomes zero."""

    def hook(module, inputs):
        (x,) = inputs
        x = x.clone()
        x[..., head * attention.d_head : (head + 1) * attention.d_head] = 0
        return (x,)

    attention.o_proj.register_forward_pre_hook(hook)


@pytest.mark.parametrize("name", ["rotary", "table"])
@pytest.mark.parametrize("switch", ["scale", "mask", "positions", "headsOff"])
def test_a_part_can_be_switched_off(page, name, switch):
    model = quantised(spread(GPT(GPTS[name])))
    load(page, model)
    assert switch in page.evaluate("model.switches")
    ids = random_ids(9, GPTS[name].vocab_size)
    with torch.no_grad():
        intact = model(torch.tensor([ids]))
        changed = without(model, switch)
        assert not torch.allclose(changed(torch.tensor([ids])), intact, atol=1e-2)
    value = [[1, 1]] if switch == "headsOff" else False
    assert_reads_as(page, model, ids, {switch: value}, changed)


@pytest.mark.parametrize("name", RNNS)
def test_a_recurrent_model_gives_the_logits_of_pytorch(page, name):
    model = quantised(spread(RNNLanguageModel(RNNS[name])))
    load(page, model)
    ids = random_ids(13, RNNS[name].vocab_size)
    found = page.evaluate(RUN, [ids, {}])
    with torch.no_grad():
        assert_close(found["logits"], model(torch.tensor([ids]))[0])
        assert_close(found["stepLogits"], model(torch.tensor([ids]))[0])
        assert found["attention"] is None
        alone = page.evaluate(RUN, [ids, {"state": False}])
        one_by_one = model(torch.tensor(ids)[:, None])[:, 0]
        assert_close(alone["logits"], one_by_one)


@pytest.mark.parametrize("min_count", [1, 2])
@pytest.mark.parametrize("kind", [KneserNeyNGram, ModifiedKneserNeyNGram])
def test_an_ngram_model_gives_the_probabilities_of_python(page, kind, min_count):
    text = "a bead, a bed, a cab, a deaf bee; " * 5
    tokenizer = CharacterTokenizer.train(text + "xyz")
    model = kind(4, tokenizer.vocab_size).fit(tokenizer.encode(text))
    data = write_ngram_bundle(model, tokenizer, min_count)
    page.evaluate(
        "text => { globalThis.model = llmNotes.models.load("
        "llmNotes.bundle.read(JSON.parse(text))); }",
        bundle_as_json(data),
    )
    ids = tokenizer.encode("a bee, a xbed; fab")
    found = page.evaluate(RUN, [ids, {}])
    tables = read_ngram_bundle(data)
    expected = [tables.probabilities(ids[: n + 1]) for n in range(len(ids))]
    expected = torch.from_numpy(np.log(expected)).float()
    assert_close(found["logits"], expected, 1e-5)
    assert_close(found["stepLogits"], expected, 1e-5)


def test_bert_gives_the_logits_of_pytorch(page):
    config = BERTConfig(27, 15, n_layers=2, n_heads=3, d_model=18, d_ff=30)
    model = quantised(spread(BERTForPretraining(config)))
    load(page, model, ids={"mask": 4})
    assert page.evaluate("model.maskId") == 4
    for n in (1, 8, 15):
        ids = random_ids(n, 27, seed=n)
        found = page.evaluate(
            "ids => { const r = model.forward(ids);"
            " return [r.logits.map((x) => Array.from(x)),"
            " r.attention.map((l) => l.map((x) => Array.from(x)))]; }",
            ids,
        )
        with torch.no_grad():
            expected = model(torch.tensor([ids]))[0][0]
            _, maps = model.bert(torch.tensor([ids]), return_weights=True)
        assert_close(found[0], expected)
        flat = torch.tensor(found[1]).float().view(2, 3, n, n)
        torch.testing.assert_close(flat, torch.stack(maps)[:, 0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("target_vocab_size", [None, 31])
def test_a_translator_gives_the_logits_of_pytorch(page, target_vocab_size):
    config = TransformerConfig(
        27, 16, n_layers=2, n_heads=2, d_model=20, d_ff=36,
        target_vocab_size=target_vocab_size,
    )  # fmt: skip
    model = quantised(spread(Transformer(config)))
    tokenizers = {"source": LETTERS, "target": LETTERS}
    load(page, model, tokenizers, {"bos": 1, "eos": 2})
    source, target = random_ids(7, 27), random_ids(11, target_vocab_size or 27, seed=2)
    found = page.evaluate(
        """([source, target]) => {
          const session = model.start(model.encode(source));
          const steps = target.map((id) => session.push(id));
          const list = (maps) => maps.map((l) => l.map((x) => Array.from(x)));
          return {
            logits: steps.map((s) => Array.from(s.logits)),
            cross: steps.map((s) => list(s.cross)),
            own: list(steps[steps.length - 1].attention),
            ids: [model.bosId, model.eosId],
          };
        }""",
        [source, target],
    )
    with torch.no_grad():
        logits, maps = model(
            torch.tensor([source]), torch.tensor([target]), return_weights=True
        )
    assert found["ids"] == [1, 2]
    assert_close(found["logits"], logits[0])
    cross = torch.tensor(found["cross"])  # (T, L, H, S)
    expected = torch.stack([pair[1][0] for pair in maps]).permute(2, 0, 1, 3)
    torch.testing.assert_close(cross, expected, atol=1e-5, rtol=0)
    own = torch.stack([pair[0][0, :, -1] for pair in maps])
    torch.testing.assert_close(torch.tensor(found["own"]), own, atol=1e-5, rtol=0)


def test_shared_tables_are_stored_once_and_come_back():
    config = TransformerConfig(40, 16, n_layers=1, n_heads=2, d_model=20)
    model = quantised(spread(Transformer(config)))
    data = write_bundle(model, LETTERS)
    entries = {e["name"]: e for e in read_bundle(data).header["tensors"]}
    one, other = (entries[f"{n}_embedding.codes"] for n in ("source", "target"))
    assert one["offset"] == other["offset"]
    again = read_bundle(data).model(Transformer, TransformerConfig)
    ids = torch.tensor([random_ids(5, 40)])
    assert torch.equal(again(ids, ids), model(ids, ids))


def test_greedy_continuations_are_the_same_for_a_hundred_tokens(page):
    config = GPTConfig(37, 128, n_layers=2, n_heads=4, d_model=32, rotary=True)
    model = quantised(spread(GPT(config), seed=3))
    load(page, model)
    ids = random_ids(5, 37)
    found = page.evaluate(
        """([ids, n]) => {
          const session = model.start();
          let last = ids.map((id) => session.push(id)).pop();
          const written = [];
          while (written.length < n) {
            const best = last.logits.indexOf(Math.max(...last.logits));
            written.push(best);
            last = session.push(best);
          }
          return written;
        }""",
        [ids, 100],
    )
    text = list(ids)
    with torch.no_grad():
        for _ in range(100):
            text.append(model(torch.tensor([text]))[0, -1].argmax().item())
    assert found == text[5:]
    assert len(set(found)) > 5  # not one token again and again


def test_the_context_has_an_end(page):
    load(page, quantised(GPT(GPTS["no bias"])))
    message = page.evaluate(
        """() => {
          const session = model.start();
          while (!session.isFull) { session.push(3); }
          try { session.push(3); }
          catch (error) { return [session.length, error.message]; }
        }"""
    )
    assert message == [16, "the context holds 16 tokens"]


@pytest.mark.parametrize("bad", [31, -1, 1.5])
def test_an_unknown_id_is_refused(page, bad):
    load(page, quantised(GPT(GPTS["no bias"])))
    script = "id => { try { model.start().push(id); } catch (e) { return e.message; } }"
    assert "is no id of a vocabulary of 31" in page.evaluate(script, bad)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda j: j | {"format": "other"}, "no model of the format"),
        (lambda j: j | {"base64": j["base64"][:400]}, "cut short"),
        (lambda j: j | {"base64": "AAAA" + j["base64"][4:]}, "do not begin with LLMN"),
    ],
)
def test_a_damaged_bundle_is_refused(page, change, message):
    text = bundle_as_json(write_bundle(quantised(GPT(GPTS["rotary"])), LETTERS))
    script = "j => { try { llmNotes.bundle.read(j); } catch (e) { return e.message; } }"
    assert message in page.evaluate(script, change(json.loads(text)))


def test_four_bits_and_unknown_architectures_are_refused(page):
    four = quantize_model(GPT(GPTS["rotary"]), IntegerFormat(4), embeddings=True)
    script = (
        "text => { try { llmNotes.models.load(llmNotes.bundle.read(JSON.parse(text))) }"
        " catch (e) { return e.message; } }"
    )
    text = bundle_as_json(write_bundle(four, LETTERS))
    assert "eight bits" in page.evaluate(script, text)

    class Other(GPT):
        pass

    text = bundle_as_json(write_bundle(quantised(Other(GPTS["rotary"])), LETTERS))
    assert "no program for the architecture Other" in page.evaluate(script, text)


def test_bends_equal_pytorch(page):
    x = torch.linspace(-7, 7, 1401, dtype=torch.float64)
    found = page.evaluate(
        "xs => { const o = llmNotes.operations;"
        " return [xs.map(o.gelu), xs.map(o.geluTanh), xs.map(o.sigmoid)]; }",
        x.tolist(),
    )
    tanh = nn.functional.gelu(x, approximate="tanh")
    expected = torch.stack([nn.functional.gelu(x), tanh, x.sigmoid()])
    torch.testing.assert_close(
        torch.tensor(found, dtype=torch.float64), expected, atol=1e-11, rtol=0
    )
