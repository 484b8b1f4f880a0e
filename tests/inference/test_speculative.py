"""Speculative decoding writes what the target would, in fewer passes."""

import itertools
import math

import pytest
import torch

from llm_notes.inference.sampling import SamplingSettings
from llm_notes.inference.speculative import (
    CachedModel,
    expected_tokens,
    lookup_draft,
    ngram_draft,
    speculate,
    verify,
)
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.ngram import AddKNGram

V, CONTEXT = 3, 32


def gpt(seed: int, vocab_size: int = V) -> GPT:
    torch.manual_seed(seed)
    config = GPTConfig(vocab_size, CONTEXT, n_layers=1, n_heads=2, d_model=8)
    model = GPT(config).eval().double()
    with torch.no_grad():  # far from uniform, so that a wrong token shows
        for parameter in model.parameters():
            parameter.mul_(6)
    return model


@pytest.fixture(scope="module")
def target() -> GPT:
    return gpt(0)


@pytest.fixture(scope="module")
def prompt() -> torch.Tensor:
    return torch.tensor([[0, 2]])


def fixed(*probabilities: float):
    return lambda token_ids: torch.tensor([probabilities]).double().log()


def drafts() -> dict:
    return {
        "model": CachedModel(gpt(1)),
        "bad": fixed(0.98, 0.01, 0.01),
        "impossible": fixed(0.0, 0.0, 1.0),
        "ngram": ngram_draft(AddKNGram(2, V).fit([0, 1, 2, 2, 1, 0, 1])),
        "lookup": lookup_draft(V, longest=2),
    }


class Chooser:
    """Follows a path of choices, then takes the first; the others wait their turn."""

    def __init__(self, path: list[int], waiting: list[list[int]]) -> None:
        self.path, self.waiting = path, waiting
        self.weight, self.n_made = 1.0, 0

    def __call__(self, probabilities: torch.Tensor) -> int:
        assert probabilities.sum().item() == pytest.approx(1, abs=1e-12)
        if self.n_made == len(self.path):
            first, *others = probabilities.nonzero().flatten().tolist()
            self.waiting.extend([*self.path, other] for other in others)
            self.path.append(first)
        chosen = self.path[self.n_made]
        self.weight *= probabilities[chosen].item()
        self.n_made += 1
        return chosen


def all_outcomes(run) -> dict[tuple[int, ...], float]:
    """Run an algorithm through each of its random choices, with their probability."""
    outcomes: dict[tuple[int, ...], float] = {}
    waiting: list[list[int]] = [[]]
    while waiting:
        chooser = Chooser(waiting.pop(), waiting)
        outcome = tuple(run(chooser))
        outcomes[outcome] = outcomes.get(outcome, 0.0) + chooser.weight
    return outcomes


def exact(model, prompt, n_new, settings) -> dict[tuple[int, ...], float]:
    """The model's own distribution over continuations, by the chain rule."""
    found = {}
    for new in itertools.product(range(V), repeat=n_new):
        token_ids, probability = prompt, 1.0
        for token_id in new:
            logits = model(token_ids)[:, -1].detach()
            logits = settings.apply(logits, token_ids, prompt.size(1))
            probability *= logits.softmax(-1)[0, token_id].item()
            token_ids = torch.cat([token_ids, torch.tensor([[token_id]])], dim=1)
        found[tuple(token_ids[0].tolist())] = probability
    return {text: p for text, p in found.items() if p > 0}


PLAIN = SamplingSettings()
FILTERED = SamplingSettings(temperature=1.7, top_k=2)
PENALISED = SamplingSettings(repetition_penalty=1.5, frequency_penalty=0.4, top_p=0.9)


@pytest.mark.parametrize(
    ("settings", "name"),
    [*((PLAIN, name) for name in drafts()), (FILTERED, "bad"), (PENALISED, "ngram")],
    ids=[*drafts(), "filtered", "penalised"],
)
def test_the_distribution_of_texts_is_exactly_the_targets(
    target, prompt, name, settings
):
    def run(choose):
        draft = drafts()[name]
        made = speculate(target, draft, prompt, 3, 2, settings, choose=choose)
        return made.token_ids[0].tolist()

    outcomes = all_outcomes(run)
    expected = exact(target, prompt, 3, settings)
    assert sum(outcomes.values()) == pytest.approx(1, abs=1e-9)
    for text in outcomes.keys() | expected.keys():
        assert outcomes.get(text, 0) == pytest.approx(expected.get(text, 0), abs=1e-9)


