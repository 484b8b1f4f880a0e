"""Weights that do not fit are listed by name, and the model stays as it was."""

import pytest
import torch
from torch import nn

from llm_notes.models.pretrained.check import WeightsDoNotFitError, load_weights


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2))


def test_weights_that_fit_are_copied_in_the_models_dtype():
    given = {
        name: torch.randn(t.shape).double() for name, t in model().state_dict().items()
    }
    loaded = load_weights(model(), given)
    for name, tensor in loaded.state_dict().items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, given[name].float())
        assert tensor.data_ptr() != given[name].data_ptr()


def test_everything_that_does_not_fit_is_listed_and_nothing_is_copied():
    target = model()
    before = {name: t.clone() for name, t in target.state_dict().items()}
    given = {name: t + 1 for name, t in before.items()}
    del given["0.bias"]
    given["1.weight"] = torch.ones(5)
    given["head.weight"] = torch.ones(1)
    with pytest.raises(WeightsDoNotFitError) as caught:
        load_weights(target, given)
    message = str(caught.value)
    assert "1 missing: 0.bias" in message
    assert "1 unexpected: head.weight" in message
    assert "1 of another shape: 1.weight: (5,) where the model has (2,)" in message
    for name, tensor in target.state_dict().items():
        assert tensor.equal(before[name])


def test_a_model_without_numbers_is_refused():
    with torch.device("meta"):
        target = model()
    with pytest.raises(ValueError, match="meta device"):
        load_weights(target, model().state_dict())
