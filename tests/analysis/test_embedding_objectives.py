"""Exact losses have their exact optimum, and measures of spread their known values."""

import math

import pytest
import torch

from llm_notes.analysis import embedding_objectives as objectives
from llm_notes.models.cooccurrence import ppmi
from llm_notes.models.word2vec import Word2Vec, Word2VecConfig


@pytest.fixture
def counts():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(1, 30, (5, 4), generator=generator).double()


def noise_of(counts, power=1.0):
    weights = counts.sum(dim=0) ** power
    return weights / weights.sum()


def test_pmi_is_zero_for_a_table_without_company(counts):
    chance = torch.outer(counts.sum(1), counts.sum(0))
    assert torch.allclose(objectives.pmi(chance), torch.zeros(5, 4).double())
    assert objectives.pmi(torch.tensor([[1, 0], [1, 1]]))[0, 1] == -math.inf


def test_the_positive_part_of_pmi_is_ppmi(counts):
    sparse = ppmi(counts.to_sparse(), smoothing=1.0).to_dense()
    assert torch.allclose(objectives.pmi(counts).clamp(min=0), sparse)


@pytest.mark.parametrize("n_negatives", [1, 5])
@pytest.mark.parametrize("power", [1.0, 0.75])
def test_negative_sampling_optimum_has_no_slope(counts, n_negatives, power):
    noise = noise_of(counts, power)
    best = objectives.negative_sampling_optimum(counts, n_negatives, noise)
    best.requires_grad_()
    loss = objectives.negative_sampling_loss(best, counts, n_negatives, noise)
    loss.backward()
    assert best.grad.abs().max() < 1e-12
    if power == 1.0:
        shifted = objectives.pmi(counts) - math.log(n_negatives)
        assert torch.allclose(best, shifted)


def test_negative_sampling_loss_is_the_mean_of_word2vecs(counts):
    torch.manual_seed(0)
    counts = torch.randint(1, 9, (4, 4)).double()
    model = Word2Vec(Word2VecConfig(4, 3)).double()
    torch.nn.init.normal_(model.outputs.weight)
    noise = noise_of(counts)
    pairs = [(w, c) for w in range(4) for c in range(4)]
    total = 0.0  # every pair with every negative, as often as both come
    for w, c in pairs:
        for negative in range(4):
            ids = [torch.tensor([[w]]), torch.tensor([c]), torch.tensor([[negative]])]
            total += counts[w, c] * noise[negative] * model.loss(*ids)
    scores = model.inputs.weight @ model.outputs.weight.T
    exact = objectives.negative_sampling_loss(scores, counts, 1, noise)
    assert torch.allclose(exact, total / counts.sum())


def test_alignment_of_equal_and_opposite_vectors():
    x = torch.randn(6, 3)
    assert objectives.alignment(x, 2 * x) == pytest.approx(0, abs=1e-6)
    assert objectives.alignment(x, -x) == pytest.approx(4)


def test_uniformity_of_a_collapse_and_of_a_spread():
    assert objectives.uniformity(torch.ones(5, 3)) == pytest.approx(0, abs=1e-6)
    apart = objectives.uniformity(torch.eye(50))  # all at squared distance 2
    assert apart == pytest.approx(-4)
