"""Contrastive search and decoding equal their formulas written out."""

import math

import pytest
import torch

from llm_notes.inference.contrastive import (
    ContrastiveProcessor,
    contrast,
    contrastive_search,
)
from llm_notes.inference.decoder import left_padded
from llm_notes.inference.generate import generate

V, T, CONTEXT = 17, 4, 24


@pytest.fixture
def prompt():
    return torch.randint(V, (1, T), generator=torch.Generator().manual_seed(1))


def hidden_of(model, ids):
    seen = []
    hook = model.final_norm.register_forward_hook(lambda m, x, y: seen.append(y))
    model(torch.tensor([ids]))
    hook.remove()
    return seen[0][0]


def search_by_hand(model, ids, n_new, k, alpha):
    """One candidate at a time, without batches."""
    for _ in range(n_new):
        p = model(torch.tensor([ids]))[0, -1].softmax(-1)
        best = None
        for v in p.argsort(descending=True)[:k].tolist():
            h = hidden_of(model, [*ids, v])
            likeness = max(
                torch.cosine_similarity(h[-1], h[j], dim=0).item()
                for j in range(len(ids))
            )
            score = (1 - alpha) * p[v].item() - alpha * likeness
            best = max(best or (-math.inf, -1), (score, v))
        ids = [*ids, best[1]]
    return ids


@pytest.mark.parametrize(("k", "alpha"), [(3, 0.6), (6, 0.9), (1, 0.5)])
@torch.no_grad()
def test_search_equals_the_formula_candidate_by_candidate(sharp_gpt, prompt, k, alpha):
    model = sharp_gpt()
    found = contrastive_search(model, prompt, 8, k, alpha)[0].tolist()
    assert found == search_by_hand(model, prompt[0].tolist(), 8, k, alpha)


def test_without_a_penalty_it_is_greedy(sharp_gpt, prompt):
    model = sharp_gpt()
    found = contrastive_search(model, prompt, 8, 5, degeneration_penalty=0)
    assert found.equal(generate(model, prompt, 8, temperature=0))


def test_contrast_is_the_ratio_among_the_plausible():
    expert = torch.tensor([0.5, 0.3, 0.15, 0.04, 0.01])
    amateur = torch.tensor([0.6, 0.1, 0.1, 0.1, 0.1])
    scores = contrast(expert.log(), amateur.log(), plausible=0.2)
    expected = torch.tensor([0.5 / 0.6, 3.0, 1.5, 0.0, 0.0]).log()
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)


def test_a_hot_amateur_is_flatter_and_counts_less():
    expert, amateur = torch.randn(2, 3, V, generator=torch.Generator().manual_seed(2))
    found = contrast(expert, amateur, plausible=1e-6, temperature=2.5)
    expected = expert.log_softmax(-1) - (amateur / 2.5).log_softmax(-1)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_an_amateur_steers_generation(sharp_gpt, prompt):
    torch.manual_seed(5)
    expert, amateur = sharp_gpt(), sharp_gpt(rotary=True)
    processor = ContrastiveProcessor(amateur, plausible=0.01)
    found = generate(expert, prompt, 6, temperature=0, processors=[processor])
    for t in range(T, T + 6):
        known = found[:, :t]
        scores = contrast(expert(known)[:, -1], amateur(known)[:, -1], 0.01)
        assert scores.argmax() == found[0, t]


def test_an_amateur_sees_no_padding(sharp_gpt):
    torch.manual_seed(5)
    expert, amateur = sharp_gpt(), sharp_gpt(rotary=True)
    prompts, mask = left_padded([[1, 2, 3, 4], [5]])
    processor = ContrastiveProcessor(amateur, plausible=0.01, mask=mask)
    options = {"temperature": 0, "mask": mask, "processors": [processor]}
    found = generate(expert, prompts, 6, **options)
    for row, prompt in zip(found, ([1, 2, 3, 4], [5]), strict=True):
        alone = generate(
            expert,
            torch.tensor([prompt]),
            6,
            temperature=0,
            processors=[ContrastiveProcessor(amateur, plausible=0.01)],
        )
        assert row[-6:].equal(alone[0, -6:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"top_k": 0}, "top_k = 0"), ({"degeneration_penalty": 1.5}, "1.5")],
)
def test_settings_out_of_range_are_refused(sharp_gpt, prompt, settings, message):
    with pytest.raises(ValueError, match=message):
        contrastive_search(sharp_gpt(), prompt, 3, **settings)


@pytest.mark.parametrize("settings", [{"plausible": 0}, {"temperature": 0}])
def test_contrast_out_of_range_is_refused(settings):
    with pytest.raises(ValueError, match="plausible"):
        contrast(torch.zeros(3), torch.zeros(3), **settings)
    with pytest.raises(ValueError, match="same rows and vocabulary"):
        contrast(torch.zeros(3), torch.zeros(4))


def test_each_candidate_is_read_so_the_last_one_needs_a_position_too(sharp_gpt):
    model, full = sharp_gpt(), torch.zeros(1, CONTEXT - 2, dtype=torch.long)
    assert contrastive_search(model, full, 2).shape == (1, CONTEXT)
    with pytest.raises(ValueError, match=r"and 3 new ones need 25 .* at most 2 to"):
        contrastive_search(model, full, 3)
    with pytest.raises(ValueError, match="max_new_tokens must be at least 1, got 0"):
        contrastive_search(model, full, 0)
