"""A comparison finds what differs and refuses to leave anything out."""

import math

import pytest
import torch
from torch import nn

from llm_notes.parity.case import Parity, compare, gradients, randomise

ONES = {"logits": torch.ones(2, 3)}


def test_the_largest_difference_is_found_in_outputs_and_gradients():
    theirs = {"logits": torch.ones(2, 3)}
    theirs["logits"][1, 2] = 1.25
    found = compare(
        "ours",
        "torch.nn.Linear",
        ONES,
        theirs,
        {"w": torch.zeros(2)},
        {"w": torch.tensor([0.0, -2.0])},
    )
    assert found == Parity("ours", "torch.nn.Linear", 6, 0.25, 2.0)
    assert found.library.startswith("torch 2")


def test_nothing_differentiated_has_no_gradient_error():
    assert compare("ours", "torch", ONES, ONES).gradient_error is None


def test_a_number_that_is_none_counts_as_infinitely_wrong():
    spoiled = {"logits": torch.full((2, 3), math.nan)}
    assert compare("ours", "torch", spoiled, ONES).output_error == math.inf


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        ({}, r"only ours: \['logits'\]"),
        (ONES | {"more": torch.ones(1)}, r"only theirs: \['more'\]"),
        ({"logits": torch.ones(3, 2)}, r"\(2, 3\) here and \(3, 2\)"),
    ],
)
def test_missing_extra_and_misshaped_tensors_are_refused(theirs, message):
    with pytest.raises(ValueError, match=message):
        compare("ours", "torch", ONES, theirs)
    with pytest.raises(ValueError, match=message):
        compare("ours", "torch", ONES, ONES, ONES, theirs)


def test_comparing_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        compare("ours", "torch", {}, {})


def test_a_parameter_without_a_gradient_is_named():
    layer = nn.Linear(2, 3)
    layer(torch.ones(1, 2)).sum().backward()
    assert gradients(layer).keys() == {"weight", "bias"}
    layer.bias.grad = None
    with pytest.raises(ValueError, match="no gradient reached bias"):
        gradients(layer)


def test_noise_repeats_and_leaves_the_global_generator_alone():
    first, second = nn.LayerNorm(4), nn.LayerNorm(4)
    state = torch.get_rng_state()
    randomise(first, seed=3)
    randomise(second, seed=3)
    assert torch.get_rng_state().equal(state)
    assert first.weight.equal(second.weight)
    assert not first.weight.equal(torch.ones(4))
    assert first.bias.abs().gt(0).all()
