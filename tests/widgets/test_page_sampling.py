"""Filters in the page keep what the package's filters keep, and draw the same way."""

from importlib.resources import files

import pytest
import torch

from llm_notes.inference.sampling import SamplingSettings

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


def random_case(generator):
    """(logits, settings, ids, n_prompt) with ties, wide and narrow distributions."""

    def pick(*choices):
        return choices[int(torch.randint(len(choices), (), generator=generator))]

    size = pick(1, 2, 7, 40, 500)
    logits = torch.randn(size, generator=generator, dtype=torch.float64)
    logits = logits * pick(0.1, 1.0, 10.0)
    if pick(True, False):
        logits = logits.round()  # many ties
    settings = {
        "temperature": pick(0.0, 1e-4, 0.3, 0.7, 1.0, 2.0),
        "top_k": pick(None, 1, 3, 1000),
        "top_p": pick(None, 0.05, 0.5, 0.9, 1.0),
        "min_p": pick(None, 0.0, 0.05, 0.5, 1.0),
        "repetition_penalty": pick(1.0, 1.3, 0.8),
        "frequency_penalty": pick(0.0, 0.5),
        "presence_penalty": pick(0.0, -0.4),
    }
    ids = torch.randint(size, (pick(1, 9),), generator=generator)
    return logits, settings, ids, pick(0, 1)


def test_all_filters_together_give_what_the_package_gives(page):
    generator = torch.Generator().manual_seed(0)
    cases = [random_case(generator) for _ in range(400)]
    asked = [
        (
            z.tolist(),
            {NAMES[k]: v for k, v in s.items() if v is not None},
            i.tolist(),
            n,
        )
        for z, s, i, n in cases
    ]
    found = page.evaluate(
        """cases => cases.map(([z, settings, ids, n]) => {
          const { logits } = llmNotes.sampling.apply(z, settings, ids, n);
          return Array.from(logits, (x) => (x === -Infinity ? null : x));
        })""",
        asked,
    )
    for (logits, settings, ids, n_prompt), ours in zip(cases, found, strict=True):
        given = SamplingSettings(**settings)
        expected = given.apply(logits[None], ids[None], n_prompt)[0]
        kept = torch.tensor([x is not None for x in ours])
        assert torch.equal(kept, expected > -torch.inf), settings
        numbers = torch.tensor([x for x in ours if x is not None], dtype=torch.float64)
        torch.testing.assert_close(numbers, expected[kept], atol=1e-9, rtol=1e-9)


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