def test_samples_pass_a_chi_squared_test(target, prompt):
    generator = torch.Generator().manual_seed(0)
    settings, n_samples = SamplingSettings(temperature=4.0), 500
    draft = fixed(0.2, 0.5, 0.3)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(n_samples):
        made = speculate(target, draft, prompt, 2, 2, settings, generator)
        text = tuple(made.token_ids[0].tolist())
        counts[text] = counts.get(text, 0) + 1
    expected = exact(target, prompt, 2, settings)
    assert min(expected.values()) * n_samples > 5  # where the test is trusted
    statistic = sum(
        (counts.get(text, 0) - n_samples * p) ** 2 / (n_samples * p)
        for text, p in expected.items()
    )
    assert statistic < 20.09  # 8 degrees of freedom, 1 %


@pytest.mark.parametrize("n_draft", [1, 3, 6])
@pytest.mark.parametrize("name", list(drafts()))
def test_greedy_decoding_gives_the_targets_greedy_text(target, prompt, name, n_draft):
    settings = SamplingSettings(temperature=0)
    made = speculate(target, drafts()[name], prompt, 20, n_draft, settings)
    token_ids = prompt
    for _ in range(20):
        best = target(token_ids)[:, -1].argmax(-1, keepdim=True)
        token_ids = torch.cat([token_ids, best], dim=1)
    assert made.token_ids.equal(token_ids)


@pytest.mark.parametrize("settings", [PLAIN, FILTERED, PENALISED])
def test_the_target_as_its_own_draft_is_always_accepted(target, prompt, settings):
    generator = torch.Generator().manual_seed(0)
    made = speculate(target, CachedModel(target), prompt, 20, 4, settings, generator)
    assert made.acceptance_rate == 1
    assert made.n_new == 20
    assert made.n_passes == 4  # four times five tokens
    assert made.n_proposed == 16
    assert made.tokens_per_pass == 5


def test_a_draft_that_is_always_wrong_costs_one_pass_for_each_token(target, prompt):
    greedy = SamplingSettings(temperature=0)
    made = speculate(
        target, lambda ids: -target(ids)[:, -1].detach(), prompt, 6, 3, greedy
    )
    assert made.n_accepted == 0
    assert made.acceptance_rate == 0
    assert made.n_passes == made.n_new == 6
    assert made.n_proposed == 3 + 3 + 3 + 2 + 1 + 0  # the last token needs none


def test_a_draft_without_an_idea_leaves_plain_decoding(target, prompt):
    made = speculate(target, lambda token_ids: None, prompt, 5)
    assert made.n_passes == 5
    assert made.n_proposed == 0
    assert made.acceptance_rate == 0


def test_text_stops_at_the_end_token_wherever_it_was_proposed(target, prompt):
    for seed in range(6):
        whole, cut = (
            speculate(
                target,
                CachedModel(gpt(1)),
                prompt,
                12,
                generator=torch.Generator().manual_seed(seed),
                eos_id=eos_id,
            ).token_ids[0, 2:]
            for eos_id in (None, 1)
        )
        ends = (whole == 1).nonzero().flatten().tolist()
        assert cut.equal(whole[: ends[0] + 1] if ends else whole)


def test_a_cached_model_gives_the_logits_of_the_text_after_any_change(target):
    cached = CachedModel(target)
    for text in ([0, 1, 2], [0, 1, 2, 2], [0, 2, 1], [0, 2], [0, 2], [1, 2, 0, 0, 1]):
        token_ids = torch.tensor([text])
        n_last = len(text) - 1
        expected = target(token_ids)[0, -n_last:]
        found = cached.last_logits(token_ids, n_last)
        torch.testing.assert_close(found, expected, atol=1e-9, rtol=0)


def test_a_cached_model_reads_only_what_is_new(target):
    lengths = []

    class Counted(torch.nn.Module):
        def forward(self, token_ids, cache):
            lengths.append(token_ids.size(1))
            return target(token_ids, cache=cache)

    cached = CachedModel(Counted())
    cached(torch.tensor([[0, 1, 2]]))
    cached(torch.tensor([[0, 1, 2, 0, 1]]))
    cached(torch.tensor([[0, 1, 2, 1]]))
    assert lengths == [3, 2, 1]


