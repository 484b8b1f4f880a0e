"""Exercises of the chapter on text and tokens."""

import math
from collections.abc import Callable

from llm_notes.checks.check import function, value

_LN2 = math.log(2)
same_scale = value(
    (2.4 / _LN2 / 3, 3.1 / _LN2 / 4),
    {
        "still nats": (
            (2.4 / 3, 3.1 / 4),
            "These are nats per byte. Bits are nats divided by ln 2.",
        ),
        "per token": (
            (2.4 / _LN2, 3.1 / _LN2),
            "These are bits per token. How many bytes does a token stand for?",
        ),
        "multiplied": (
            (2.4 / _LN2 * 3, 3.1 / _LN2 * 4),
            "A token's bits are shared by its bytes: divide by their number.",
        ),
        "wrong way": (
            (2.4 * _LN2 / 3, 3.1 * _LN2 / 4),
            "You multiplied by ln 2. A nat is more than a bit, so the number grows.",
        ),
        "changed places": (
            (3.1 / _LN2 / 4, 2.4 / _LN2 / 3),
            "The numbers are right, and A and B have changed places.",
        ),
    },
    tolerance=6e-3,
    praise="B is the better model, though its loss per token is the higher one.",
)


def _join(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    """Every place of a pair, from the left, without overlap."""
    joined: list[str] = []
    for symbol in symbols:
        # What has been joined is longer than the left half: "aaa" becomes aa, a.
        if joined and (joined[-1], symbol) == pair:
            joined[-1] += symbol
        else:
            joined.append(symbol)
    return joined


def _in_order(symbols: list[str], merges: list[tuple[str, str]]) -> list[str]:
    for pair in merges:
        symbols = _join(symbols, tuple(pair))
    return list(symbols)


def _once_each(symbols: list[str], merges: list[tuple[str, str]]) -> list[str]:
    symbols = list(symbols)
    for a, b in merges:
        for i in range(len(symbols) - 1):
            if (symbols[i], symbols[i + 1]) == (a, b):
                symbols[i : i + 2] = [a + b]
                break
    return symbols


def _longest_first(symbols: list[str], merges: list[tuple[str, str]]) -> list[str]:
    text, pieces = "".join(symbols), []
    known = {a + b for a, b in merges} | set(symbols)
    while text:
        end = next(n for n in range(len(text), 0, -1) if text[:n] in known)
        pieces.append(text[:end])
        text = text[end:]
    return pieces


def _from_the_left(symbols: list[str], merges: list[tuple[str, str]]) -> list[str]:
    symbols, pairs = list(symbols), {tuple(pair) for pair in merges}
    i = 0
    while i < len(symbols) - 1:
        if (symbols[i], symbols[i + 1]) in pairs:
            symbols[i : i + 2] = [symbols[i] + symbols[i + 1]]
            i = max(0, i - 1)
        else:
            i += 1
    return symbols


_HAND = [("r", "n"), ("t", "u"), ("tu", "rn"), ("r", "e")]
encode = function(
    _in_order,
    {
        "once each": (
            _once_each,
            "Each merge was made at one place only. A merge joins every such pair.",
        ),
        "longest first": (
            _longest_first,
            "You took the longest piece that is listed, as WordPiece does. Byte pairs "
            "are joined in the order in which they were learned.",
        ),
        "from the left": (
            _from_the_left,
            "You joined the first pair that has any merge. The earliest merge comes "
            "first, wherever its pair stands.",
        ),
        "last merge first": (
            lambda symbols, merges: _in_order(symbols, merges[::-1]),
            "The merges were made in the reverse order: late ones need early ones.",
        ),
        "text": (
            lambda symbols, merges: " ".join(_in_order(symbols, merges)),
            "The pieces are right, and the answer is a text. A list is asked for.",
        ),
    },
    probes=[
        (list("returns"), _HAND),
        (list("turnturn"), _HAND),
        (list("abc"), [("b", "c"), ("a", "b")]),
        (list("abcab"), [("a", "b"), ("b", "c"), ("a", "bc")]),
        (list("aaa"), [("a", "a")]),
    ],
    praise="Merges are made in the order of learning, each at every place.",
)


def _one_space(text: str) -> str:
    return " ".join(text.split())


def _share(size: Callable, same: Callable) -> Callable:
    def leaked(train: list[str], held_out: list[str]) -> float:
        known = {same(paragraph) for paragraph in train}
        copies = [size(p) for p in held_out if same(p) in known]
        return sum(copies) / sum(map(size, held_out))

    return leaked


def _n_bytes(text: str) -> int:
    return len(text.encode())


_leak = _share(_n_bytes, _one_space)
leak = function(
    _leak,
    {
        "paragraphs": (
            _share(lambda paragraph: 1, _one_space),
            "That is the share of paragraphs. A long copy gives away more than a short "
            "one: count bytes.",
        ),
        "characters": (
            _share(len, _one_space),
            "That counts characters. Outside ASCII one of them takes several bytes.",
        ),
        "white space": (
            _share(_n_bytes, lambda paragraph: paragraph),
            "A copy with another indentation escapes you. Compare the paragraphs with "
            "white space brought to one form.",
        ),
        "other way": (
            lambda train, held_out: _leak(held_out, train),
            "That is the share of the training text that is held out, too. Divide by "
            "what is held out.",
        ),
        "not copied": (
            lambda train, held_out: 1 - _leak(train, held_out),
            "That is the share that does not leak.",
        ),
    },
    probes=[
        (
            ["See also:", "a  b\nc", "the end", "x = 1"],
            ["a b c", "déjà vu", "new text here", "See also:"],
        ),
        (["déjà vu", "one"], ["déjà vu", "two of them"]),
        (["a"], ["b b", "cc"]),
    ],
    praise="By bytes, whatever the white space: what corpus.leaked_share computes.",
)
