"""Reward-model loss and DPO equal their formulas, also in their gradients."""

import math

import numpy as np
import pytest
import torch

from llm_notes.data.batching import IGNORE
from llm_notes.training.losses import (
    dpo_loss,
    dpo_margins,
    reward_model_loss,
    sequence_log_probs,
)

B = 5


@pytest.fixture
def log_probs() -> list[torch.Tensor]:
    """Chosen and rejected under the policy, then under the reference."""
    generator = torch.Generator().manual_seed(0)
    values = -6 * torch.rand(4, B, generator=generator, dtype=torch.float64)
    return [v.clone().requires_grad_(i < 2) for i, v in enumerate(values)]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_log_probability_of_an_answer_is_the_product_of_its_tokens():
    logits = torch.randn(2, 4, 6, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([[IGNORE, 3, 5, IGNORE], [1, 0, 2, 4]])
    p = logits.softmax(-1)
    expected = [
        math.log(p[0, 1, 3] * p[0, 2, 5]),
        math.log(p[1, 0, 1] * p[1, 1, 0] * p[1, 2, 2] * p[1, 3, 4]),
    ]
    total = sequence_log_probs(logits, targets)
    mean = sequence_log_probs(logits, targets, average=True)
    assert total.tolist() == pytest.approx(expected, abs=1e-5)
    assert mean.tolist() == pytest.approx([expected[0] / 2, expected[1] / 4], abs=1e-5)


@pytest.mark.parametrize("margin", [0.0, 0.7, "each"])
def test_reward_model_loss_and_its_gradient(log_probs, margin):
    chosen, rejected = log_probs[:2]
    if margin == "each":
        margin = torch.linspace(0, 1, B, dtype=torch.float64)
    loss = reward_model_loss(chosen, rejected, margin)
    h = (chosen - rejected - margin).detach().numpy()
    assert loss.item() == pytest.approx(-np.log(sigmoid(h)).mean(), abs=1e-10)
    loss.backward()
    np.testing.assert_allclose(chosen.grad, -sigmoid(-h) / B, atol=1e-10)
    np.testing.assert_allclose(rejected.grad, sigmoid(-h) / B, atol=1e-10)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
@pytest.mark.parametrize("has_reference", [True, False])
def test_dpo_and_its_gradient(log_probs, label_smoothing, has_reference):
    references = log_probs[2:] if has_reference else []
    beta = 0.3
    loss = dpo_loss(
        *log_probs[:2], *references, beta=beta, label_smoothing=label_smoothing
    )
    chosen, rejected, ref_chosen, ref_rejected = (x.detach().numpy() for x in log_probs)
    h = beta * (chosen - rejected)
    if has_reference:
        h = h - beta * (ref_chosen - ref_rejected)
    expected = -(1 - label_smoothing) * np.log(sigmoid(h))
    expected -= label_smoothing * np.log(1 - sigmoid(h))
    assert loss.item() == pytest.approx(expected.mean(), abs=1e-10)
    loss.backward()
    # Rafailov et al., section 4: beta times how wrong the implied reward is.
    slope = -beta * (sigmoid(-h) - label_smoothing) / B
    np.testing.assert_allclose(log_probs[0].grad, slope, atol=1e-10)
    np.testing.assert_allclose(log_probs[1].grad, -slope, atol=1e-10)


def test_dpo_of_the_reference_itself_is_log_two(log_probs):
    chosen, rejected = log_probs[:2]
    loss = dpo_loss(chosen, rejected, chosen.detach(), rejected.detach())
    assert loss.item() == pytest.approx(math.log(2))
    margins = dpo_margins(chosen, rejected, chosen.detach(), rejected.detach())
    assert margins.abs().max() == 0


@pytest.mark.parametrize("difference", [1e4, -1e4])
def test_hopeless_pairs_have_finite_losses_and_gradients(difference):
    chosen = torch.tensor([difference], requires_grad=True)
    for loss in (
        reward_model_loss(chosen, torch.zeros(1)),
        dpo_loss(chosen, torch.zeros(1), beta=1.0, label_smoothing=0.1),
    ):
        chosen.grad = None
        loss.backward()
        assert loss.isfinite()
        assert chosen.grad.isfinite().all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: dpo_loss(x, x[:2]), r"chosen \(4,\) and rejected \(2,\)"),
        (lambda x: dpo_loss(x, x, x), "of both answers, or of neither"),
        (lambda x: dpo_loss(x, x, x[:1], x[:2]), r"chosen \(1,\) and rejected"),
        (lambda x: dpo_loss(x, x, beta=0), "beta is 0; it must be above 0"),
        (lambda x: dpo_loss(x, x, label_smoothing=0.5), "label_smoothing is 0.5"),
        (lambda x: reward_model_loss(x, x[:3]), r"rejected \(3,\)"),
        (lambda x: reward_model_loss(x.long(), x.long()), "must be real numbers"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(torch.zeros(4))
