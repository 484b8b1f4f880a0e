"""GPT, BERT and the Transformer in the page: every switch, every limit, all damage.

`test_page_models` holds the first half: whole models against PyTorch. Here parts are
taken away, ids and bundles are wrong, and formats are mixed.
"""

import base64
import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.export import bundle_as_json, pack, write_bundle
from llm_notes.inference.quantization import FORMATS
from llm_notes.models.bert import BERTConfig, BERTForPretraining
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.transformer import Transformer, TransformerConfig
from llm_notes.widgets.tokenizer_explorer import TOKENIZER_SCRIPTS

sys.path.insert(0, str(Path(__file__).parent))
from page_models import (
    LETTERS,
    assert_close,
    load,
    message_of,
    open_page,
    quantised,
    random_ids,
    spread,
    without_head,
    without_mask,
    without_positions,
    without_scale,
)

pytestmark = pytest.mark.browser

NAMES = ("bundle", "operations", "attention", "gpt", "bert", "transformer")
SCRIPTS = (*TOKENIZER_SCRIPTS, *(f"models/{name}.js" for name in NAMES))

TABLE = GPTConfig(29, 17, n_layers=3, n_heads=2, d_model=20, d_ff=36)
ROTARY = GPTConfig(23, 19, n_layers=2, n_heads=3, d_model=24, rotary=True)
SMALL_BERT = BERTConfig(27, 15, n_layers=2, n_heads=3, d_model=18, d_ff=30)
TRANSLATOR = TransformerConfig(
    27, 16, n_layers=2, n_heads=2, d_model=20, d_ff=36, target_vocab_size=31
)

LISTS = "const list = (x) => Array.from(x, (y) => (y.length ? list(y) : y));"
READ = f"""([ids, switches]) => {{
  {LISTS}
  const {{ logits, attention }} = model.forward(ids, switches);
  return {{ logits: list(logits), attention: list(attention) }};
}}"""
STEPS = f"""([ids, switches]) => {{
  {LISTS}
  const session = model.start(switches);
  return ids.map((id) => {{
    const {{ logits, attention }} = session.push(id);
    return {{ logits: list(logits), attention: list(attention) }};
  }});
}}"""
TRANSLATE = f"""([source, target, switches]) => {{
  {LISTS}
  const memory = model.encode(source, switches);
  const session = model.start(memory, switches);
  const steps = target.map((id) => session.push(id));
  return {{
    logits: steps.map((s) => list(s.logits)), cross: steps.map((s) => list(s.cross)),
    own: list(steps[steps.length - 1].attention), source: list(memory.attention),
  }};
}}"""


@pytest.fixture(autouse=True)
def same_weights():
    """A fresh model has the same weights in whatever order tests run."""
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def page(chromium, tmp_path_factory):
    page, complaints = open_page(chromium, tmp_path_factory.mktemp("models"), SCRIPTS)
    yield page
    assert complaints == []
    page.close()


# Parts that are taken away


def assert_changed(before, after):
    assert not torch.allclose(before, after, atol=1e-2)


@pytest.mark.parametrize("switch", ["scale", "positions", "headsOff"])
@torch.no_grad()
def test_parts_of_bert_can_be_switched_off(page, switch):
    model = quantised(spread(BERTForPretraining(SMALL_BERT)))
    load(page, model)
    assert switch in page.evaluate("model.switches")
    ids = random_ids(9, 27)
    intact = model(torch.tensor([ids]))[0]
    if switch == "headsOff":
        without_head(model.bert.blocks[1].attention, 2)
        found = page.evaluate(READ, [ids, {"headsOff": [[1, 2]]}])
    else:
        {"scale": without_scale, "positions": without_positions}[switch](model)
        found = page.evaluate(READ, [ids, {switch: False}])
    logits = model(torch.tensor([ids]))[0]
    assert_changed(intact, logits)
    assert_close(found["logits"], logits[0])
    _, maps = model.bert(torch.tensor([ids]), return_weights=True)
    flat = torch.tensor(found["attention"]).view(2, 3, 9, 9)
    assert_close(flat, torch.stack(maps)[:, 0], 1e-5)


