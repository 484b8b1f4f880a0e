"""Filters in the page keep what the package's filters keep, and draw the same way."""

import json
from importlib.resources import files

import pytest
import torch

from llm_notes.inference.penalties import penalise_counts, penalise_repetition
from llm_notes.inference.sampling import (
    SamplingSettings,
    apply_temperature,
    keep_min_p,
    keep_top_k,
    keep_top_p,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(chromium):
    page = chromium.new_page()
    script = files("llm_notes.widgets") / "static" / "sampling.js"
    page.evaluate(script.read_text("utf-8"))
    yield page
    page.close()


NAMES = {
    "temperature": "temperature",
    "top_k": "topK",
    "top_p": "topP",
    "min_p": "minP",
    "repetition_penalty": "repetition",
    "frequency_penalty": "frequency",
    "presence_penalty": "presence",
}


def random_logits(generator, pick):
    """Wide and narrow distributions, with ties and with tokens ruled out already."""
    size = pick(1, 2, 7, 40, 500, 5000)
    logits = torch.randn(size, generator=generator, dtype=torch.float64)
    logits = logits * pick(0.1, 1.0, 10.0) + pick(0.0, -30.0, 300.0)
    if pick(True, False):
        logits = logits.round()  # many ties
    if pick(True, False):
        ruled_out = torch.rand(size, generator=generator) < 0.3
        ruled_out[int(torch.randint(size, (), generator=generator))] = False
        logits[ruled_out] = -torch.inf
    return logits


def picker(generator):
    def pick(*choices):
        return choices[int(torch.randint(len(choices), (), generator=generator))]

    return pick


def random_case(generator):
    """(logits, settings, ids, n_prompt)."""
    pick = picker(generator)
    logits = random_logits(generator, pick)
    settings = {
        "temperature": pick(0.0, 1e-310, 1e-8, 1e-4, 0.3, 0.7, 1.0, 2.0, 50.0, 1e9),
        "top_k": pick(None, 1, 3, 100, 10_000),
        "top_p": pick(None, 1e-12, 0.05, 0.5, 0.9, 1.0),
        "min_p": pick(None, 0.0, 0.05, 0.5, 1.0),
        "repetition_penalty": pick(1.0, 1.3, 0.8),
        "frequency_penalty": pick(0.0, 0.1, 0.5),
        "presence_penalty": pick(0.0, -0.4),
    }
    ids = torch.randint(len(logits), (pick(1, 9, 60),), generator=generator)
    return logits, settings, ids, pick(0, 1)


def as_sent(logits):
    """JSON has no infinity."""
    return [None if z == -torch.inf else z for z in logits.tolist()]


def ask(page, expression, cases):
    """The logits that an expression in z, ids, n and given makes of each case.

    As texts of JSON: the browser's driver is slow with long lists.
    """
    text = page.evaluate(
        f"""text => JSON.stringify(JSON.parse(text).map(([sent, given, ids, n]) => {{
          const z = sent.map((x) => (x === null ? -Infinity : x));
          const found = {expression};
          return Array.from(found, (x) => (x === -Infinity ? null : x));
        }}))""",
        json.dumps(cases),
    )
    return json.loads(text)


def assert_same(found, expected, settings):
    """The same tokens ruled out, and the same numbers for those that are left."""
    kept = torch.tensor([x is not None for x in found])
    assert torch.equal(kept, expected > -torch.inf), settings
    numbers = torch.tensor([x for x in found if x is not None], dtype=torch.float64)
    torch.testing.assert_close(numbers, expected[kept], atol=1e-9, rtol=1e-9)


def test_all_filters_together_give_what_the_package_gives(page):
    generator = torch.Generator().manual_seed(0)
    cases = [random_case(generator) for _ in range(500)]
    asked = [
        (
            as_sent(z),
            {NAMES[k]: v for k, v in s.items() if v is not None},
            i.tolist(),
            n,
        )
        for z, s, i, n in cases
    ]
    found = ask(page, "llmNotes.sampling.apply(z, given, ids, n).logits", asked)
    for (logits, settings, ids, n_prompt), ours in zip(cases, found, strict=True):
        given = SamplingSettings(**settings)
        expected = given.apply(logits[None], ids[None], n_prompt)[0]
        assert_same(ours, expected, settings)


ALONE = {
    "temperature": (apply_temperature, (0.0, 1e-12, 0.4, 3.0, 1e12)),
    "topK": (keep_top_k, (1, 2, 30, 7000)),
    "topP": (keep_top_p, (1e-300, 0.2, 0.95, 0.999999, 1.0)),
    "minP": (keep_min_p, (0.0, 1e-6, 0.1, 1.0)),
    "repetition": (penalise_repetition, (0.5, 1.7)),
    "frequency": (lambda z, i, x: penalise_counts(z, i, frequency=x), (-0.3, 0.1)),
    "presence": (lambda z, i, x: penalise_counts(z, i, presence=x), (-0.3, 0.7)),
    "softmax": (lambda z: z.softmax(-1), ()),
}


@pytest.mark.parametrize("name", ALONE)
def test_each_function_alone_gives_what_the_package_gives(page, name):
    reference, values = ALONE[name]
    generator = torch.Generator().manual_seed(len(name))
    pick = picker(generator)
    cases = []
    for _ in range(60):
        logits = random_logits(generator, pick)
        ids = torch.randint(-1, len(logits), (9,), generator=generator)  # -1: padding
        penalises = name in ("repetition", "frequency", "presence")
        arguments = [ids.tolist()] if penalises else []
        arguments += [pick(*values)] if values else []
        tensors = [ids[None], *arguments[1:]] if penalises else arguments
        cases.append((as_sent(logits), arguments, reference(logits[None], *tensors)[0]))
    sent = [case[:2] for case in cases]
    found = ask(page, f"llmNotes.sampling.{name}(z, ...given)", sent)
    for ours, (_, arguments, expected) in zip(found, cases, strict=True):
        assert_same(ours, expected, arguments)


@pytest.mark.parametrize("n", [3, 4, 10, 49])
def test_equal_tokens_part_at_the_same_place(page, n):
    z = torch.zeros(1, n, dtype=torch.float64)
    shares = [k / n for k in range(1, n)]
    found = page.evaluate(
        """([n, shares]) => shares.map((p) =>
          llmNotes.sampling.topP(new Float64Array(n), p).filter((x) => !x).length)""",
        [n, shares],
    )
    assert found == [int((keep_top_p(z, p) == 0).sum()) for p in shares]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("temperature([1], -1)", "temperature must be 0 or above, got -1"),
        ("temperature([1], NaN)", "temperature must be"),
        ("topK([1], 0)", "top-k must be a whole number from 1, got 0"),
        ("topP([1], 0)", "top-p must lie in"),
        ("minP([1], 1.5)", "min-p must lie in"),
        ("repetition([1], [0], 0)", "repetition penalty must be above 0"),
        ("presence([1], [0], Infinity)", "must be finite"),
    ],
)
def test_numbers_that_the_package_refuses_are_refused(page, call, message):
    script = f"llmNotes.sampling.{call}"
    assert message in page.evaluate(
        f"() => {{ try {{ {script}; }} catch (error) {{ return error.message; }} }}"
    )


