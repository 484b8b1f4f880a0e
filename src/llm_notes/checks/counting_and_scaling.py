"""Exercises of the chapter on counting and scaling."""

import math

from llm_notes.checks.check import function, value

# Llama-3-8B: layers, query heads, key/value heads, head width; one text.
_L, _H, _G, _K, _S = 32, 32, 8, 128, 8192
_CACHE = 2 * _L * _G * _K * _S * 2

cache = value(
    _CACHE / 2**30,
    {
        "keys only": (
            _CACHE / 2 / 2**30,
            "One number too few for each place: keys and values are both kept.",
        ),
        "all heads": (
            _CACHE * _H / _G / 2**30,
            "You gave each query head keys of its own. Here several heads share them.",
        ),
        "one layer": (
            _CACHE / _L / 2**30,
            "That is the cache of one layer. Each block has its own keys.",
        ),
        "four bytes": (
            2 * _CACHE / 2**30,
            "You counted float32. Two bytes for each number are given.",
        ),
        "bytes": (float(_CACHE), "These are bytes. The answer is asked for in GiB."),
        "decimal": (
            _CACHE / 1e9,
            "These are GB, powers of ten. A GiB has 1,024 cubed bytes.",
        ),
    },
    tolerance=1e-3,
    praise="Layers, shared heads, width, positions, and two for keys and values.",
)


def _block(D, H, G, K, F):
    return 2 * (2 * D * H * K + 2 * D * G * K + 3 * D * F)


block_flops = function(
    _block,
    {
        "one operation": (
            lambda D, H, G, K, F: _block(D, H, G, K, F) // 2,
            "You counted weights. Each is used twice: for a product and for a sum.",
        ),
        "two maps": (
            lambda D, H, G, K, F: 2 * (2 * D * H * K + 2 * D * G * K + 2 * D * F),
            "A gated feed-forward layer has three maps: gate, up and down.",
        ),
        "no groups": (
            lambda D, H, G, K, F: 2 * (4 * D * H * K + 3 * D * F),
            "Keys and values have G heads here, not H.",
        ),
        "no output map": (
            lambda D, H, G, K, F: 2 * (D * H * K + 2 * D * G * K + 3 * D * F),
            "Attention also mixes its heads at the end: one more map of H K to D.",
        ),
        "backward too": (
            lambda D, H, G, K, F: 3 * _block(D, H, G, K, F),
            "That is training. The forward pass alone is asked for.",
        ),
    },
    probes=[(64, 8, 2, 16, 96), (48, 4, 4, 12, 200), (30, 6, 3, 7, 50)],
    praise="Seven maps, two operations for each weight.",
)


def _best_size(flops, A, alpha, B, beta):
    ratio = alpha * A / (beta * B)
    return (ratio * (flops / 6) ** beta) ** (1 / (alpha + beta))


best_size = function(
    _best_size,
    {
        "no six": (
            lambda C, A, alpha, B, beta: _best_size(6 * C, A, alpha, B, beta),
            "You took P N for the computation. It is 6 P N.",
        ),
        "best data": (
            lambda C, A, alpha, B, beta: C / 6 / _best_size(C, A, alpha, B, beta),
            "That is the number of tokens. The number of parameters is asked for.",
        ),
        "equal terms": (
            lambda C, A, alpha, B, beta: (
                (A / B * (C / 6) ** beta) ** (1 / (alpha + beta))
            ),
            "You made the two terms equal. At the best point their slopes are.",
        ),
        "equal split": (
            lambda C, A, alpha, B, beta: math.sqrt(C / 6),
            "You gave parameters and tokens the same share, whatever the constants.",
        ),
    },
    probes=[
        (1e20, 406.4, 0.34, 410.7, 0.28),
        (6e12, 12.0, 0.3, 34.0, 0.22),
        (1e15, 50.0, 0.5, 90.0, 0.4),
    ],
    praise="There one per cent of parameters gains as much as one per cent of text.",
    tolerance=1e-6,
)
