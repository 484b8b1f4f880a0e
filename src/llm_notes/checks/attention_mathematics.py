"""Exercises of the chapter on the mathematics of attention."""

import math

import torch

from llm_notes.checks.check import function, value

_VARIANCE = 16 + 16 * 15 * 0.5**2  # the trace of the squared covariance

score_spread = value(
    math.sqrt(_VARIANCE / 16),
    {
        "variance": (
            _VARIANCE / 16,
            "That is the variance after the division. The deviation is its root.",
        ),
        "independent": (
            1.0,
            "That holds for uncorrelated entries. Here the off-diagonal cells count.",
        ),
        "correlation once": (
            math.sqrt(1 + 15 * 0.5),
            "The correlation counts squared: it comes in by the query and by the key.",
        ),
        "unscaled": (
            math.sqrt(_VARIANCE),
            "That is the deviation before the division by the root of the width.",
        ),
        "all cells": (
            math.sqrt(1 + 16 * 0.5**2),
            "Each row has 15 cells off the diagonal, not 16.",
        ),
    },
    tolerance=5e-3,  # two decimals are enough
    praise="The diagonal gives d, the d (d − 1) other cells give the correlation's "
    "square each.",
)

softmax_backward = function(
    lambda p, g: p * (g - (p * g).sum(dim=-1, keepdim=True)),
    {
        "no centre": (
            lambda p, g: p * g,
            "Only the diagonal of the Jacobian is there: subtract p pᵀ as well.",
        ),
        "plain mean": (
            lambda p, g: p * (g - g.mean(dim=-1, keepdim=True)),
            "You subtracted the plain mean of g. The softmax weighs it with p.",
        ),
        "whole table": (
            lambda p, g: p * (g - (p * g).sum()),
            "You summed over all queries. Each row has a softmax of its own.",
        ),
        "columns": (
            lambda p, g: p * (g - (p * g).sum(dim=0, keepdim=True)),
            "You summed over the queries. The softmax runs along the keys, a row.",
        ),
        "weight left out": (
            lambda p, g: g - (p * g).sum(dim=-1, keepdim=True),
            "The factor p in front is missing: a key without weight has no gradient.",
        ),
    },
    probes=[
        (
            torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]),
            torch.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]]),
        ),
        (torch.tensor([[0.6, 0.4]]), torch.tensor([[2.0, -1.0]])),
    ],
    praise="One product and one sum for each row; no S × S matrix is built.",
)


def _to_the_larger(a, b):
    """The larger maximum, and the factors that bring both parts to it."""
    largest = max(a[0], b[0])
    return largest, math.exp(a[0] - largest), math.exp(b[0] - largest)


def _merged(a, b):
    largest, left, right = _to_the_larger(a, b)
    return largest, a[1] * left + b[1] * right, a[2] * left + b[2] * right


merge = function(
    _merged,
    {
        "added": (
            lambda a, b: (max(a[0], b[0]), a[1] + b[1], a[2] + b[2]),
            "The parts were added as they are. They are measured from two different "
            "maxima: bring both to the larger one first.",
        ),
        "only the sum": (
            lambda a, b: (*_merged(a, b)[:2], a[2] + b[2]),
            "The sums are right, and the outputs were added without the correction.",
        ),
        "turned over": (
            lambda a, b: (
                max(a[0], b[0]),
                a[1] / _to_the_larger(a, b)[1] + b[1] / _to_the_larger(a, b)[2],
                a[2] / _to_the_larger(a, b)[1] + b[2] / _to_the_larger(a, b)[2],
            ),
            "The sign of the exponent is turned over: parts shrink, they never grow.",
        ),
        "the first is larger": (
            lambda a, b: (
                a[0],
                a[1] + b[1] * math.exp(b[0] - a[0]),
                a[2] + b[2] * math.exp(b[0] - a[0]),
            ),
            "You measure from the first part's maximum. When the second is far above, "
            "the exponential overflows.",
        ),
        "divided": (
            lambda a, b: (*_merged(a, b)[:2], _merged(a, b)[2] / _merged(a, b)[1]),
            "You divided already. A merged part has to be ready for another merge.",
        ),
    },
    probes=[
        ((2.0, 1.5, -1.0), (3.0, 1.25, 0.5)),
        ((5.0, 1.1, 2.0), (-1.0, 3.0, 4.0)),
        ((4.0, 1.0, 2.5), (4.0, 2.0, -3.0)),
    ],
    praise="Any cut of the keys gives the same, so the parts may be computed anywhere.",
)

_SLOWEST = 10_000 ** (30 / 32)  # one over the last pair's angle for each position

slowest_turn = value(
    2 * math.pi * _SLOWEST,
    {
        "one radian": (
            _SLOWEST,
            "After that many positions it has turned by one radian. A turn has 2 pi.",
        ),
        "the base": (
            2 * math.pi * 10_000,
            "The exponent of the last pair is 30/32, not 1: pairs count from 0.",
        ),
        "the fastest": (2 * math.pi, "That is the fastest pair. Which is the slowest?"),
        "half the exponent": (
            2 * math.pi * 10_000 ** (15 / 32),
            "The exponent is 2i/K, and you have i/K.",
        ),
        "degrees": (
            360 * _SLOWEST,
            "The angles are in radians, not in degrees.",
        ),
    },
    tolerance=1e-3,
    praise="In the 128 positions of the context the slowest pair hardly moves.",
)