def test_a_token_that_came_ruled_out_has_no_filter_to_blame(page):
    removed = page.evaluate(
        """() => llmNotes.sampling.apply(
          [2, -Infinity, 1], { temperature: 0 }).removedBy"""
    )
    assert removed == [None, None, "temperature"]


def test_each_token_is_told_which_filter_ruled_it_out(page):
    removed = page.evaluate(
        """() => llmNotes.sampling.apply(
          [5, 4.9, 3, 2, 1], { topK: 4, topP: 0.95, minP: 0.5 }).removedBy"""
    )
    assert removed == [None, None, "min-p", "top-p", "top-k"]
    greedy = page.evaluate(
        "() => llmNotes.sampling.apply([1, 3, 2], { temperature: 0 }).removedBy"
    )
    assert greedy == ["temperature", None, "temperature"]


def test_a_seed_gives_the_same_numbers_and_they_are_uniform(page):
    numbers = page.evaluate(
        """() => {
          const [one, two, other] = [3, 3, 4].map(llmNotes.sampling.random);
          return [one, two, other].map((f) => Array.from({ length: 20000 }, f));
        }"""
    )
    one, two, other = map(torch.tensor, numbers)
    assert torch.equal(one, two) and not torch.equal(one, other)
    assert one.min() >= 0 and one.max() < 1
    counts = torch.histc(one, 20, 0, 1)
    chi_squared = ((counts - 1000) ** 2 / 1000).sum()
    assert chi_squared < 43.8  # 19 degrees of freedom, one in a thousand is beyond


def test_draws_follow_the_probabilities_and_never_take_what_is_ruled_out(page):
    counts = page.evaluate(
        """() => {
          const p = [0, 0.5, 0, 0.3, 0.2, 0];
          const counts = [0, 0, 0, 0, 0, 0];
          for (let i = 0; i < 1000; i += 1) {
            counts[llmNotes.sampling.draw(p, (i + 0.5) / 1000)] += 1;
          }
          return [counts, llmNotes.sampling.draw(p, 0.9999999999999999)];
        }"""
    )
    assert counts == [[0, 500, 0, 300, 200, 0], 4]
