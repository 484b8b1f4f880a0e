"""Evaluation is a visit: whatever happens there, the mode is as it was before."""

import pytest
import torch
from torch import nn

from llm_notes.training.evaluating import evaluating


@pytest.fixture
def model() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Dropout(0.5), nn.ReLU()))


def modes(model: nn.Module) -> list[bool]:
    return [module.training for module in model.modules()]


def test_nothing_is_dropped_within_the_block(model):
    x = torch.ones(2, 3)
    with evaluating(model):
        assert not any(modes(model))
        assert model(x).equal(model(x))


@pytest.mark.parametrize("mode", [True, False])
def test_the_mode_is_that_from_before(model, mode):
    model.train(mode)
    with evaluating(model):
        pass
    assert modes(model) == [mode] * 5


def test_the_mode_comes_back_after_an_error(model):
    with pytest.raises(KeyError), evaluating(model):
        raise KeyError
    assert all(modes(model))


def test_a_part_that_was_evaluating_by_itself_goes_on_doing_so(model):
    model[1].eval()
    with evaluating(model):
        pass
    assert modes(model) == [True, True, False, False, False]


def test_gradients_are_the_callers_business(model):
    with evaluating(model):
        assert model(torch.ones(2, 3)).requires_grad
