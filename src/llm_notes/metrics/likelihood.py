"""Scores of a language model: perplexity and bits per byte.

This module knows no model and no text: it turns sums of negative log-likelihoods,
in nats, into the two figures that the book reports.
"""

import math


def perplexity(mean_nats: float) -> float:
    r"""The perplexity of a model whose mean negative log-likelihood is `mean_nats`.

    $\mathrm{PPL} = \exp\bigl(-\frac1N \sum_i \ln p(x_i \mid x_{<i})\bigr)$: the number
    of equally likely tokens among which the model hesitates. It counts per token, so
    two models can be compared by it only when they share a tokenizer (Jelinek et al.,
    1977). It is infinite where it exceeds the largest float.

    Raises ValueError when `mean_nats` is negative or not a number.
    """
    _require_nats(mean_nats, "mean_nats")
    try:
        return math.exp(mean_nats)
    except OverflowError:
        return math.inf


def bits_per_byte(total_nats: float, n_bytes: int) -> float:
    r"""The bits that a model needs for one byte of UTF-8 text, on average.

    $\mathrm{bpb} = \frac{1}{B \ln 2} \sum_i -\ln p(x_i \mid x_{<i})$, where $B$ is
    `n_bytes`. The sum runs over all tokens of the text, so the figure does not depend
    on how the text was cut into tokens. A uniform guess over bytes scores 8.

    Raises ValueError when `total_nats` is negative or not a number, or when `n_bytes`
    is not positive.
    """
    _require_nats(total_nats, "total_nats")
    if not n_bytes > 0:
        raise ValueError(f"n_bytes is {n_bytes}; a text has at least one byte")
    return float(total_nats) / (n_bytes * math.log(2))


def _require_nats(nats: float, name: str) -> None:
    if not nats >= 0:  # also catches NaN
        raise ValueError(
            f"{name} is {nats}; a negative log-likelihood is zero or more. "
            "Was the sign of the log-probabilities turned?"
        )
