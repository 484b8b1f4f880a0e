"""Feed-forward layers equal their formulas, token by token."""

import math

import pytest
import torch
from torch.nn import functional as F

from llm_notes.models.layers.feedforward import (
    FeedForward,
    GatedFeedForward,
    relu_squared,
)


def test_feed_forward_equals_its_formula_position_by_position():
    torch.manual_seed(0)
    layer = FeedForward(d_model=4, d_ff=6)
    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    hidden = x @ layer.up_proj.weight.T + layer.up_proj.bias
    inner = math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden**3)
    gelu = 0.5 * hidden * (1 + torch.tanh(inner))
    expected = gelu @ layer.down_proj.weight.T + layer.down_proj.bias
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("activation", [F.relu, F.gelu, relu_squared])
def test_the_bend_of_a_feed_forward_layer_is_the_one_it_is_given(activation):
    torch.manual_seed(0)
    layer = FeedForward(d_model=4, d_ff=6, bias=False, activation=activation)
    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    expected = activation(x @ layer.up_proj.weight.T) @ layer.down_proj.weight.T
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=0)


def test_relu_squared_is_the_square_above_zero():
    x = torch.tensor([-2.0, 0.0, 0.5, 3.0])
    assert relu_squared(x).tolist() == [0.0, 0.0, 0.25, 9.0]


@pytest.mark.parametrize("activation", [F.silu, F.gelu])
def test_the_gate_of_a_gated_layer_is_bent_and_the_other_map_is_not(activation):
    torch.manual_seed(0)
    layer = GatedFeedForward(d_model=4, d_ff=6, activation=activation)
    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    gate = activation(x @ layer.gate_proj.weight.T)
    expected = (gate * (x @ layer.up_proj.weight.T)) @ layer.down_proj.weight.T
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=0)


def test_feed_forward_dropout_is_for_training_only():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 4)
    for layer in (FeedForward(4, 6, dropout=0.5), GatedFeedForward(4, 6, dropout=0.5)):
        assert not torch.equal(layer(x), layer(x))
        layer.eval()
        assert torch.equal(layer(x), layer(x))
