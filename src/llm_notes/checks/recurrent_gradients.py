"""Exercises of the chapter on recurrent gradients."""

import math

import torch

from llm_notes.checks.check import function, value

half_life = function(
    lambda gate: math.log(0.5) / math.log(gate),
    {
        "e instead of 2": (
            lambda gate: -1 / math.log(gate),
            "That is the time to fall to 1/e. A half is asked for.",
        ),
        "upside down": (
            lambda gate: math.log(gate) / math.log(0.5),
            "That is how many halvings one step makes. Turn the fraction over.",
        ),
        "straight line": (
            lambda gate: 0.5 / (1 - gate),
            "You took the same amount away at each step. A gate takes the same share.",
        ),
    },
    probes=[(0.9,), (0.25,), (0.999,)],
    praise="A share is lost at each step, so the logarithm falls in a straight line.",
)

jacobian = function(
    lambda w_h, h: (1 - h**2)[:, None] * w_h,
    {
        "no slope": (
            lambda w_h, h: w_h.clone(),
            "That is the Jacobian of a linear network: the slope of tanh is missing.",
        ),
        "slope of the input": (
            lambda w_h, h: w_h * (1 - h**2)[None, :],
            "The slopes scale the columns. They belong to what comes out, so to rows.",
        ),
        "transposed": (
            lambda w_h, h: ((1 - h**2)[:, None] * w_h).T,
            "Rows and columns are exchanged: row i is what comes out at unit i.",
        ),
        "slope of the sigmoid": (
            lambda w_h, h: (h * (1 - h))[:, None] * w_h,
            "h (1 - h) is the slope of the sigmoid. The cell has tanh.",
        ),
    },
    probes=[
        (
            torch.tensor([[0.5, -1.0, 0.25], [2.0, 0.1, -0.3], [0.7, 0.4, 1.5]]),
            torch.tensor([0.9, -0.5, 0.1]),
        )
    ],
    praise="Each row is scaled by the slope of the unit that it leads to.",
)


def _scaled(gradient, max_norm):
    return gradient * (max_norm / gradient.norm())


clip = function(
    lambda gradient, max_norm: (
        _scaled(gradient, max_norm) if gradient.norm() > max_norm else gradient
    ),
    {
        "each number": (
            lambda gradient, max_norm: gradient.clamp(-max_norm, max_norm),
            "Each number was cut on its own, so the direction has changed.",
        ),
        "always": (
            _scaled,
            "Small gradients grow to the limit: only longer ones are to be scaled.",
        ),
        "norm without root": (
            lambda gradient, max_norm: (
                gradient * (max_norm / gradient.square().sum())
                if gradient.square().sum() > max_norm
                else gradient
            ),
            "The root is missing: the sum of squares is the norm squared.",
        ),
    },
    probes=[
        (torch.tensor([3.0, -4.0, 12.0]), 1.5),
        (torch.tensor([0.3, 0.4]), 2.0),
    ],
    praise="The direction stays, and what is short enough stays as it is.",
)

_GATE = 0.5 ** (1 / 100)
forget_bias = value(
    math.log(_GATE / (1 - _GATE)),
    {
        "the gate": (_GATE, "That is the gate itself. Which bias gives this sigmoid?"),
        "sign": (
            -math.log(_GATE / (1 - _GATE)),
            "The sign is turned over: this bias closes the gate.",
        ),
        "one step": (0.0, "A bias of zero loses half at every single step."),
        "per hundred": (
            math.log(0.99 / 0.01),
            "A gate of 0.99 loses a hundredth each step: after a hundred steps little "
            "more than a third is left.",
        ),
    },
    tolerance=1e-3,
    praise="An open gate needs a large bias, and the sigmoid is nearly flat there.",
)