@torch.no_grad()
def encoder_maps(model, source):
    """(L, H, S, S)"""
    x = model._embed(model.source_embedding, torch.tensor([source]))
    maps = []
    for block in model.encoder:
        x, weights = block(x, return_weights=True)
        maps.append(weights[0])
    return torch.stack(maps)


@pytest.mark.parametrize("switch", [None, "scale", "positions", "headsOff"])
@torch.no_grad()
def test_parts_of_a_translator_can_be_switched_off(page, switch):
    model = quantised(spread(Transformer(TRANSLATOR)))
    load(page, model)
    # Unscaled scores are so large that single precision moves PyTorch's maps by 1e-5.
    model.double()
    source, target = random_ids(7, 27), random_ids(11, 31, seed=2)
    tensors = torch.tensor([source]), torch.tensor([target])
    intact = model(*tensors)
    switches = {}
    if switch == "headsOff":
        without_head(model.decoder[0].cross_attention, 1)
        switches = {"headsOff": [[0, 1]]}
    elif switch is not None:
        {"scale": without_scale, "positions": without_positions}[switch](model)
        switches = {switch: False}
    logits, maps = model(*tensors, return_weights=True)
    if switch is not None:
        assert switch in page.evaluate("model.switches")
        assert_changed(intact, logits)
    found = page.evaluate(TRANSLATE, [source, target, switches])
    assert_close(found["logits"], logits[0])
    cross = torch.stack([pair[1][0] for pair in maps])  # (L, H, T, S)
    assert_close(torch.tensor(found["cross"]).permute(1, 2, 0, 3), cross, 5e-5)
    own = torch.stack([pair[0][0, :, -1] for pair in maps])
    assert_close(found["own"], own, 1e-5)
    flat = torch.tensor(found["source"]).view(2, 2, 7, 7)
    assert_close(flat, encoder_maps(model, source), 1e-5)


@pytest.mark.parametrize("config", [TABLE, ROTARY], ids=["table", "rotary"])
@torch.no_grad()
def test_several_parts_can_be_switched_off_together(page, config):
    model = quantised(spread(GPT(config)))
    load(page, model)
    ids = random_ids(9, config.vocab_size)
    silent = [[layer, head] for layer in (0, 1) for head in range(config.n_heads)]
    switches = {"scale": False, "positions": False, "headsOff": silent[1:]}
    without_scale(model)
    without_positions(model)
    for layer, head in silent[1:]:
        without_head(model.blocks[layer].attention, head)
    logits = model(torch.tensor([ids]))[0]
    assert_close(page.evaluate(READ, [ids, switches])["logits"], logits)
    steps = page.evaluate(STEPS, [ids, switches])
    assert_close([step["logits"] for step in steps], logits)


@torch.no_grad()
def test_without_the_mask_each_step_reads_the_whole_text_again(page):
    model = quantised(spread(GPT(ROTARY)))
    load(page, model)
    ids = random_ids(8, 23)
    steps = page.evaluate(STEPS, [ids, {"mask": False}])
    without_mask(model)
    for n, step in enumerate(steps, start=1):
        logits, maps = model(torch.tensor([ids[:n]]), return_weights=True)
        assert_close(step["logits"], logits[0, -1])
        expected = torch.stack([weights[0, :, -1] for weights in maps])
        assert_close(step["attention"], expected, 1e-5)


@torch.no_grad()
def test_rotations_stay_exact_far_into_a_long_text(page):
    config = GPTConfig(13, 700, n_layers=1, n_heads=2, d_model=12, rotary=True)
    model = quantised(spread(GPT(config)))
    load(page, model)
    ids = random_ids(700, 13)
    script = "ids => model.forward(ids).logits.map((x) => Array.from(x))"
    assert_close(page.evaluate(script, ids), model(torch.tensor([ids]))[0])


