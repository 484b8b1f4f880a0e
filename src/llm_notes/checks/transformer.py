"""Exercises of the chapter on the Transformer."""

import numpy as np

from llm_notes.checks.check import function, value

_D, _F = 512, 2048
_ATTENTION = 4 * (_D * _D + _D)
_FEED_FORWARD = 2 * _D * _F + _F + _D
_NORM = 2 * _D
_BLOCK = 2 * _ATTENTION + _FEED_FORWARD + 3 * _NORM

decoder_block = value(
    _BLOCK,
    {
        "encoder block": (
            _ATTENTION + _FEED_FORWARD + 2 * _NORM,
            "That is a block of the encoder: the decoder's has a second attention, "
            "with its norm.",
        ),
        "no biases": (
            8 * _D * _D + 2 * _D * _F + 3 * _NORM,
            "The biases are missing: each linear map has one number for each output.",
        ),
        "no norms": (
            2 * _ATTENTION + _FEED_FORWARD,
            "The norms are missing: each has a gain and a shift.",
        ),
        "gains only": (
            2 * _ATTENTION + _FEED_FORWARD + 3 * _D,
            "Each norm has a shift beside its gain.",
        ),
        "two norms": (
            _BLOCK - _NORM,
            "One norm is missing: there is one for each of the three parts.",
        ),
        "three maps": (
            2 * 3 * (_D * _D + _D) + _FEED_FORWARD + 3 * _NORM,
            "An attention has four maps: queries, keys, values, and the output.",
        ),
        "per head": (
            2 * 8 * _ATTENTION + _FEED_FORWARD + 3 * _NORM,
            "Heads share the width: H heads of width D / H cost what one of D does.",
        ),
    },
    tolerance=1e-9,
    praise="Two attentions, one feed-forward layer, three norms.",
)


def _pre_norm(x, norm, attend, feed_forward):
    x = x + attend(norm(x))
    return x + feed_forward(norm(x))


def _post_norm(x, norm, attend, feed_forward):
    x = norm(x + attend(x))
    return norm(x + feed_forward(x))


def _norm_in_stream(x, norm, attend, feed_forward):
    x = norm(x)
    x = norm(x + attend(x))
    return x + feed_forward(x)


def _side_by_side(x, norm, attend, feed_forward):
    return x + attend(norm(x)) + feed_forward(norm(x))


def _no_residual(x, norm, attend, feed_forward):
    return feed_forward(norm(attend(norm(x))))


def _outside(x, norm, attend, feed_forward):
    x = x + norm(attend(x))
    return x + norm(feed_forward(x))


def _one_norm(x, norm, attend, feed_forward):
    x = x + attend(norm(x))
    return x + feed_forward(x)


def _unit(x):
    deviation = x.std(-1, keepdims=True)
    return (x - x.mean(-1, keepdims=True)) / deviation


def _running_mean(x):
    return np.cumsum(x, 0) / np.arange(1, len(x) + 1)[:, None]


def _bend(x):
    return np.maximum(x, 0) @ np.triu(np.ones((x.shape[-1],) * 2))


_PROBES = [
    (np.random.default_rng(seed).normal(2.0, 3.0, shape), _unit, _running_mean, _bend)
    for seed, shape in enumerate([(3, 4), (5, 7)])
]

pre_norm_block = function(
    _pre_norm,
    {
        "post-norm": (
            _post_norm,
            "That is post-norm: the stream itself goes through the norm.",
        ),
        "norm in the stream": (
            _norm_in_stream,
            "The stream is overwritten by its norm; x has to stay, and only what a "
            "part reads is normed.",
        ),
        "side by side": (
            _side_by_side,
            "The feed-forward layer reads the old x: it has to see what attention "
            "wrote.",
        ),
        "no residual": (
            _no_residual,
            "The parts replace x: each has to be added to it.",
        ),
        "outputs normed": (
            _outside,
            "What the parts give is normed, and what they read is not: turn it round.",
        ),
        "one norm": (
            _one_norm,
            "The feed-forward layer reads the stream as it is: it has a norm too.",
        ),
    },
    probes=_PROBES,
    praise="The stream is only added to; the parts read its norm.",
)


def _angles(length, width, step=2, first=0):
    speeds = 10_000.0 ** (-step * np.arange(width // 2) / width)
    return (np.arange(length) + first)[:, None] * speeds


def _in_turn(even, odd):
    return np.stack([even, odd], -1).reshape(len(even), -1)


def _sinusoids(length, width):
    angles = _angles(length, width)
    return _in_turn(np.sin(angles), np.cos(angles))


def _halves(length, width):
    angles = _angles(length, width)
    return np.concatenate([np.sin(angles), np.cos(angles)], -1)


def _swapped(length, width):
    angles = _angles(length, width)
    return _in_turn(np.cos(angles), np.sin(angles))


def _from_one(length, width):
    angles = _angles(length, width, first=1)
    return _in_turn(np.sin(angles), np.cos(angles))


def _too_fast(length, width):
    angles = _angles(length, width, step=1)
    return _in_turn(np.sin(angles), np.cos(angles))


def _own_speeds(length, width):
    angles = np.arange(length)[:, None] * 10_000.0 ** (-np.arange(width) / width)
    return np.where(np.arange(width) % 2, np.cos(angles), np.sin(angles))


sinusoids = function(
    _sinusoids,
    {
        "halves": (
            _halves,
            "All sines stand before all cosines. That is a known layout, but here "
            "they take turns: dimension 2i and dimension 2i + 1.",
        ),
        "swapped": (_swapped, "Sine and cosine are swapped: dimension 0 is a sine."),
        "from one": (_from_one, "Positions begin at 0, and yours at 1."),
        "exponent": (
            _too_fast,
            "The speeds fall too slowly: the exponent is -2i / D, for pair i.",
        ),
        "own speeds": (
            _own_speeds,
            "Sine and cosine of a pair have one speed: dimensions 2i and 2i + 1 "
            "share it.",
        ),
    },
    probes=[(3, 4), (7, 6), (40, 8)],
    praise="Each pair is a clock hand with a speed of its own.",
)

longer_than = value(
    4 * 512,
    {
        "projections": (
            2 * 512,
            "That is where the table overtakes the projections of attention. Here it "
            "has to overtake the feed-forward layer.",
        ),
        "without the width": (4, "The width D is missing: both grow with it."),
        "both": (
            6 * 512,
            "That is where the table costs as much as all matrices of the block.",
        ),
        "one product": (
            8 * 512,
            "The table is used twice: for the scores, and for the average.",
        ),
    },
    tolerance=1e-9,
    praise="4 T² D = 16 T D² at T = 4 D.",
)