def test_lookup_proposes_what_followed_the_longest_latest_match():
    draft = lookup_draft(9, longest=2)

    def proposed(*text):
        logits = draft(torch.tensor([text]))
        return None if logits is None else logits.exp()[0].nonzero().item()

    assert proposed(1, 2, 5, 8, 2, 6, 1, 2) == 5  # two tokens beat a later single one
    assert proposed(1, 2, 5, 1, 2, 7, 1, 2) == 7  # the later of equals
    assert proposed(3, 2, 5, 8, 2) == 5  # no two tokens were there before
    assert proposed(4, 4) == 4
    assert proposed(1, 2, 3) is None
    assert proposed(1) is None


def test_an_ngram_draft_gives_the_distribution_of_its_model():
    model = AddKNGram(3, V).fit([0, 1, 2, 2, 1, 0, 1])
    logits = ngram_draft(model)(torch.tensor([[2, 2, 0, 1]]))
    expected = torch.from_numpy(model.probabilities([0, 1]))
    torch.testing.assert_close(logits.exp()[0], expected)


@pytest.mark.parametrize(("rate", "n_draft"), [(0.8, 4), (0.0, 3), (0.5, 1)])
def test_expected_tokens_is_the_geometric_sum(rate, n_draft):
    expected = (1 - rate ** (n_draft + 1)) / (1 - rate)
    assert expected_tokens(rate, n_draft) == pytest.approx(expected)
    assert expected_tokens(1.0, n_draft) == n_draft + 1


def test_expected_tokens_is_the_mean_over_all_choices():
    # Two distributions that never change accept with the probability they share.
    p = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    q = torch.tensor([0.2, 0.2, 0.6], dtype=torch.float64)
    n_draft = 3

    def run(choose):
        proposed = [choose(q) for _ in range(n_draft)]
        wanted = p.expand(n_draft + 1, V)
        return verify(proposed, [q] * n_draft, wanted, choose)

    outcomes = all_outcomes(run)
    mean = sum(len(tokens) * weight for tokens, weight in outcomes.items())
    rate = torch.minimum(p, q).sum().item()
    assert mean == pytest.approx(expected_tokens(rate, n_draft), abs=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prompt_ids": torch.zeros(2, 3, dtype=torch.long)}, "one by one"),
        ({"prompt_ids": torch.zeros(1, 0, dtype=torch.long)}, "at least one token"),
        ({"eos_id": V}, "eos_ids and pad_id must lie between"),
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1, got 0"),
        ({"n_draft": 0}, "n_draft must be at least 1, got 0"),
        ({"max_new_tokens": 32}, "context_length = 32"),
        ({"draft": lambda ids: torch.zeros(1, V + 1)}, "draft has 4 tokens"),
    ],
)
def test_what_cannot_work_is_refused(target, prompt, change, message):
    arguments = {
        "target": target,
        "draft": fixed(0.2, 0.3, 0.5),
        "prompt_ids": prompt,
        "max_new_tokens": 5,
    }
    with pytest.raises(ValueError, match=message):
        speculate(**arguments | change)


def test_a_draft_with_a_smaller_context_proposes_as_long_as_it_can(target, prompt):
    torch.manual_seed(3)
    small = GPT(GPTConfig(V, 6, 1, 1, 4)).eval()
    assert CachedModel(small)(torch.zeros(1, 6, dtype=torch.long)).shape == (1, V)
    assert CachedModel(small)(torch.zeros(1, 7, dtype=torch.long)) is None
    made = speculate(target, CachedModel(small), prompt, CONTEXT - 1)
    assert made.token_ids.size(1) == CONTEXT + 1
    assert 0 < made.n_proposed < CONTEXT


def test_tokens_after_the_end_are_not_counted_as_accepted(target, prompt):
    greedy = SamplingSettings(temperature=0)
    whole = speculate(target, CachedModel(target), prompt, 9, 8, greedy)
    end = int(whole.token_ids[0, prompt.size(1)])
    made = speculate(target, CachedModel(target), prompt, 9, 8, greedy, eos_id=end)
    assert made.n_new == made.n_accepted == 1


def test_the_context_can_be_filled_to_the_last_position(target, prompt):
    made = speculate(target, CachedModel(gpt(1)), prompt, CONTEXT - 1)
    assert made.token_ids.size(1) == CONTEXT + 1
    assert math.isclose(made.tokens_per_pass, (CONTEXT - 1) / made.n_passes)
