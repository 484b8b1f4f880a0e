"""Distillation equals PyTorch's divergences and Hinton's limits."""

import pytest
import torch
from torch.nn import functional as F

from llm_notes.data.batching import IGNORE
from llm_notes.training.losses import distillation_loss, forward_kl, reverse_kl

B, T, V = 2, 4, 5


@pytest.fixture
def logits() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shape = (2, B, T, V)
    both = 2 * torch.randn(shape, generator=generator, dtype=torch.float64)
    return both[0].requires_grad_(), both[1].requires_grad_()


@pytest.fixture
def targets() -> torch.Tensor:
    return torch.tensor([[0, 4, IGNORE, 1], [2, IGNORE, IGNORE, 3]])


def test_both_divergences_equal_pytorch(logits):
    student, teacher = logits
    log_q, log_p = student.log_softmax(-1), teacher.log_softmax(-1)
    forward = F.kl_div(log_q, log_p, log_target=True, reduction="none").sum(-1)
    reverse = F.kl_div(log_p, log_q, log_target=True, reduction="none").sum(-1)
    torch.testing.assert_close(forward_kl(*logits), forward, atol=1e-10, rtol=0)
    torch.testing.assert_close(reverse_kl(*logits), reverse, atol=1e-10, rtol=0)


@pytest.mark.parametrize("reverse", [False, True])
def test_distillation_equals_its_parts_and_spares_the_teacher(logits, targets, reverse):
    student, teacher = logits
    loss = distillation_loss(student, teacher, targets, 3.0, 0.7, reverse)
    counted = targets != IGNORE
    q, p = student[counted] / 3, teacher[counted] / 3
    pair = (p, q) if reverse else (q, p)
    soft = F.kl_div(pair[0].log_softmax(-1), pair[1].softmax(-1), reduction="batchmean")
    hard = F.cross_entropy(student[counted], targets[counted])
    expected = 0.7 * 9 * soft + 0.3 * hard
    torch.testing.assert_close(loss, expected, atol=1e-10, rtol=0)
    loss.backward()
    assert teacher.grad is None
    assert (student.grad[~counted] == 0).all()
    assert (student.grad[counted] != 0).any()


def test_gradients_agree_with_differences(logits, targets):
    student, teacher = logits
    for reverse in (False, True):
        assert torch.autograd.gradcheck(
            lambda z, r=reverse: distillation_loss(z, teacher, targets, 1.7, 0.4, r),
            student,
        )


def test_at_high_temperature_the_gradient_is_the_difference_of_logits(logits):
    student, teacher = logits
    targets = torch.zeros(B, T, dtype=torch.long)
    distillation_loss(student, teacher, targets, 1e4, soft_weight=1.0).backward()
    difference = (student - teacher).detach()
    centred = difference - difference.mean(-1, keepdim=True)  # section 2.1, equation 4
    torch.testing.assert_close(student.grad, centred / V / (B * T), atol=1e-4, rtol=0)


def test_equal_models_have_no_divergence_and_huge_logits_stay_finite(logits):
    student, _ = logits
    assert forward_kl(student, student).abs().max() < 1e-12
    z = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    loss = distillation_loss(z, -z.detach(), torch.tensor([1]))
    loss.backward()
    assert loss.isfinite()
    assert z.grad.isfinite().all()


def test_a_token_that_the_teacher_rules_out_costs_nothing():
    teacher = torch.tensor([[0.0, 0.0, -torch.inf]])
    student = torch.zeros(1, 3, requires_grad=True)
    loss = forward_kl(student, teacher).sum()
    loss.backward()
    assert loss.item() == pytest.approx(0.405465, abs=1e-5)  # log 3/2
    assert student.grad.isfinite().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"soft_weight": 1.2}, "soft_weight is 1.2"),
        ({"teacher_logits": torch.zeros(B, T, V + 1)}, "need the same vocabulary"),
    ],
)
def test_what_does_not_fit_is_refused(logits, targets, change, message):
    call = {"student_logits": logits[0], "teacher_logits": logits[1], **change}
    with pytest.raises(ValueError, match=message):
        distillation_loss(targets=targets, **call)
