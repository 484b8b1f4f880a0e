"""Exercises of the chapter on attention."""

import torch

from llm_notes.checks.check import function, value

_CELLS = 8 * 12 * 1024 * 1024  # texts, heads, queries, keys
_ZERO = 1023 / 2048

weights_table = value(
    (4 * _CELLS, _ZERO),
    {
        "numbers": (
            (_CELLS, _ZERO),
            "These are numbers, not bytes: float32 takes 4 bytes for each.",
        ),
        "one text": ((4 * _CELLS // 8, _ZERO), "That is one text, and there are 8."),
        "one head": ((4 * _CELLS // 12, _ZERO), "That is one head, and there are 12."),
        "half": (
            (4 * _CELLS, 0.5),
            "The bytes are right. The share is a little less than a half: each token "
            "does see itself.",
        ),
        "seen": (
            (4 * _CELLS, 1 - _ZERO),
            "The bytes are right. That is the share that may be above zero.",
        ),
    },
    tolerance=1e-9,
    praise="B H tables of T T numbers, and T (T − 1) / 2 cells of each are the future.",
)


def _back(length: int) -> torch.Tensor:
    """How far key s is behind query t: (T, T)."""
    return torch.arange(length)[:, None] - torch.arange(length)


sliding_window = function(
    lambda length, window: (_back(length) >= 0) & (_back(length) < window),
    {
        "turned over": (
            lambda length, window: ~((_back(length) >= 0) & (_back(length) < window)),
            "The mask is turned over: True has to mean 'may attend'.",
        ),
        "both sides": (
            lambda length, window: _back(length).abs() < window,
            "Tokens see what comes after them: the window has to end at the token.",
        ),
        "looks ahead": (
            lambda length, window: (_back(length) <= 0) & (_back(length) > -window),
            "Rows are queries and columns keys: your tokens see those that come after "
            "them, not those before.",
        ),
        "without itself": (
            lambda length, window: (_back(length) > 0) & (_back(length) <= window),
            "A token does not see itself. The first row is empty, and its softmax 0/0.",
        ),
        "one too many": (
            lambda length, window: (_back(length) >= 0) & (_back(length) <= window),
            "One token too many: the window counts the token itself.",
        ),
        "no window": (
            lambda length, window: _back(length) >= 0,
            "That is the causal mask: it has no window yet.",
        ),
    },
    probes=[(6, 3), (5, 1), (4, 9)],
    praise="The last tokens, itself included; a wide window is the causal mask.",
)

power = value(
    0.5,
    {
        "none": (0.0, "Without a divisor wide heads are too sharp: look at the table."),
        "the width": (
            1.0,
            "Divided by the width, wide heads are blind: all weights are equal.",
        ),
        "a quarter": (0.25, "Nearer, but wide heads are still sharper than narrow."),
        "a square": (2.0, "The scores would vanish: the power is below one."),
    },
    praise="The deviation of a sum of d products grows as the root of d.",
)
