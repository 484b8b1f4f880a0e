"""Clipping equals PyTorch's."""

import pytest
import torch

from llm_notes.training.optim import clip_by_norm, clip_by_value


def parameters(scale: float) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    params = [torch.nn.Parameter(torch.zeros(s)) for s in [(3, 4), (5,), (2,)]]
    for p in params[:2]:  # the last has no gradient
        p.grad = scale * torch.randn(p.shape, generator=generator)
    return params


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_clipping_by_norm_equals_pytorch(scale):
    ours, theirs = parameters(scale), parameters(scale)
    norm = clip_by_norm(ours, 1.5)
    expected = torch.nn.utils.clip_grad_norm_(theirs, 1.5)
    torch.testing.assert_close(norm, expected, atol=1e-5, rtol=1e-6)
    for a, b in zip(ours[:2], theirs[:2], strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-6, rtol=0)
    assert ours[2].grad is None


def test_an_infinite_bound_only_measures():
    ours, theirs = parameters(50.0), parameters(50.0)
    norm = clip_by_norm((p for p in ours), float("inf"))
    assert norm > 50
    assert ours[0].grad.equal(theirs[0].grad)


@pytest.mark.parametrize("scale", [0.01, 3.0])
def test_clipping_by_value_equals_pytorch(scale):
    ours, theirs = parameters(scale), parameters(scale)
    clip_by_value(ours, 0.5)
    torch.nn.utils.clip_grad_value_(theirs, 0.5)
    for a, b in zip(ours[:2], theirs[:2], strict=True):
        assert a.grad.equal(b.grad)


def test_nothing_to_clip_is_no_error():
    assert clip_by_norm([torch.nn.Parameter(torch.ones(2))], 1.0) == 0
    clip_by_value([torch.nn.Parameter(torch.ones(2))], 1.0)


@pytest.mark.parametrize("bound", [0.0, -1.0, float("nan")])
def test_bounds_that_are_not_positive_are_refused(bound):
    with pytest.raises(ValueError, match=r"max_norm is .* above 0"):
        clip_by_norm(parameters(1.0), bound)
    with pytest.raises(ValueError, match=r"max_value is .* above 0"):
        clip_by_value(parameters(1.0), bound)
