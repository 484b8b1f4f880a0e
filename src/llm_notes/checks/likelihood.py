"""Exercises of the chapter on likelihood."""

import math

import numpy as np
import torch

from llm_notes.checks.check import function, value

_NATS, _BYTES = (3.0, 2.2), (4.2, 2.8)  # of a token, in either report


def _both(score) -> tuple[float, ...]:
    return tuple(score(*one) for one in zip(_NATS, _BYTES, strict=True))


_LN_2 = math.log(2)
_RIGHT = _both(lambda nats, n_bytes: nats / (_LN_2 * n_bytes))

two_reports = value(
    _RIGHT,
    {
        "nats per byte": (
            _both(lambda nats, n_bytes: nats / n_bytes),
            "Those are nats per byte: a bit is ln 2 nats, so how many bits are they?",
        ),
        "bits per token": (
            _both(lambda nats, n_bytes: nats / _LN_2),
            "Those are bits per token: a token's cost is shared by all of its bytes.",
        ),
        "ln 2 on the wrong side": (
            _both(lambda nats, n_bytes: nats * _LN_2 / n_bytes),
            "You multiplied by ln 2. A bit is less than a nat, so there are more bits "
            "than nats.",
        ),
        "bytes on the wrong side": (
            _both(lambda nats, n_bytes: nats / _LN_2 * n_bytes),
            "You multiplied by the bytes. A byte is less than a token, so it costs "
            "less.",
        ),
        "perplexity": (
            _both(lambda nats, n_bytes: math.exp(nats / n_bytes)),
            "That is the perplexity of a byte. Bits are a logarithm: do not "
            "exponentiate.",
        ),
        "bits of a byte": (
            _both(lambda nats, n_bytes: nats / (_LN_2 * n_bytes * 8)),
            "That is for each bit that a file holds: the eight bits of a byte are no "
            "part of bits per byte.",
        ),
        "exchanged": (
            _RIGHT[::-1],
            "The two are exchanged: the first report comes first.",
        ),
    },
    tolerance=0.01,  # two digits are enough
    praise="On the same bytes the first model is better, although each of its tokens "
    "costs more.",
)


def _log_sum_exp(z: torch.Tensor) -> torch.Tensor:
    m = z.max(dim=-1, keepdim=True).values
    return m + (z - m).exp().sum(dim=-1, keepdim=True).log()


def _log_softmax(z: torch.Tensor) -> torch.Tensor:
    return z - _log_sum_exp(z)


def _softmax_then_log(z: torch.Tensor) -> torch.Tensor:
    return (z.exp() / z.exp().sum(dim=-1, keepdim=True)).log()


def _one_max_for_all(z: torch.Tensor) -> torch.Tensor:
    z = z - z.max()
    return z - z.exp().sum(dim=-1, keepdim=True).log()


def _without_max_again(z: torch.Tensor) -> torch.Tensor:
    m = z.max(dim=-1, keepdim=True).values
    return z - (z - m).exp().sum(dim=-1, keepdim=True).log()


log_softmax = function(
    _log_softmax,
    {
        "log of softmax": (
            _softmax_then_log,
            "It is not finite for far logits: you divide exponentials and then take "
            "the logarithm, and exp overflows before.",
        ),
        "no maximum": (
            lambda z: z - z.exp().sum(dim=-1, keepdim=True).log(),
            "It is not finite for large logits: the exponents of log-sum-exp are still "
            "above zero, and exp overflows.",
        ),
        "log of a stable softmax": (
            lambda z: _log_softmax(z).exp().log(),
            "The softmax is safe, its logarithm is not: a small p becomes 0 first. "
            "Never leave the logarithms.",
        ),
        "one maximum for all": (
            _one_max_for_all,
            "You subtract one maximum from the whole batch: in a row far below it all "
            "exponentials vanish. Each row has its own.",
        ),
        "maximum forgotten": (
            _without_max_again,
            "The maximum leaves log-sum-exp and never returns: log-sum-exp is m plus "
            "the logarithm.",
        ),
        "over the batch": (
            lambda z: _log_softmax(z.T).T,
            "You normalise down the batch: each row, over the vocabulary, is a "
            "distribution of its own.",
        ),
        "over everything": (
            lambda z: z - _log_sum_exp(z.reshape(1, -1)),
            "You sum over all rows at once: each row is a distribution of its own.",
        ),
        "probabilities": (
            lambda z: _log_softmax(z).exp(),
            "Those are the probabilities: their logarithm is asked for.",
        ),
        "a loss": (
            lambda z: -_log_softmax(z),
            "The sign is that of a loss: log p is never positive.",
        ),
    },
    [
        (torch.tensor([[0.0, 1.0, 2.0], [200.0, 0.0, -200.0]]),),
        (
            torch.tensor(
                [
                    [3.0, 1.0, -2.0, 0.5, 2.5],
                    [-301.0, -300.0, -304.0, -302.0, -300.5],
                    [0.0, 0.0, 1.0, -1.0, 4.0],
                    [150.0, 151.0, 148.0, 150.5, 149.0],
                ]
            ),
        ),
    ],
    tolerance=1e-4,  # log-sum-exp near 300 is rounded to some 1e-5
    praise="It stays finite, because exp never sees a positive number.",
)


def _blocks(nats: np.ndarray, size: int) -> np.ndarray:
    return nats.reshape(-1, size)


def _perplexities(losses: np.ndarray) -> tuple[float, float]:
    return np.exp(losses).mean(), np.exp(losses.mean())


def _sums(nats: np.ndarray, size: int) -> tuple[float, float]:
    return np.exp(_blocks(nats, size).sum(axis=1)).mean(), np.exp(nats.sum())


two_perplexities = function(
    lambda nats, size: _perplexities(_blocks(nats, size).mean(axis=1)),
    {
        "averaged before": (
            lambda nats, size: (np.exp(nats.mean()), np.exp(nats.mean())),
            "Both are the perplexity of the whole: for the first one, exponentiate "
            "each block's mean before you average.",
        ),
        "of each token": (
            lambda nats, size: _perplexities(nats),
            "You exponentiate token by token: a perplexity belongs to a block's mean.",
        ),
        "sums": (
            _sums,
            "You exponentiate sums. That is one over the probability of a text; a "
            "perplexity is of the mean for a token.",
        ),
        "across blocks": (
            lambda nats, size: _perplexities(_blocks(nats, size).mean(axis=0)),
            "You average over the blocks, place by place: a block is a row, and its "
            "mean runs along it.",
        ),
        "number of blocks": (
            lambda nats, size: _perplexities(nats.reshape(size, -1).mean(axis=1)),
            "You cut into that many blocks: `size` is the number of tokens in each.",
        ),
        "base two": (
            lambda nats, size: (
                (2 ** _blocks(nats, size).mean(axis=1)).mean(),
                2 ** nats.mean(),
            ),
            "A power of 2 belongs to bits: these are nats, so it is a power of e.",
        ),
        "exchanged": (
            lambda nats, size: _perplexities(_blocks(nats, size).mean(axis=1))[::-1],
            "The two are exchanged: first the mean of the blocks' perplexities.",
        ),
    },
    [
        (np.array([0.5, 2.0, 1.0, 0.2, 3.0, 0.1, 0.7, 2.5, 1.5, 0.3, 4.0, 0.9]), 4),
        (np.array([1.2, 0.4, 2.2, 0.8, 3.1, 0.6, 0.2, 1.9, 2.7, 0.5]), 2),
    ],
    praise="Losses are averaged first and exponentiated last; the other order is "
    "larger.",
)
