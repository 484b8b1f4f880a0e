"""Recurrent and n-gram models in the page: the package's numbers, step by step.

`test_page_models` compares one session of each; here are all cells and shapes, long
greedy texts, pruned tables and tables that do not fit together.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.export import (
    bundle_as_json,
    pack,
    read_ngram_bundle,
    unpack,
    write_ngram_bundle,
)
from llm_notes.models.ngram import KneserNeyNGram, ModifiedKneserNeyNGram
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel

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
)

pytestmark = pytest.mark.browser

RNNS = {
    "rnn": RNNConfig(23, 9, n_layers=3, cell="rnn"),
    "rnn narrow": RNNConfig(19, 13, 6, cell="rnn", tied=True),
    "lstm": RNNConfig(29, 10, 14, n_layers=2),
    "lstm tied": RNNConfig(27, 12, tied=True, forget_bias=2.0),
    "lstm narrow": RNNConfig(31, 15, 7, n_layers=2, tied=True),
    "gru": RNNConfig(22, 8, 11, n_layers=3, cell="gru"),
    "gru tied": RNNConfig(31, 12, cell="gru", tied=True),
    "gru of one": RNNConfig(5, 1, 1, cell="gru"),
}
# "q" stands at the beginning alone: no token precedes it, so its adjusted count is 0.
TEXT = "q: a bead, a bed, a cab, a deaf bee; " + "a bad egg, a bag, a fad; " * 5
TOKENIZER = CharacterTokenizer.train(TEXT + "xyz")
V = TOKENIZER.vocab_size
IDS = TOKENIZER.encode(TEXT)
KINDS = [KneserNeyNGram, ModifiedKneserNeyNGram]

GREEDY = """([ids, n]) => {
  const session = model.start();
  let last = ids.map((id) => session.push(id)).pop();
  const written = [];
  while (written.length < n) {
    const best = last.logits.indexOf(Math.max(...last.logits));
    written.push(best);
    last = session.push(best);
  }
  return [written, session.length, session.isFull];
}"""
STEPS = """([ids, switches]) => {
  const whole = model.forward(ids, switches);
  const session = model.start(switches);
  const steps = ids.map((id) => session.push(id));
  return {
    whole: whole.logits.map((x) => Array.from(x)),
    steps: steps.map((step) => Array.from(step.logits)),
    attention: [whole.attention, ...steps.map((step) => step.attention)],
    length: session.length, isFull: session.isFull,
  };
}"""


def recurrent(name, seed=0):
    """Weights that depend on nothing but the seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return spread(RNNLanguageModel(RNNS[name]), seed)


@pytest.fixture(scope="module")
def page(chromium, tmp_path_factory):
    names = ("bundle", "operations", "recurrent", "ngram")
    scripts = [f"models/{name}.js" for name in names]
    folder = tmp_path_factory.mktemp("counting")
    page, complaints = open_page(chromium, folder, scripts * 2)  # twice is harmless
    yield page
    page.close()
    assert complaints == []


def load_bundle(page, data):
    page.evaluate(
        "text => { globalThis.model = llmNotes.models.load("
        "llmNotes.bundle.read(JSON.parse(text))); }",
        bundle_as_json(data),
    )


@pytest.mark.parametrize("name", RNNS)
@torch.no_grad()
def test_each_cell_and_shape_gives_the_logits_of_pytorch(page, name):
    config = RNNS[name]
    model = quantised(recurrent(name, seed=len(name)))
    load(page, model)
    for n in (1, 40):
        ids = random_ids(n, config.vocab_size, seed=n)
        found = page.evaluate(STEPS, [ids, {}])
        expected = model(torch.tensor([ids]))[0]
        assert_close(found["whole"], expected)
        assert_close(found["steps"], expected)
        assert set(found["attention"]) == {None}
        assert (found["length"], found["isFull"]) == (n, False)


@pytest.mark.parametrize("name", RNNS)
@torch.no_grad()
def test_without_its_state_a_model_knows_the_last_token_alone(page, name):
    config = RNNS[name]
    model = quantised(recurrent(name))
    load(page, model)
    assert page.evaluate("model.switches") == ["state"]
    ids = random_ids(12, config.vocab_size)
    found = page.evaluate(STEPS, [ids, {"state": False}])
    expected = model(torch.tensor(ids)[:, None])[:, 0]
    assert_close(found["steps"], expected)
    assert_close(found["whole"], expected)
    intact = page.evaluate(STEPS, [ids, {}])
    assert not np.allclose(found["steps"][-1], intact["steps"][-1], atol=1e-3)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
