"""Exercises of the chapter on the objectives of embeddings."""

import math

import numpy as np

from llm_notes.checks.check import function, value

# 40 real pairs, word 100 times, noise 0.02, five negatives.
_REAL, _DRAWN = 40.0, 5 * 100 * 0.02

best_score = value(
    math.log(_REAL / _DRAWN),
    {
        "no k": (
            math.log(_REAL / (100 * 0.02)),
            "That is the PMI. Five negatives are drawn for each real pair, so k = 5.",
        ),
        "probability": (
            _REAL / (_REAL + _DRAWN),
            "That is the share of real ones, the sigmoid of the score. Which score?",
        ),
        "turned over": (
            -math.log(_REAL / _DRAWN),
            "The sign is turned over: real pairs are more frequent, so it is positive.",
        ),
        "ratio": (
            _REAL / _DRAWN,
            "That is the ratio of real to drawn. The score is its logarithm.",
        ),
        "bits": (
            math.log2(_REAL / _DRAWN),
            "That is the logarithm to base 2. The sigmoid has the base e.",
        ),
    },
    tolerance=5e-3,  # two decimals are enough
    praise="Real against drawn, and the logarithm of the ratio.",
)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _gradient(v, u, is_real):
    return (_sigmoid(u @ v) - is_real) @ u


gradient = function(
    _gradient,
    {
        "sign": (
            lambda v, u, is_real: -_gradient(v, u, is_real),
            "This is the step that training takes. The gradient points the other way.",
        ),
        "all false": (
            lambda v, u, is_real: _sigmoid(u @ v) @ u,
            "Each context is pushed away, the real one too: its label is missing.",
        ),
        "no sigmoid": (
            lambda v, u, is_real: (u @ v - is_real) @ u,
            "You compared labels with scores. Compare them with probabilities.",
        ),
        "mean": (
            lambda v, u, is_real: _gradient(v, u, is_real) / len(u),
            "You took the mean over the contexts. The loss of one example is a sum.",
        ),
        "slope": (
            lambda v, u, is_real: (
                ((_sigmoid(u @ v) - is_real) * _sigmoid(u @ v) * _sigmoid(-u @ v)) @ u
            ),
            "That is the gradient of a squared error. With the logarithm, the slope "
            "of the sigmoid cancels.",
        ),
    },
    probes=[
        (
            np.array([1.0, 0.5, -0.3]),
            np.array([[0.5, -1.0, 0.2], [1.0, 1.0, 0.0]]),
            np.array([1.0, 0.0]),
        ),
        (
            np.array([0.2, -0.7]),
            np.array([[0.3, 0.4], [-1.0, 2.0], [0.5, 0.5], [1.5, -0.2]]),
            np.array([1.0, 0.0, 0.0, 0.0]),
        ),
    ],
    praise="Probability less label, for each context, times its vector.",
)


def _cosines(x, y):
    unit = [m / np.linalg.norm(m, axis=1, keepdims=True) for m in (x, y)]
    return unit[0] @ unit[1].T


def _info_nce(x, y, temperature, cosines=_cosines, axis=1):
    scores = cosines(x, y) / temperature
    log_sums = np.log(np.exp(scores).sum(axis=axis))
    return float((log_sums - scores.diagonal()).mean())


info_nce = function(
    _info_nce,
    {
        "no unit length": (
            lambda x, y, temperature: _info_nce(
                x, y, temperature, lambda a, b: a @ b.T
            ),
            "These are dot products. Bring the vectors to length one first.",
        ),
        "times": (
            lambda x, y, temperature: _info_nce(x, y, 1 / temperature),
            "You multiplied by the temperature. Cosines are divided by it.",
        ),
        "no temperature": (
            lambda x, y, temperature: _info_nce(x, y, 1.0),
            "The temperature is not used.",
        ),
        "columns": (
            lambda x, y, temperature: _info_nce(x, y, temperature, axis=0),
            "You normalised over the queries. Each query chooses among the keys.",
        ),
        "without the partner": (
            lambda x, y, temperature: float(
                (
                    np.log(
                        np.exp(_cosines(x, y) / temperature).sum(1)
                        - np.exp(_cosines(x, y) / temperature).diagonal()
                    )
                    - _cosines(x, y).diagonal() / temperature
                ).mean()
            ),
            "The partner is missing from the denominator: it stands there, too.",
        ),
    },
    probes=[
        (
            np.array([[1.0, 2.0, 0.5], [0.3, -1.0, 0.8]]),
            np.array([[0.9, 1.0, 0.1], [-0.2, -2.0, 1.0]]),
            0.5,
        ),
        (
            np.array([[1.0, 0.2], [0.3, -1.0], [-2.0, 0.4]]),
            np.array([[0.5, 1.0], [1.0, -1.0], [-1.0, 1.0]]),
            0.2,
        ),
    ],
    praise="A softmax over all keys, and the logarithm of the partner's share.",
)
