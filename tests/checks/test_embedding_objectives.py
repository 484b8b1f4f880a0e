"""The exercises on objectives agree with the package's own losses."""

import numpy as np
import torch

from llm_notes.analysis.embedding_objectives import negative_sampling_optimum
from llm_notes.checks import embedding_objectives as check
from llm_notes.models.word2vec import Word2Vec, Word2VecConfig
from llm_notes.training.losses import info_nce


def test_the_best_score_is_the_optimum_of_a_table():
    counts = torch.tensor([[40.0, 60.0]])
    noise = torch.tensor([0.02, 0.98])
    best = negative_sampling_optimum(counts, 5, noise)[0, 0]
    assert check.best_score(best).is_right


def test_an_answer_with_two_decimals_is_right():
    assert check.best_score(round(check.best_score.solution, 2)).is_right


def test_the_gradient_is_that_of_word2vec():
    def answer(v, u, is_real):
        model = Word2Vec(Word2VecConfig(len(u) + 1, len(v))).double()
        with torch.no_grad():
            model.inputs.weight[0] = torch.tensor(v)
            model.outputs.weight[1:] = torch.tensor(u)
        ids = torch.arange(1, len(u) + 1)
        model.loss(torch.tensor([[0]]), ids[:1], ids[None, 1:]).backward()
        return model.inputs.weight.grad[0]

    assert check.gradient(answer).is_right


def test_info_nce_is_the_package_s():
    def answer(x, y, temperature):
        return info_nce(torch.tensor(x), torch.tensor(y), temperature)

    assert check.info_nce(answer).is_right
    assert not check.info_nce(lambda x, y, temperature: np.float64(0.0)).is_right