@torch.no_grad()
def test_a_translator_writes_what_pytorch_writes(page):
    config = TransformerConfig(41, 32, n_layers=2, n_heads=2, d_model=20)
    model = quantised(spread(Transformer(config), seed=2))
    load(page, model, ids={"bos": 1, "eos": 2})
    source = random_ids(9, 41)
    # The best token that was not written before: untrained, it would repeat one.
    found = page.evaluate(
        """source => {
          const session = model.start(model.encode(source));
          const written = [model.bosId];
          while (!session.isFull) {
            const { logits } = session.push(written[written.length - 1]);
            for (const id of written) {
              logits[id] = -Infinity;
            }
            written.push(logits.indexOf(Math.max(...logits)));
          }
          return written;
        }""",
        source,
    )
    memory, text = model.encode(torch.tensor([source])), [1]
    for _ in range(32):
        logits = model.decode(torch.tensor([text]), memory)[0, -1]
        logits[text] = -torch.inf
        text.append(logits.argmax().item())
    assert found == text


# What a model cannot read


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "give one token or more"),
        ([1, 27], "27 is no id of a vocabulary of 27"),
        ([-1], "-1 is no id"),
        ([1.5], "1.5 is no id"),
        ([1] * 20, "the context holds 1"),
    ],
)
def test_ids_that_a_model_does_not_have_are_refused(page, ids, message):
    gpt = GPT(GPTConfig(27, 16, n_layers=1, n_heads=2, d_model=8))
    for model, call in [
        (gpt, "model.forward(x)"),
        (gpt, "model.start({ mask: false }).push(x[1] || x[0])"),
        (BERTForPretraining(SMALL_BERT), "model.forward(x)"),
        (Transformer(TRANSLATOR), "model.encode(x)"),
    ]:
        if "push" in call and len(ids) in (0, 20):
            continue  # one token at a time
        load(page, quantised(model))
        assert message in message_of(page, call, ids)


def test_a_translator_refuses_target_ids_and_knows_its_end(page):
    load(page, quantised(Transformer(TRANSLATOR)))
    page.evaluate("globalThis.session = model.start(model.encode([1, 2]))")
    # 30 is a target's id only: the tables have different sizes.
    assert message_of(page, "session.push(30)") is None
    assert "vocabulary of 31" in message_of(page, "session.push(31)")
    assert page.evaluate("session.length") == 1
    page.evaluate("while (!session.isFull) { session.push(3); }")
    assert "the context holds 16" in message_of(page, "session.push(3)")
    assert page.evaluate("session.length") == 16


# Bundles


@pytest.mark.parametrize(
    "options",
    [
        {"embeddings": False},
        {"skip": ("o_proj", "up_proj")},
        {"integers": FORMATS["int8-per-tensor"]},
    ],
    ids=["float tables", "float layers", "one scale"],
)
@torch.no_grad()
def test_layers_may_be_kept_in_several_ways(page, options):
    model = quantised(spread(GPT(TABLE)), **options)
    load(page, model)
    ids = random_ids(9, 29)
    found = page.evaluate(READ, [ids, {}])["logits"]
    assert_close(found, model(torch.tensor([ids]))[0])


def test_arrays_of_every_kind_arrive(page):
    arrays = {
        "float32": np.array([[0.5, -3e-8, 1e30]], np.float32),
        "int8": np.array([[-128], [127]], np.int8),
        "uint8": np.array([0, 255, 7], np.uint8),
        "uint16": np.array([65535], np.uint16),
        "int32": np.array([-(2**31), 2**31 - 1], np.int32),
        "uint32": np.array([[[2**32 - 1]]], np.uint32),
        "nothing": np.zeros((0, 3), np.uint16),
        "__proto__": np.array([5], np.int8),
    }
    found = page.evaluate(
        """text => {
          const { header, tensors } = llmNotes.bundle.read(JSON.parse(text));
          return [header.note, Object.entries(tensors).map(([name, { shape, data }]) =>
            [name, shape, Array.from(data)])];
        }""",
        bundle_as_json(pack({"note": "语"}, arrays)),
    )
    assert found[0] == "语"
    assert [name for name, *_ in found[1]] == list(arrays)
    for name, shape, numbers in found[1]:
        assert tuple(shape) == arrays[name].shape
        assert numbers == arrays[name].flatten().tolist()


