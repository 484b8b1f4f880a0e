"""Exercises of the chapter on language models."""

import math
from collections.abc import Callable

import numpy as np

from llm_notes.checks.check import function, value

sparse_order = value(
    3,
    {
        "pairs": (
            2,
            "Of order 2 there are ten thousand, and the text has more characters "
            "than that.",
        ),
        "contexts": (
            4,
            "That counts the contexts, which have n - 1 characters. An n-gram has n.",
        ),
        "digits": (
            6,
            "That gives each place ten choices, as a digit has. A character has about "
            "100.",
        ),
        "bits": (
            19,
            "That gives each place two choices, as a bit has. A character has about "
            "100.",
        ),
        "added up": (
            3334,
            "The choices of the places are added. Each goes with each of the others: "
            "multiply them.",
        ),
    },
    tolerance=1e-3,  # 3,333 is the same mistake as 3,334
    praise="A million are possible, and the text has room for a third of them.",
)


def _bits(log_probabilities: np.ndarray) -> float:
    return -float(np.sum(log_probabilities)) / math.log(2)


def _bits_over(size: Callable[[np.ndarray, str], int]) -> Callable:
    return lambda log_p, text: _bits(log_p) / size(log_p, text)


def _n_bytes(text: str) -> int:
    return len(text.encode("utf-8"))


bits_per_byte = function(
    _bits_over(lambda log_p, text: _n_bytes(text)),
    {
        "sign": (
            lambda log_p, text: -_bits(log_p) / _n_bytes(text),
            "The sign is turned: the logarithm of a probability is negative, and a "
            "surprise is not.",
        ),
        "per character": (
            _bits_over(lambda log_p, text: len(text)),
            "That is per character. A letter like é takes two bytes in UTF-8: encode "
            "the text, then count.",
        ),
        "per token": (
            _bits_over(lambda log_p, text: len(log_p)),
            "That is per token, so it depends on how the text was cut. Divide the sum "
            "by the size of the text.",
        ),
        "divided twice": (
            _bits_over(lambda log_p, text: len(log_p) * _n_bytes(text)),
            "It is divided twice: the mean over tokens has their number in it already. "
            "Take the sum.",
        ),
        "nats": (
            lambda log_p, text: _bits(log_p) * math.log(2) / _n_bytes(text),
            "These are nats, the unit of the natural logarithm. How many nats has a "
            "bit?",
        ),
        "wrong way": (
            lambda log_p, text: _bits(log_p) * math.log(2) ** 2 / _n_bytes(text),
            "The unit is changed the wrong way: a bit is less than a nat, so there are "
            "more of them.",
        ),
        "weighted": (
            lambda log_p, text: _bits(np.exp(log_p) * log_p) / _n_bytes(text),
            "Each surprise is weighted by its probability, as in an entropy. Here the "
            "text has drawn the tokens already: each counts once.",
        ),
        "compression": (
            _bits_over(lambda log_p, text: 8 * _n_bytes(text)),
            "That is per bit of the text: a byte is one unit here, not eight.",
        ),
    },
    [
        (np.log([0.5, 0.1, 0.25, 0.8]), "déjà vu"),
        (np.log([0.3, 0.9, 0.05, 0.6, 0.2, 0.7]), "naïve 模型"),
        (np.log([0.4, 0.02]), "see tea"),
    ],
    praise="The whole surprise in bits, over a size that no tokenizer changes.",
)
