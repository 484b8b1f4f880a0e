"""The fast recipe moves every parameter, at its own rate, and learns more in a step."""

from itertools import pairwise

import pytest
import torch

from llm_notes.training.fast_recipe import fast_trainer, plain_trainer
from llm_notes.training.optim import Muon

N_STEPS, V = 15, 19


@pytest.fixture(scope="module")
def text():
    """Words of three letters in an order of their own: what n-grams can tell."""
    generator = torch.Generator().manual_seed(0)
    words = torch.randint(V, (7, 3), generator=generator)
    return words[torch.randint(7, (700,), generator=generator)].flatten()


@pytest.fixture(scope="module")
def fast(text):
    trainer = fast_trainer(text, V, N_STEPS)
    trainer.before = {k: v.clone() for k, v in trainer.model.state_dict().items()}
    trainer.fit()
    return trainer


def test_every_parameter_has_one_rule_and_moves(fast):
    muon, adamw = fast.optimizer.optimizers
    assert isinstance(muon, Muon)
    of_muon = {id(p) for group in muon.param_groups for p in group["params"]}
    of_adamw = [id(p) for group in adamw.param_groups for p in group["params"]]
    parameters = dict(fast.model.named_parameters())
    assert of_muon | set(of_adamw) == {id(p) for p in parameters.values()}
    assert len(of_muon) + len(of_adamw) == len(parameters)
    for name, parameter in parameters.items():
        is_hidden = parameter.dim() == 2 and "blocks" in name
        assert (id(parameter) in of_muon) == is_hidden, name
        assert not parameter.equal(fast.before[name]), name


def test_rates_rise_and_then_fall_to_zero(fast):
    rates = fast.history.learning_rate
    assert rates[0] < rates[2] == pytest.approx(0.02)
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] < 0.02 / 10
    falls = [a - b for a, b in pairwise(rates[3:])]  # a line: all falls are alike
    assert falls == pytest.approx([0.02 / (N_STEPS - 3)] * len(falls))
    head = next(fast.model.head.parameters())
    (group,) = [
        group
        for group in fast.optimizer.param_groups
        if any(p is head for p in group["params"])
    ]
    assert group["lr"] == pytest.approx(rates[-1] / 2)


def test_the_same_steps_teach_it_more_than_the_plain_recipe(fast, text):
    plain = plain_trainer(text, V, N_STEPS)
    plain.fit()
    assert plain.history.train_loss[-1] < plain.history.train_loss[0]
    # Though its batches are half as large.
    assert fast.history.train_loss[-1] < plain.history.train_loss[-1] / 1.5
    assert fast.history.targets < plain.history.targets


def test_orders_and_seeds_are_those_asked_for(text):
    none = fast_trainer(text, V, 2, orders=())
    assert not any("ngram" in name for name, _ in none.model.named_parameters())
    first, again, other = (fast_trainer(text, V, 2, seed=s) for s in (1, 1, 2))
    embedding = [t.model.token_embedding.weight for t in (first, again, other)]
    assert embedding[0].equal(embedding[1])
    assert not embedding[0].equal(embedding[2])
