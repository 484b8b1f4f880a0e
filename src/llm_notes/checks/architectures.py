"""Exercises of the chapter on architectures."""

import torch

from llm_notes.checks.check import function, value
from llm_notes.models.layers.mask import causal_mask

_SQUARE = 512**2
_WEIGHTS = (6 * 12 + 6 * 16) * _SQUARE

stacks = value(
    (_WEIGHTS, 14),
    {
        "no cross-attention": (
            (12 * 12 * _SQUARE, 12),
            "A block of the decoder has a second attention, across to the encoder.",
        ),
        "cross-attention everywhere": (
            (12 * 16 * _SQUARE, 16),
            "The encoder has nothing to look across to: only the decoder's blocks "
            "have a second attention.",
        ),
        "three matrices": (
            ((6 * 11 + 6 * 14) * _SQUARE, 13),
            "An attention has four matrices: the output is projected, too.",
        ),
        "blocks of the decoder": (
            (_WEIGHTS, 10),
            "The weights are right. A GPT's block has no cross-attention, so it is "
            "smaller than one of the Transformer's decoder.",
        ),
    },
    praise="12 D² without cross-attention and 16 D² with it: 14 blocks of a GPT.",
)


def _columns(length: int, n: int) -> torch.Tensor:
    return (torch.arange(length) < n).expand(length, length)


prefix = function(
    lambda length, n: causal_mask(length) | _columns(length, n),
    {
        "causal": (
            lambda length, n: causal_mask(length),
            "That is a plain decoder: within the prefix, the first place has to see "
            "the last one.",
        ),
        "rows": (
            lambda length, n: causal_mask(length) | _columns(length, n).T,
            "The prefix sees what comes after it. You opened its rows; open its "
            "columns.",
        ),
        "prefix alone": (
            lambda length, n: _columns(length, n),
            "The places behind the prefix do not see each other, nor themselves.",
        ),
        "one too many": (
            lambda length, n: causal_mask(length) | _columns(length, n + 1),
            "One column too many: the first place behind the prefix is seen by it.",
        ),
        "turned over": (
            lambda length, n: ~(causal_mask(length) | _columns(length, n)),
            "The mask is turned over: True has to mean 'may attend'.",
        ),
    },
    probes=[(6, 3), (5, 2), (4, 1)],
    praise="An open square, and a triangle behind it: read both ways, write one way.",
)


def _power(mask: torch.Tensor, n: int) -> torch.Tensor:
    reach = torch.eye(len(mask), dtype=torch.bool)
    for _ in range(n):
        reach = mask.float() @ reach.float() > 0
    return reach


def _with_itself(mask: torch.Tensor) -> torch.Tensor:
    return mask | torch.eye(len(mask), dtype=torch.bool)


_SPARSE = torch.zeros(5, 5, dtype=torch.bool)
_SPARSE[[1, 2, 4, 0], [0, 1, 3, 4]] = True  # nobody sees itself

reach = function(
    lambda mask, n: _power(_with_itself(mask), n),
    {
        "one layer": (
            lambda mask, n: _with_itself(mask),
            "That is one layer. In a deeper one, places look at places that have "
            "looked already.",
        ),
        "no residual": (
            _power,
            "The residual connection is missing: each place keeps what it had, even "
            "where the mask hides it from itself.",
        ),
        "one too many": (
            lambda mask, n: _power(_with_itself(mask), n + 1),
            "One layer too many: with no layer, each output depends on its own input.",
        ),
        "turned round": (
            lambda mask, n: _power(_with_itself(mask), n).T,
            "Rows and columns are exchanged: row t says what output t depends on.",
        ),
        "paths": (
            lambda mask, n: torch.linalg.matrix_power(_with_itself(mask).double(), n),
            "These are numbers of paths. One path is enough: ask whether it is above "
            "zero.",
        ),
    },
    probes=[
        (causal_mask(7, window=2), 3),
        (_SPARSE, 2),
        (_SPARSE, 1),
        (causal_mask(4, window=3), 0),
    ],
    praise="A step along the mask or straight on, once for each layer.",
)

layers = value(
    4,
    {
        "the window": (
            3,
            "Each layer reaches back by less than the window: it counts the token "
            "itself.",
        ),
        "one back": (8, "That is a window of two: here a layer reaches two back."),
        "places": (
            9,
            "There are nine places, and eight steps between the first and the last; "
            "one layer makes two of them.",
        ),
        "half and more": (5, "Four layers of two steps reach eight places back."),
    },
    praise="Two places back in a layer, eight in four.",
)
