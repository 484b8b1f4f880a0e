"""The gradients of attention in closed form equal autograd's."""

import pytest
import torch

from llm_notes.analysis.attention_gradients import (
    attention_gradients,
    softmax_jacobian,
)
from llm_notes.models.layers.attention import scaled_dot_product_attention
from llm_notes.models.layers.mask import causal_mask


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def randn(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_the_softmax_jacobian_equals_autograd(generator):
    scores = randn(generator, 7)
    wanted = torch.autograd.functional.jacobian(lambda e: e.softmax(-1), scores)
    assert torch.allclose(softmax_jacobian(scores.softmax(-1)), wanted, atol=1e-14)


def test_the_softmax_jacobian_has_one_rank_less_than_weights_above_zero(generator):
    weights = randn(generator, 2, 3, 6).softmax(-1)
    assert (torch.linalg.matrix_rank(softmax_jacobian(weights)) == 5).all()
    weights[..., :2] = 0
    weights /= weights.sum(-1, keepdim=True)
    assert (torch.linalg.matrix_rank(softmax_jacobian(weights)) == 3).all()


@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_by_queries_keys_and_values_equal_autograd(generator, masked, scale):
    T, S = (5, 5) if masked else (4, 6)
    q, k = randn(generator, 2, 3, T, 8), randn(generator, 2, 3, S, 8)
    v, upstream = randn(generator, 2, 3, S, 7), randn(generator, 2, 3, T, 7)
    mask = causal_mask(T) if masked else None
    leaves = [x.clone().requires_grad_() for x in (q, k, v)]
    output, _ = scaled_dot_product_attention(*leaves, mask, scale=scale)
    wanted = torch.autograd.grad(output, leaves, upstream)
    given = attention_gradients(q, k, v, upstream, mask, scale)
    for ours, theirs in zip(given, wanted, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-13)


def test_an_upstream_gradient_of_another_shape_is_refused(generator):
    q, k, v = randn(generator, 3, 5, 4)
    with pytest.raises(ValueError, match=r"shape \(5, 1\), and the output \(5, 4\)"):
        attention_gradients(q, k, v, v[:, :1])
