"""Exercises of the chapter on word vectors."""

import torch
from torch import Tensor
from torch.nn import functional as F

from llm_notes.checks.check import function, value

_V, _D = 3_000_000, 300  # the vectors that Google published in 2013

tables = value(
    (2 * _V * _D, 4 * _V * _D),
    {
        "one table": (
            (_V * _D, 4 * _V * _D),
            "A word is trained twice: once as input, once as output.",
        ),
        "both kept": (
            (2 * _V * _D, 8 * _V * _D),
            "The parameters are right. The table of outputs is thrown away at the end.",
        ),
        "numbers": (
            (2 * _V * _D, _V * _D),
            "The second is a number of numbers: float32 takes 4 bytes for each.",
        ),
        "bits": (
            (2 * _V * _D, 32 * _V * _D),
            "The second is in bits: 8 of them are a byte.",
        ),
        "hidden layer": (
            (2 * _V * _D + _D * _D, 4 * _V * _D),
            "There is no hidden layer between the two tables.",
        ),
    },
    tolerance=1e-9,
    praise="Two tables are trained, and one of them is kept.",
)


def _ppmi(counts: Tensor) -> Tensor:
    return _pmi(counts).clamp(min=0)


def _pmi(counts: Tensor) -> Tensor:
    """log of a count over what chance would give; -inf where nothing was counted."""
    chance = counts.sum(1, keepdim=True) * counts.sum(0) / counts.sum()
    return (counts / chance).log()


_COUNTS = torch.tensor([[8.0, 0, 2, 1], [1, 6, 1, 0], [3, 2, 5, 7]])
_MORE = torch.tensor([[4.0, 1], [0, 9], [2, 2], [7, 0], [1, 3]])

ppmi = function(
    _ppmi,
    {
        "negative": (
            _pmi,
            "The 'positive' is missing: what is rarer than chance, or was never seen, "
            "counts as zero.",
        ),
        "only seen": (
            lambda counts: torch.where(counts > 0, _pmi(counts), 0.0),
            "Pairs that were never seen are zero now; pairs that are rarer than chance "
            "have to be zero, too.",
        ),
        "no total": (
            lambda counts: (
                (counts / (counts.sum(1, keepdim=True) * counts.sum(0)))
                .log()
                .clamp(min=0)
            ),
            "The total is missing: counts are not probabilities before they are "
            "divided by the sum of all.",
        ),
        "bits": (
            lambda counts: _ppmi(counts) / torch.tensor(2.0).log(),
            "These are bits. The book's logarithm is the natural one.",
        ),
        "no logarithm": (
            lambda counts: _pmi(counts).exp(),
            "That is the ratio itself; its logarithm is asked for.",
        ),
        "rows only": (
            lambda counts: (
                (counts / counts.sum(1, keepdim=True) * counts.size(1))
                .log()
                .clamp(min=0)
            ),
            "Every context passes as equally common: divide by the sum of its column, "
            "too.",
        ),
    },
    probes=[(_COUNTS,), (_MORE,)],
    praise="How much more often than by chance, and nothing below zero.",
)


def _cosines(vectors: Tensor, query: Tensor) -> Tensor:
    return F.normalize(vectors, dim=-1) @ query


def _offset(vectors: Tensor, a: int, b: int, c: int) -> Tensor:
    unit = F.normalize(vectors, dim=-1)
    return unit[b] - unit[a] + unit[c]


def _best(scores: Tensor, left_out: tuple = ()) -> int:
    scores = scores.clone()
    scores[list(left_out)] = -float("inf")
    return int(scores.argmax())


def _solve(vectors: Tensor, a: int, b: int, c: int) -> int:
    return _best(_cosines(vectors, _offset(vectors, a, b, c)), (a, b, c))


def _table(seed: int, n_words: int, width: int) -> Tensor:
    """Words whose vectors differ in length, as those of real words do."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.rand(n_words, 1, generator=generator).mul(4).exp()
    return torch.randn(n_words, width, generator=generator) * lengths


analogy = function(
    _solve,
    {
        "not left out": (
            lambda v, a, b, c: _best(_cosines(v, _offset(v, a, b, c))),
            "One of the three words of the question is the answer: leave them out.",
        ),
        "one left out": (
            lambda v, a, b, c: _best(_cosines(v, _offset(v, a, b, c)), (c,)),
            "Only c is left out: a and b may not be the answer either.",
        ),
        "turned round": (
            lambda v, a, b, c: _best(_cosines(v, _offset(v, b, a, c)), (a, b, c)),
            "The step is turned round: it goes from a to b, so it is b - a.",
        ),
        "lengths": (
            lambda v, a, b, c: _best(_cosines(v, v[b] - v[a] + v[c]), (a, b, c)),
            "Long vectors outweigh short ones: give a, b and c the length one first.",
        ),
        "products": (
            lambda v, a, b, c: _best(v @ _offset(v, a, b, c), (a, b, c)),
            "That is the largest product, which long vectors win: compare directions.",
        ),
        "only c": (
            lambda v, a, b, c: _best(_cosines(v, F.normalize(v, dim=-1)[c]), (a, b, c)),
            "That is the neighbour of c: the step from a to b has no part in it.",
        ),
    },
    probes=[
        (_table(seed, n_words, width), a, b, c)
        for seed, n_words, width, a, b, c in (
            (0, 40, 4, 1, 5, 9),
            (1, 30, 6, 0, 2, 29),
            (2, 50, 3, 7, 3, 11),
            (3, 60, 5, 20, 41, 33),
            (4, 25, 8, 24, 4, 14),
            (5, 20, 3, 0, 2, 1),
        )
    ],
    praise="The same as `models.nearest.analogy`.",
)
