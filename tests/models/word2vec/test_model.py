"""Word2Vec scores and loses as its formulas say, and refuses what it cannot read."""

import math

import pytest
import torch

from llm_notes.models.word2vec import PRESETS, Word2Vec, Word2VecConfig
from llm_notes.parity import word_vectors
from llm_notes.parity.case import randomise
from llm_notes.runtime import count_parameters

V, D = 11, 4


@pytest.fixture
def model() -> Word2Vec:
    torch.manual_seed(0)
    model = Word2Vec(Word2VecConfig(V, D))
    randomise(model, std=0.5)
    return model


@pytest.mark.parametrize("case", [word_vectors.skip_gram, word_vectors.cbow])
def test_scores_loss_and_gradients_equal_those_derived_by_hand(case):
    parity = case()
    assert parity.output_error <= 1e-5
    assert parity.gradient_error <= 1e-6


def test_cbow_does_not_see_the_order_of_words_nor_padding(model):
    candidates = torch.tensor([[2, 7]])
    scores = model(torch.tensor([[3, 8, 5]]), candidates)
    for same in ([5, 3, 8], [5, -1, 3, 8, -1]):
        torch.testing.assert_close(
            model(torch.tensor([same]), candidates), scores, atol=1e-6, rtol=0
        )
    with_first = model(torch.tensor([[5, 0, 3, 8]]), candidates)  # 0 is a word
    assert not torch.allclose(with_first, scores)


def test_without_negatives_the_loss_is_attraction_alone(model):
    inputs, targets = torch.tensor([[3], [8]]), torch.tensor([1, 2])
    none = torch.empty(2, 0, dtype=torch.long)
    scores = model(inputs, targets[:, None])
    expected = -torch.nn.functional.logsigmoid(scores).mean()
    torch.testing.assert_close(model.loss(inputs, targets, none), expected)


def test_before_training_each_candidate_costs_log_2():
    torch.manual_seed(0)
    model = Word2Vec(Word2VecConfig(V, D))
    inputs, targets = torch.tensor([[3], [8]]), torch.tensor([1, 2])
    loss = model.loss(inputs, targets, torch.tensor([[4, 5, 6], [7, 8, 9]]))
    assert float(loss.detach()) == pytest.approx(4 * math.log(2))
    assert float(model.vectors.abs().max()) <= 0.5 / D
    assert float(model.vectors.abs().max()) > 0.4 / D


def test_the_vectors_are_those_of_the_input_table(model):
    assert model.vectors.equal(model.inputs.weight)
    assert not model.vectors.requires_grad


def test_the_parameter_count_is_that_of_the_model(model):
    expected = 2 * V * D
    assert Word2Vec.parameter_count(model.config) == expected
    assert count_parameters(model) == expected
    # The published file holds the input vectors: 3 million words of width 300.
    assert Word2Vec.parameter_count(PRESETS["google-news"]) == 2 * 900_000_000


@pytest.mark.parametrize("sizes", [(0, 4), (4, 0), (4, -1)])
def test_sizes_below_one_are_refused(sizes):
    with pytest.raises(ValueError, match="must be at least 1, got"):
        Word2VecConfig(*sizes)


def test_bad_ids_are_refused(model):
    good = torch.tensor([[1, 2]])
    with pytest.raises(ValueError, match=r"input ids .* -1 and .* = 10, got 1 to 11"):
        model(torch.tensor([[1, 11]]), good)
    with pytest.raises(ValueError, match=r"input ids .* got -2"):
        model(torch.tensor([[1, -2]]), good)
    with pytest.raises(ValueError, match=r"candidate ids .* 0 and .* got -1"):
        model(good, torch.tensor([[-1]]))
    with pytest.raises(ValueError, match="no input word"):
        model(torch.tensor([[1, 2], [-1, -1]]), good.repeat(2, 1))
    with pytest.raises(ValueError, match=r"got \(1, 2\) and \(2, 2\)"):
        model(good, good.repeat(2, 1))
    with pytest.raises(ValueError, match=r"got \(2,\)"):
        model(good[0], good)
    with pytest.raises(ValueError, match="B >= 1"):
        model(good[:0], good[:0])
