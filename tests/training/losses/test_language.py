"""Cross-entropy and its uses equal PyTorch's and those of transformers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from llm_notes.data.batching import IGNORE
from llm_notes.training.losses import (
    causal_lm_loss,
    cross_entropy,
    masked_lm_loss,
    span_corruption_loss,
    token_log_probs,
)

B, T, V = 3, 5, 7


@pytest.fixture
def logits() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return 3 * torch.randn(B, T, V, generator=generator, dtype=torch.float64)


@pytest.fixture
def targets() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    targets = torch.randint(V, (B, T), generator=generator)
    targets[0, 1] = targets[2, 3:] = IGNORE
    return targets


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_and_its_gradient_equal_pytorch(
    logits, targets, label_smoothing, reduction
):
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    loss = cross_entropy(ours, targets, label_smoothing, reduction=reduction)
    expected = F.cross_entropy(
        theirs.flatten(0, 1),
        targets.flatten(),
        label_smoothing=label_smoothing,
        reduction=reduction,
    )
    torch.testing.assert_close(loss.flatten(), expected.flatten(), atol=1e-10, rtol=0)
    loss.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-10, rtol=0)


def test_gradient_is_the_probabilities_less_the_target(logits, targets):
    logits.requires_grad_()
    cross_entropy(logits, targets, reduction="sum").backward()
    counted = (targets != IGNORE)[..., None]
    one_hot = F.one_hot(targets.clamp(min=0), V)
    expected = (logits.softmax(-1) - one_hot).masked_fill(~counted, 0.0)
    torch.testing.assert_close(logits.grad, expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_huge_logits_give_finite_losses_and_gradients(dtype):
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]], dtype=dtype)
    logits.requires_grad_()
    loss = cross_entropy(logits, torch.tensor([1, 2]), 0.1, z_weight=1e-4)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()
    plain = cross_entropy(logits.detach(), torch.tensor([1, 2]), reduction="none")
    assert plain.tolist() == pytest.approx([2e4, 0.6931471805], rel=1e-6)


def test_z_loss_is_the_square_of_the_log_normaliser(logits, targets):
    plain = cross_entropy(logits, targets, reduction="none")
    with_z = cross_entropy(logits, targets, z_weight=0.3, reduction="none")
    expected = 0.3 * logits.exp().sum(-1).log() ** 2
    counted = targets != IGNORE
    torch.testing.assert_close(
        (with_z - plain)[counted], expected[counted], atol=1e-10, rtol=0
    )
    assert (with_z[~counted] == 0).all()


def test_nothing_to_score_costs_nothing_and_has_no_gradient(logits):
    logits.requires_grad_()
    for loss in (cross_entropy, masked_lm_loss):
        value = loss(logits, torch.full((B, T), IGNORE))
        value.backward()
        assert value == 0
        assert (logits.grad == 0).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.floats(-50, 50), st.floats(0, 1))
def test_adding_a_number_to_all_logits_changes_nothing(seed, shift, smoothing):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    targets = torch.randint(6, (4,), generator=generator)
    torch.testing.assert_close(
        cross_entropy(logits + shift, targets, smoothing),
        cross_entropy(logits, targets, smoothing),
        atol=1e-9,
        rtol=0,
    )


def test_token_log_probs_are_those_of_the_softmax(logits, targets):
    log_probs = token_log_probs(logits, targets)
    probabilities = logits.softmax(-1)
    for b in range(B):
        for t in range(T):
            y = targets[b, t].item()
            expected = 0.0 if y == IGNORE else probabilities[b, t, y].log().item()
            assert log_probs[b, t].item() == pytest.approx(expected, abs=1e-10)


def test_causal_masked_and_smoothed_losses_equal_transformers(logits, targets):
    from transformers.loss.loss_utils import ForCausalLMLoss, ForMaskedLMLoss
    from transformers.trainer_pt_utils import LabelSmoother

    logits = logits.float()
    pairs = [
        (causal_lm_loss(logits, targets), ForCausalLMLoss(logits, targets, V)),
        (masked_lm_loss(logits, targets), ForMaskedLMLoss(logits, targets, V)),
        (
            causal_lm_loss(logits, targets, label_smoothing=0.2),
            LabelSmoother(0.2)({"logits": logits}, targets, shift_labels=True),
        ),
        (
            masked_lm_loss(logits, targets, label_smoothing=0.2),
            LabelSmoother(0.2)({"logits": logits}, targets),
        ),
    ]
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_span_corruption_scores_all_targets_as_t5_does(logits, targets):
    logits = logits.float()
    expected = F.cross_entropy(logits.transpose(1, 2), targets)  # T5's labels
    loss = span_corruption_loss(logits, targets)
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=0)
    log_z = logits.logsumexp(-1)[targets != IGNORE]
    torch.testing.assert_close(
        span_corruption_loss(logits, targets, z_weight=0.01),
        expected + 0.01 * log_z.square().mean(),
        atol=1e-5,
        rtol=0,
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda z, y: cross_entropy(z, y[0]), r"\(3, 5, 7\) and targets \(5,\)"),
        (lambda z, y: masked_lm_loss(z, y[:, 1:]), r"and targets \(3, 4\)"),
        (lambda z, y: causal_lm_loss(z, y[:, 1:]), r"and targets \(3, 4\)"),
        (lambda z, y: cross_entropy(z, y, 1.5), r"label_smoothing is 1.5"),
        (lambda z, y: cross_entropy(z, y, reduction="max"), "reduction is 'max'"),
    ],
)
def test_what_cannot_be_scored_is_refused(logits, targets, call, message):
    with pytest.raises(ValueError, match=message):
        call(logits, targets)
