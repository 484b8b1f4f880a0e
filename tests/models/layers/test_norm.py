"""Norms equal their formulas and PyTorch, gains and shifts included."""

import pytest
import torch
from torch import nn

from llm_notes.models.layers.norm import LayerNorm, RMSNorm


@pytest.mark.parametrize("bias", [True, False])
def test_layer_norm_equals_its_formula(bias):
    generator = torch.Generator().manual_seed(0)
    norm = LayerNorm(5, eps=1e-3, bias=bias)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(torch.randn(5, generator=generator))
    x = torch.randn(2, 3, 5, generator=generator)
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    expected = (x - mean) / (variance + 1e-3).sqrt() * norm.weight
    expected = expected + norm.bias if bias else expected
    torch.testing.assert_close(norm(x), expected, atol=1e-5, rtol=0)


def test_layer_norm_of_a_constant_vector_is_finite():
    assert LayerNorm(4)(torch.full((1, 4), 3.0)).abs().max() < 1e-5


def test_rms_norm_equals_its_formula_and_pytorch():
    generator = torch.Generator().manual_seed(0)
    ours, theirs = RMSNorm(5, eps=1e-3), nn.RMSNorm(5, eps=1e-3)
    with torch.no_grad():
        ours.weight.copy_(torch.randn(5, generator=generator))
        theirs.weight.copy_(ours.weight)
    x = torch.randn(2, 3, 5, generator=generator)
    mean_square = (x**2).mean(-1, keepdim=True)
    expected = x / (mean_square + 1e-3).sqrt() * ours.weight
    torch.testing.assert_close(ours(x), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=0)


def test_rms_norm_of_zeros_is_zero():
    assert RMSNorm(4)(torch.zeros(1, 4)).eq(0).all()


def test_rms_norm_keeps_a_mean_that_layer_norm_takes_away():
    x = torch.full((1, 4), 3.0)
    torch.testing.assert_close(RMSNorm(4)(x), torch.ones(1, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(LayerNorm(4)(x), torch.zeros(1, 4), atol=1e-5, rtol=0)
