"""The same automaton, fed with the bytes of UTF-8: a token may end within a character.

A byte-level token can be the first half of an é. Its bytes are alive as long as some
character that begins with them is. Within a character, the state is what the rest of it
decides; equal rests share one state. This module knows no tokens.

Source: Unicode Standard, table 3-7 (well-formed UTF-8).
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from llm_notes.inference.constrained.automaton import (
    DEAD,
    START,
    CharacterAutomaton,
    character_automaton,
)
from llm_notes.inference.constrained.pattern import parse_pattern, whole_text
from llm_notes.inference.constrained.syntax import Node

# Lead bytes: the first and the one after the last, the bytes that follow, and the
# smallest code point that may be written so.
_LEADS = ((0xC0, 0xE0, 1, 0x80), (0xE0, 0xF0, 2, 0x800), (0xF0, 0xF8, 3, 0x10000))

Runs = list[tuple[int, int]]  # (offset, next state) where the next state changes


@dataclass(frozen=True)
class Automaton:
    """A deterministic automaton over bytes; state 0 is dead, state 1 is the start.

    From every other state, some text can be completed.

    Args:
        table: (states, 256), the next state.
        accepting: (states,), whether what was read matches.
    """

    table: NDArray[np.int32]
    accepting: NDArray[np.bool_]

    def step(self, state: int, data: bytes) -> int:
        """The state after some bytes; 0 when no match can begin with what was read."""
        for byte in data:
            state = int(self.table[state, byte])
        return state

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        data = text.encode(errors="surrogatepass")  # no state survives a surrogate
        return bool(self.accepting[self.step(START, data)])


def regular_expression(pattern: str) -> Automaton:
    r"""The automaton of a regular expression.

    It accepts what `re.fullmatch(pattern, text, re.ASCII)` does; the module
    `llm_notes.inference.constrained.pattern` lists the syntax.

    Raises:
        PatternError: for what is wrong or not supported, for a pattern without any
            match, and for one whose automaton would become too large.
    """
    return byte_automaton(whole_text(parse_pattern(pattern)))


def byte_automaton(node: Node) -> Automaton:
    """The automaton of a pattern's parts. Raises PatternError, as above."""
    characters = character_automaton(node)
    within = _Within(len(characters.table))
    rows = [_row(characters, row.tolist(), within) for row in characters.table]
    table = np.array(rows + within.rows, dtype=np.int32)
    accepting = np.zeros(len(table), dtype=bool)
    accepting[: len(rows)] = characters.accepting
    return Automaton(table, accepting)


class _Within:
    """The states within a character, numbered from `first` on."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.rows: list[list[int]] = []
        self._known: dict[tuple[int, ...], int] = {}

    def state(self, runs: Runs, n_left: int) -> int:
        """The state with `n_left` bytes to come; runs begin at offset 0.

        Bytes that follow are 0x80 to 0xBF; each stands for six bits of the offset.
        """
        if n_left == 0:
            return runs[0][1]
        if all(target == DEAD for _, target in runs):
            return DEAD
        key = (n_left, *(number for run in runs for number in run))
        if key not in self._known:
            width = 64 ** (n_left - 1)
            row = [DEAD] * 256
            for i in range(64):
                part = _slice(runs, i * width, (i + 1) * width)
                row[0x80 + i] = self.state(part, n_left - 1)
            self._known[key] = self.first + len(self.rows)
            self.rows.append(row)
        return self._known[key]


def _row(automaton: CharacterAutomaton, targets: list[int], within: _Within) -> list:
    """The 256 next states of one state between two characters."""
    pieces = zip(automaton.bounds, automaton.kinds, strict=True)
    steps = ((bound, targets[kind]) for bound, kind in pieces)
    # Intervals that lead to the same state are one.
    runs = [next(group) for _, group in groupby(steps, key=lambda run: run[1])]
    row = [DEAD] * 256
    for byte in range(0x80):
        row[byte] = _slice(runs, byte, byte + 1)[0][1]
    for first, end, n_left, smallest in _LEADS:
        width = 64**n_left
        for byte in range(first, end):
            start = (byte - first) * width
            stop = start + width  # beyond Unicode, the runs are dead
            low = max(start, smallest)
            if low >= stop:
                continue
            part = _slice(runs, low, stop)
            part = [(offset + low - start, target) for offset, target in part]
            if low > start:  # a longer form than needed is no UTF-8
                part = [(0, DEAD), *part]
            row[byte] = within.state(part, n_left)
    return row


def _slice(runs: Runs, start: int, stop: int) -> Runs:
    """The runs from `start` to before `stop`, with offsets from `start`."""
    first = bisect_right(runs, start, key=lambda run: run[0]) - 1
    last = bisect_left(runs, stop, key=lambda run: run[0])
    return [(max(offset - start, 0), target) for offset, target in runs[first:last]]