@torch.no_grad()
def test_greedy_continuations_are_the_same_for_a_hundred_tokens(page, name):
    config = RNNS[name]
    model = recurrent(name, seed=1)
    for weight in model.recurrent.parameters():
        weight.mul_(3)  # a state that moves on
    model = quantised(model)
    load(page, model)
    ids = random_ids(5, config.vocab_size)
    found, length, is_full = page.evaluate(GREEDY, [ids, 100])
    text = list(ids)
    for _ in range(100):
        text.append(model(torch.tensor([text]))[0, -1].argmax().item())
    assert found == text[5:]
    assert (length, is_full) == (105, False)
    assert len(set(found)) > 5  # not one token again and again


def test_two_sessions_do_not_know_each_other(page):
    load(page, quantised(recurrent("lstm")))
    one, other = page.evaluate(
        """() => {
          const [a, b] = [model.start(), model.start()];
          a.push(1); a.push(2); b.push(3);
          const alone = model.start();
          alone.push(1); alone.push(2);
          return [a.push(4), alone.push(4)].map((step) => Array.from(step.logits));
        }"""
    )
    assert one == other


PRUNED = [(1, 0), (2, 0), (1, 1.5), (4, 3), (1, 1000)]


@pytest.mark.parametrize(("min_count", "min_gain"), PRUNED)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", [1, 2, 5])
def test_tables_give_the_probabilities_of_python(
    page, order, kind, min_count, min_gain
):
    model = kind(order, V).fit(IDS)
    data = write_ngram_bundle(model, TOKENIZER, min_count, min_gain)
    load_bundle(page, data)
    ids = TOKENIZER.encode("q: a bee, a xbed; fab q a bad eqgz")
    found = page.evaluate(STEPS, [ids, {}])
    tables = read_ngram_bundle(data)
    expected = [tables.probabilities(ids[: n + 1]) for n in range(len(ids))]
    np.testing.assert_allclose(np.exp(found["steps"]), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["steps"], np.log(expected), rtol=0, atol=1e-9)
    assert found["whole"] == found["steps"]
    assert (found["length"], found["isFull"]) == (len(ids), False)
    assert page.evaluate("model.switches") == []
    if (min_count, min_gain) == (1, 0):
        whole = [model.probabilities(ids[: n + 1]) for n in range(len(ids))]
        np.testing.assert_allclose(expected, whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("min_gain", [0, 2])
def test_greedy_texts_of_counts_are_the_same(page, min_gain):
    data = write_ngram_bundle(
        ModifiedKneserNeyNGram(4, V).fit(IDS), TOKENIZER, min_gain=min_gain
    )
    load_bundle(page, data)
    tables = read_ngram_bundle(data)
    text = TOKENIZER.encode("q: a")
    found, length, _ = page.evaluate(GREEDY, [text, 100])
    for _ in range(100):
        text.append(int(tables.probabilities(text).argmax()))
    assert found == text[4:]
    assert length == 104


@pytest.mark.parametrize("bad", [V, -1, 1.5, None, "1"])
def test_an_unknown_id_is_refused(page, bad):
    load_bundle(page, write_ngram_bundle(KneserNeyNGram(2, V).fit(IDS), TOKENIZER))
    message = message_of(page, "model.start().push(x)", bad)
    assert f"is no id of a vocabulary of {V}" in message


def changed(name, make):
    """A bundle whose array `name` is another, with its digest put right."""
    data = write_ngram_bundle(KneserNeyNGram(3, V).fit(IDS), TOKENIZER)
    header, arrays = unpack(data)
    del header["tensors"]
    if make is None:
        del arrays[name]
    else:
        arrays[name] = make(arrays[name])
    return bundle_as_json(pack(header, arrays))


DAMAGES = {
    "an array is missing": ("2.counts", None),
    "a token is beyond the vocabulary": (
        "1.tokens",
        lambda a: np.append(a[:-1], [V]).astype(np.uint8),
    ),
    "fewer counts than n-grams": ("3.counts", lambda a: a[:-1]),
    "more contexts than there are": (
        "3.sizes",
        lambda a: np.append(a, [0]).astype(np.uint8),
    ),
    "a number has no end": (
        "2.dropped",
        lambda a: np.append(a, [200]).astype(np.uint8),
    ),
    "dropped counts of nobody": (
        "2.dropped",
        lambda a: np.append(a, [1]).astype(np.uint8),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_tables_that_do_not_fit_together_are_refused(page, damage):
    text = changed(*DAMAGES[damage])
    message = message_of(
        page, "llmNotes.models.load(llmNotes.bundle.read(x))", json.loads(text)
    )
    assert "its tables do not fit together" in message


def test_the_tokenizer_of_the_letters_is_read_elsewhere(page):
    """Without the tokenizers' scripts a model still reads ids."""
    load(page, quantised(recurrent("gru")), LETTERS)
    assert page.evaluate("model.tokenizer") is None
