"""Exercises of the chapter on decoding."""

import torch

from llm_notes.checks.check import function, value

_ONE = 2 * 32 * 8 * 128 * 8192 * 2  # keys and values, layers, heads, width, ...

cache_size = value(
    (_ONE, 4 * _ONE),
    {
        "keys only": (
            (_ONE // 2, 2 * _ONE),
            "That is the keys alone: the values are kept too.",
        ),
        "single precision": (
            (2 * _ONE, 8 * _ONE),
            "That is four bytes for a number, and these take two.",
        ),
        "one layer": (
            (_ONE // 32, _ONE // 8),
            "That is one layer, and each of the 32 keeps its own.",
        ),
        "one head": (
            (_ONE // 8, _ONE // 8),
            "That is one head: each of the heads of keys and values keeps its own.",
        ),
        "turned over": (
            (4 * _ONE, _ONE),
            "The two are exchanged: sharing makes the cache smaller.",
        ),
        "no saving": (
            (4 * _ONE, 4 * _ONE),
            "The first one counts the heads of the queries: what is kept are keys and "
            "values, and 32 queries share 8 of them.",
        ),
    },
    tolerance=1e-9,
    praise="Two kinds of numbers, for each layer, head, place and position.",
)


def _extended(totals: torch.Tensor, n_beams: int) -> torch.Tensor:
    best, places = totals.flatten().topk(n_beams)
    rows, tokens = places // totals.size(1), places % totals.size(1)
    return torch.stack([rows.to(best), tokens.to(best), best], dim=1)


def _row_by_row(scores: torch.Tensor, log_p: torch.Tensor, n: int) -> torch.Tensor:
    best, tokens = (scores[:, None] + log_p).max(dim=1)
    rows = best.topk(min(n, len(best))).indices
    return torch.stack([rows.to(best), tokens[rows].to(best), best[rows]], dim=1)


def _wrong_place(scores: torch.Tensor, log_p: torch.Tensor, n: int) -> torch.Tensor:
    best, places = (scores[:, None] + log_p).flatten().topk(n)
    rows, tokens = places // len(scores), places % len(scores)
    return torch.stack([rows.to(best), tokens.to(best), best], dim=1)


_EXTEND_PROBES = [
    (
        torch.tensor([0.5, 0.3, 0.2]).log(),
        torch.tensor(
            [
                [0.1, 0.2, 0.3, 0.35, 0.05],
                [0.02, 0.9, 0.03, 0.04, 0.01],
                [0.6, 0.1, 0.1, 0.15, 0.05],
            ]
        ).log(),
        2,
    ),
    (
        torch.tensor([0.6, 0.1]).log(),
        torch.tensor([[0.4, 0.32, 0.2, 0.08], [0.9, 0.05, 0.03, 0.02]]).log(),
        3,
    ),
]

extend = function(
    lambda scores, log_p, n_beams: _extended(scores[:, None] + log_p, n_beams),
    {
        "each its own best": (
            _row_by_row,
            "Each beam is continued once, by its own best token. Two of the best may "
            "come from one beam: all continuations compete together.",
        ),
        "no past": (
            lambda scores, log_p, n_beams: _extended(log_p, n_beams),
            "Only the new tokens are compared: the score of what came before is "
            "missing.",
        ),
        "a product of logs": (
            lambda scores, log_p, n_beams: _extended(scores[:, None] * log_p, n_beams),
            "Logarithms are multiplied: a product of probabilities is a sum of logs.",
        ),
        "probabilities added": (
            lambda scores, log_p, n_beams: _extended(
                (scores.exp()[:, None] + log_p.exp()).log(), n_beams
            ),
            "Probabilities are added: a text has the product of its tokens' "
            "probabilities.",
        ),
        "worst first": (
            lambda scores, log_p, n_beams: _extended(-scores[:, None] - log_p, n_beams),
            "These are the least likely continuations: log p is negative, and the one "
            "nearest to 0 is best.",
        ),
        "wrong width": (
            _wrong_place,
            "The scores are right. A place in the flat table is row times the number "
            "of tokens, plus token: divide by V.",
        ),
    },
    _EXTEND_PROBES,
    praise="All continuations of all beams compete, with the score of their past.",
)


def _share(weights: torch.Tensor) -> torch.Tensor:
    return weights / weights.sum()


residual = function(
    lambda p, q: _share((p - q).clamp(min=0)),
    {
        "not a distribution": (
            lambda p, q: (p - q).clamp(min=0),
            "It does not sum to one: divide what is left by its sum.",
        ),
        "turned over": (
            lambda p, q: _share((q - p).clamp(min=0)),
            "That is what the draft gives too much. What is still due is p minus q.",
        ),
        "the target": (
            lambda p, q: p,
            "That is p itself. Tokens that the draft proposes enough would come too "
            "often: they were accepted already.",
        ),
        "absolute": (
            lambda p, q: _share((p - q).abs()),
            "Where the draft gives too much nothing is due: negative differences are "
            "zero, not positive.",
        ),
        "a quotient": (
            lambda p, q: _share((p / q).clamp(max=1)),
            "That is the acceptance rule again. What is due is a difference, p minus "
            "q.",
        ),
    },
    [
        (
            torch.tensor([0.4, 0.25, 0.2, 0.1, 0.05]),
            torch.tensor([0.2, 0.4, 0.1, 0.25, 0.05]),
        ),
        (torch.tensor([0.1, 0.6, 0.3]), torch.tensor([0.5, 0.3, 0.2])),
    ],
    praise="What the accepted tokens still owe to p, as a distribution.",
)

_MOST = 16  # proposals for each pass that the exercise looks at


def _best(speed) -> int:
    return max(range(_MOST + 1), key=speed)


def _written(alpha: float, n: int) -> float:
    return sum(alpha**i for i in range(n + 1))


best_n_draft = function(
    lambda alpha, cost: _best(lambda n: _written(alpha, n) / (n * cost + 1)),
    {
        "free draft": (
            lambda alpha, cost: _best(lambda n: _written(alpha, n)),
            "The draft is taken as free, so more is always better: divide by what a "
            "round costs.",
        ),
        "no own token": (
            lambda alpha, cost: _best(
                lambda n: (_written(alpha, n) - 1) / (n * cost + 1)
            ),
            "The target's own token is missing: a round without any accepted token "
            "still writes one.",
        ),
        "no pass": (
            lambda alpha, cost: max(
                range(1, _MOST + 1), key=lambda n: _written(alpha, n) / (n * cost)
            ),
            "The pass of the target is missing from the cost.",
        ),
        "all or nothing": (
            lambda alpha, cost: _best(lambda n: (1 + n * alpha**n) / (n * cost + 1)),
            "A draft is not accepted as a whole or not at all: a beginning of it "
            "counts.",
        ),
    },
    [(0.8, 0.05), (0.5, 0.2), (0.9, 0.1), (0.3, 0.5), (0.7, 0.02)],
    praise="Tokens of a round over its cost; where the draft is slow or bad, none.",
)
