"""The checks of the chapter on learning agree with the package."""

import re

import pytest
import torch

from llm_notes.checks import learning as check
from llm_notes.training.optim import AdamW
from llm_notes.training.schedule import warmup_cosine


def test_a_step_of_the_packages_adamw_passes():
    def with_the_package(theta, grad, m, v, t, lr, decay):
        weight = torch.nn.Parameter(theta)
        weight.grad = grad
        rule = AdamW([weight], lr, betas=(0.9, 0.99), weight_decay=decay)
        rule.state[weight] = {
            "exp_avg": m,
            "exp_avg_sq": v,
            "step": torch.tensor(float(t - 1)),
        }
        rule.step()
        return weight

    assert check.adamw_step(with_the_package).is_right


def test_the_packages_schedule_passes():
    assert check.cosine_rate(warmup_cosine).is_right


@pytest.mark.parametrize(
    ("exercise", "mistake", "hint"),
    [
        ("adamw_step", "coupled", "L2 in Adam"),
        ("adamw_step", "not corrected", r"1 - beta \*\* t"),
        ("cosine_rate", "starts at zero", "does nothing"),
        ("cosine_rate", "counted from the start", "jumps"),
        ("state_bytes", "no averages", "plain SGD"),
        ("diagnosis", "A and B", "training loss is fine"),
    ],
)
def test_a_misreading_is_told_apart(exercise, mistake, hint):
    exercise = getattr(check, exercise)
    verdict = exercise(exercise.mistakes[mistake].answer)
    assert not verdict.is_right
    assert re.search(hint, verdict.message)


def test_a_diagnosis_may_be_a_tuple_only_of_the_three_names():
    assert check.diagnosis(check.CURVES).is_right
    assert not check.diagnosis(("over-fitting", "over-fitting", "bad data")).is_right