@pytest.fixture(scope="module")
def data():
    return write_bundle(quantised(GPT(ROTARY)), LETTERS)


def as_json(data):
    text = base64.b64encode(data).decode()
    return {"format": "llm_notes.web", "version": 1, "base64": text}


def with_header(data, change):
    """The bundle with another header; `change` returns it or alters what it gets."""
    (length,) = struct.unpack_from("<I", data, 8)
    header = json.loads(data[12 : 12 + length])
    text = json.dumps(change(header) or header).encode()
    text += b" " * (-len(text) % 4)
    return data[:8] + struct.pack("<I", len(text)) + text + data[12 + length :]


def first(**entries):
    """Changes the first array's entries."""
    return lambda header: header["tensors"][0].update(entries)


LOAD = "llmNotes.models.load(llmNotes.bundle.read(x))"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (None, "no model of the format"),
        ({"format": "llm_notes.web", "version": 2}, "no model of the format"),
        ({"format": "llm_notes.web", "version": 1}, "no base64"),
        ({"format": "llm_notes.web", "version": 1, "base64": "!!!!"}, "no base64"),
    ],
)
def test_json_that_is_no_bundle_is_refused(page, changed, message):
    assert message_of(page, LOAD, changed).startswith("Error: ")
    assert message in message_of(page, LOAD, changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"", "do not begin with LLMN"),
        (lambda data: b"ABCD" + data[4:], "do not begin with LLMN"),
        (lambda data: data[:11], "do not begin with LLMN"),
        (lambda data: data[:4] + b"\2" + data[5:], "another version"),
        (lambda data: data[:40], "cut short"),
        (lambda data: data[:-1], "cut short"),
        (lambda data: data[:12] + b"}" + data[13:], "header is no JSON"),
    ],
)
def test_damaged_bytes_are_refused(page, data, change, message):
    found = message_of(page, LOAD, as_json(change(data)))
    assert found.startswith("Error: ")
    assert message in found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header: [1], "header lists no arrays"),
        (lambda header: header.update(tensors={"a": 1}), "header lists no arrays"),
        (lambda header: header.update(tensors=[None]), "not as its header says"),
        (first(dtype="float64"), "token_embedding.codes is not as its header says"),
        (first(dtype="constructor"), "not as its header says"),
        (lambda header: header["tensors"][1].update(offset=2), "not as its header"),
        (first(offset=-8), "not as its header says"),
        (first(offset="8"), "not as its header says"),
        (first(shape=[100, 100]), "not as its header says"),
        (first(shape=[-23, -24]), "not as its header says"),
        (first(shape=None), "not as its header says"),
        (first(n_bytes=4), "not as its header says"),
        (first(offset=10**9), "cut short"),
        (lambda header: header["tensors"].pop(0) and None, "no matrix token_embedding"),
        (lambda header: header["config"].update(n_layers=3), "no matrix blocks.2"),
        (lambda header: header.update(architecture="toString"), "no program for"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(page, data, change, message):
    found = message_of(page, LOAD, as_json(with_header(data, change)))
    assert found.startswith("Error: ")
    assert message in found


@pytest.mark.parametrize("several", [True, False])
def test_a_translator_brings_its_tokenizers(page, several):
    other = CharacterTokenizer.train("zyxwvu 语")
    tokenizers = {"source": LETTERS, "target": other} if several else LETTERS
    load(page, quantised(Transformer(TRANSLATOR)), tokenizers)
    script = "text => [model.{}Tokenizer.encode(text)].flat()"
    found = page.evaluate(script.format("source"), "bead")
    assert found == LETTERS.encode("bead")
    target, text = (other, "zu 语") if several else (LETTERS, "cab")
    assert page.evaluate(script.format("target"), text) == target.encode(text)
