"""Exercises of the chapter on learning."""

import math

import torch
from torch import Tensor

from llm_notes.checks.check import function, value

_N = 1_000_000_000  # parameters of the exercise
_NUMBER = 4  # bytes of a float32

state_bytes = value(
    4 * _NUMBER * _N,
    {
        "weights": (
            _NUMBER * _N,
            "One number each: the weights alone, or numbers in the place of bytes.",
        ),
        "three": (
            3 * _NUMBER * _N,
            "Three numbers each: the gradient or one of Adam's averages is missing.",
        ),
        "no averages": (
            2 * _NUMBER * _N,
            "Weights and gradients: that is plain SGD. What does Adam remember?",
        ),
        "bits": (8 * 4 * _NUMBER * _N, "These are bits, and bytes are asked."),
    },
    tolerance=1e-12,
    praise="A weight, a gradient and two averages: 16 bytes for each parameter.",
)


def _adamw(
    theta: Tensor,
    grad: Tensor,
    m: Tensor,
    v: Tensor,
    t: int,
    lr: float,
    decay: float,
    *,
    fault: str = "",
) -> Tensor:
    """One step from the averages m and v before it; betas 0.9 and 0.99."""
    beta1, beta2, eps = 0.9, 0.99, 1e-8
    if fault == "coupled":
        grad = grad + decay * theta
    m = beta1 * m + (1 - beta1) * grad
    v = beta2 * v + (1 - beta2) * (grad if fault == "no square" else grad.square())
    if fault != "not corrected":
        m, v = m / (1 - beta1**t), v / (1 - beta2**t)
    root = v if fault == "no root" else v.abs().sqrt()
    shrink = {"coupled": 0.0, "no decay": 0.0, "decay without rate": decay}
    kept = 1 - shrink.get(fault, lr * decay)
    step = lr * m / (root + eps)
    return kept * theta + step if fault == "uphill" else kept * theta - step


def _wrong_adamw(fault: str):
    return lambda *arguments: _adamw(*arguments, fault=fault)


def _adamw_probe(n: int, t: int, lr: float, decay: float) -> tuple:
    draw = torch.Generator().manual_seed(n)
    theta, grad, m = torch.randn(3, n, generator=draw, dtype=torch.float64)
    v = torch.rand(n, generator=draw, dtype=torch.float64)
    start = float(t > 1)  # before the first step both averages are zero
    return theta, grad, start * m, start * v, t, lr, decay


adamw_step = function(
    _adamw,
    {
        "coupled": (
            _wrong_adamw("coupled"),
            "The decay passes through the averages: that is L2 in Adam. Decoupled "
            "decay shrinks the weight itself.",
        ),
        "not corrected": (
            _wrong_adamw("not corrected"),
            "The averages start at zero and are too small at first: divide them by "
            "1 - beta ** t.",
        ),
        "no root": (
            _wrong_adamw("no root"),
            "You divide by the mean square: its root has the unit of a gradient.",
        ),
        "no square": (
            _wrong_adamw("no square"),
            "The second average is of squared gradients, and yours is of gradients.",
        ),
        "decay without rate": (
            _wrong_adamw("decay without rate"),
            "The decay is not multiplied by the learning rate: a schedule would not "
            "reach it.",
        ),
        "no decay": (_wrong_adamw("no decay"), "That is Adam: the decay is missing."),
        "uphill": (
            _wrong_adamw("uphill"),
            "You go up the gradient: the loss falls against it.",
        ),
    },
    probes=[
        _adamw_probe(5, 1, 0.1, 0.5),
        _adamw_probe(3, 7, 0.02, 0.3),
        _adamw_probe(4, 2, 0.5, 0.0),
    ],
    praise="Averages, their correction, a root, and a decay of its own.",
)


def _schedule(
    step: int, n_steps: int, n_warmup: int, peak: float, fault: str = ""
) -> float:
    """Linear warm-up, then half a cosine wave down to 0."""
    if fault == "no warm-up":
        n_warmup = 0
    if step < n_warmup:
        return peak * (step + (fault != "starts at zero")) / n_warmup
    done = (step - n_warmup) / (n_steps - n_warmup)
    if fault == "counted from the start":
        done = step / n_steps
    if fault == "linear":
        return peak * (1 - done)
    turn = 2 * math.pi if fault == "whole wave" else math.pi
    if fault == "not halved":
        return peak * (1 + math.cos(turn * done))
    return peak * (1 + math.cos(turn * done)) / 2


def _wrong_schedule(fault: str):
    return lambda *arguments: _schedule(*arguments, fault=fault)


_STEPS = [(step, n, w, peak) for n, w, peak in ((10, 3, 0.5), (7, 1, 2.0), (5, 0, 1.0))
          for step in range(n)]  # fmt: skip

cosine_rate = function(
    _schedule,
    {
        "starts at zero": (
            _wrong_schedule("starts at zero"),
            "The first step has the rate zero and does nothing: count from 1 while "
            "it warms up.",
        ),
        "no warm-up": (
            _wrong_schedule("no warm-up"),
            "It begins at the peak: the warm-up is missing.",
        ),
        "counted from the start": (
            _wrong_schedule("counted from the start"),
            "The wave begins at step 0, so the rate jumps after the warm-up: let it "
            "begin where the warm-up ends.",
        ),
        "linear": (
            _wrong_schedule("linear"),
            "It falls in a straight line: half a cosine wave is asked.",
        ),
        "whole wave": (
            _wrong_schedule("whole wave"),
            "It falls and rises again: half a wave ends at zero.",
        ),
        "not halved": (
            _wrong_schedule("not halved"),
            "It begins at twice the peak: 1 + cos goes from 2 to 0.",
        ),
    },
    probes=_STEPS,
    praise="Up in a line, down in half a wave.",
)

CURVES = ("over-fitting", "divergence", "bad data")  # the order A, B, C

diagnosis = value(
    CURVES,
    {
        "A and B": (
            (CURVES[1], CURVES[0], CURVES[2]),
            "A and B are changed: in A the training loss is fine, in B it is not.",
        ),
        "A and C": (
            (CURVES[2], CURVES[1], CURVES[0]),
            "A and C are changed: which of the two does better on what it has not "
            "learned from?",
        ),
        "B and C": (
            (CURVES[0], CURVES[2], CURVES[1]),
            "B and C are changed: one of them still learns, and the other does not.",
        ),
        "turned": (
            (CURVES[1], CURVES[2], CURVES[0]),
            "None is in its place. Begin with the gap between the two lines.",
        ),
        "turned back": (
            (CURVES[2], CURVES[0], CURVES[1]),
            "None is in its place. Begin with the training loss alone: where does it "
            "fall?",
        ),
    },
    praise="A gap that grows, a loss that jumps and stays up, a loss that cannot fall.",
)

momentum = value(
    0.6,
    {
        "none": (0.0, "Without momentum the steps along the valley are the shortest."),
        "the habit": (0.9, "That is the usual setting, and here it swings: count."),
        "more": (0.8, "It overshoots the minimum and comes back: try less."),
        "a little more": (0.7, "Nearly: count the steps of its neighbours, too."),
        "a little less": (0.5, "Nearly: it still creeps along the valley."),
    },
    tolerance=1e-6,
    praise="As much as the flat direction can take before it begins to swing.",
)
