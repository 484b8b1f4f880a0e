r"""From a pattern to a finite automaton: Thompson's construction, then sets of states.

The first automaton may be in several states at once (Thompson 1968); the second one has
a state for each set of them that can occur (Rabin and Scott 1959), so that reading a
character is one look into a table. States from which no text can be completed are cut
off. Characters that no set of the pattern tells apart share a column of the table.

This module knows no bytes and no tokens.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_notes.inference.constrained.characters import CharacterSet
from llm_notes.inference.constrained.pattern import PatternError
from llm_notes.inference.constrained.syntax import (
    Characters,
    Choice,
    Listed,
    Node,
    Repeat,
    Sequence,
)

DEAD = 0
START = 1
MOST_STATES = 100_000


@dataclass(frozen=True)
class CharacterAutomaton:
    """A deterministic automaton; state 0 is dead, state 1 is the start.

    Args:
        bounds: where each interval of code points begins, in order, from 0.
        kinds: the column of each interval.
        table: (states, columns), the next state.
        accepting: (states,), whether what was read matches.
    """

    bounds: list[int]
    kinds: list[int]
    table: NDArray[np.int32]
    accepting: NDArray[np.bool_]


def character_automaton(node: Node) -> CharacterAutomaton:
    """The automaton of a pattern.

    Raises:
        PatternError: when no text matches, or the automaton would become too large.
    """
    builder = _Builder()
    start = builder.new()
    end = builder.add(node, start)
    bounds, kinds, columns = _columns({s for es in builder.edges for s, _ in es})
    n_columns = max(kinds) + 1
    edges = [[(columns[s], target) for s, target in es] for es in builder.edges]

    def reached(states: Iterable[int]) -> frozenset[int]:
        """The states and all that free edges lead to; those on the way are dropped."""
        found = set(states)
        waiting = list(found)
        while waiting:
            new = set(builder.free[waiting.pop()]) - found
            found |= new
            waiting += new
        return frozenset(s for s in found if edges[s] or s == end)

    number = {frozenset[int](): DEAD, reached([start]): START}
    closures: dict[frozenset[int], int] = {}
    rows = [[DEAD] * n_columns]
    accepting = [False]
    waiting = list(number)[1:]
    for states in waiting:  # it grows while it is read
        targets: dict[int, set[int]] = {}
        for state in states:
            for state_columns, target in edges[state]:
                for column in state_columns:
                    targets.setdefault(column, set()).add(target)
        row = [DEAD] * n_columns
        for column, found in targets.items():
            key = frozenset(found)
            if key not in closures:
                closure = reached(key)
                if closure not in number:
                    number[closure] = len(number)
                    waiting.append(closure)
                    _require_size(len(number))
                closures[key] = number[closure]
            row[column] = closures[key]
        rows.append(row)
        accepting.append(end in states)
    table = np.array(rows, dtype=np.int32)
    table[~_living(table, np.array(accepting))[table]] = DEAD
    if not (table[START].any() or accepting[START]):
        raise PatternError("no text matches the pattern; widen it")
    return CharacterAutomaton(bounds, kinds, table, np.array(accepting))


def _living(
    table: NDArray[np.int32], accepting: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """From which states an accepting one can be reached."""
    before: list[list[int]] = [[] for _ in table]
    for state, row in enumerate(table):
        for target in set(row.tolist()):
            before[target].append(state)
    living = accepting.copy()
    waiting = np.flatnonzero(accepting).tolist()
    while waiting:
        for state in before[waiting.pop()]:
            if not living[state]:
                living[state] = True
                waiting.append(state)
    return living


def _columns(
    sets: set[CharacterSet],
) -> tuple[list[int], list[int], dict[CharacterSet, list[int]]]:
    """Cut the code points where sets begin or end; same members, same column.

    Returns:
        bounds and kinds as in `CharacterAutomaton`, and the columns of each set.
    """
    ends = {edge for s in sets for first, last in s for edge in (first, last + 1)}
    bounds = sorted(ends | {0})  # what lies beyond the last set is in none
    members: list[list[int]] = [[] for _ in bounds]
    ordered = sorted(sets)
    for index, ranges in enumerate(ordered):
        for first, last in ranges:
            begin = bisect_right(bounds, first) - 1
            for interval in range(begin, bisect_right(bounds, last)):
                members[interval].append(index)
    number: dict[tuple[int, ...], int] = {}
    kinds = [number.setdefault(tuple(m), len(number)) for m in members]
    columns = {
        ranges: [kind for signature, kind in number.items() if index in signature]
        for index, ranges in enumerate(ordered)
    }
    return bounds, kinds, columns


def _require_size(n_states: int) -> None:
    if n_states > MOST_STATES:
        raise PatternError(
            f"the automaton has more than {MOST_STATES} states: use smaller counts "
            "{m,n}, fewer alternatives, or for a schema a smaller max_depth"
        )


class _Builder:
    """Thompson's automaton: edges that read a character of a set, and free ones.

    `add` never leads an edge back to the state that it begins at, so several parts can
    begin at the same one.
    """

    def __init__(self) -> None:
        self.edges: list[list[tuple[CharacterSet, int]]] = []
        self.free: list[list[int]] = []

    def new(self, *before: int) -> int:
        """A new state, with free edges from the given ones."""
        _require_size(len(self.edges))
        self.edges.append([])
        self.free.append([])
        for state in before:
            self.free[state].append(len(self.free) - 1)
        return len(self.edges) - 1

    def add(self, node: Node, start: int) -> int:
        """Add a part that begins at a state; returns the state at its end."""
        match node:
            case Characters(ranges):
                end = self.new()
                self.edges[start].append((ranges, end))
                return end
            case Sequence(parts):
                for part in parts:
                    start = self.add(part, start)
                return start
            case Choice(options):
                return self.new(*[self.add(option, start) for option in options])
            case Repeat():
                return self._add_repeat(node, start)
            case Listed():
                return self._add_listed(node, start)

    def _add_repeat(self, node: Repeat, start: int) -> int:
        ends = [start] if node.least == 0 else []
        n_copies = max(node.least, 1) if node.most is None else node.most
        state = start
        for i in range(n_copies):
            begin = self.new(state if i == 0 else self.add(node.separator, state))
            state = self.add(node.part, begin)
            if i + 1 >= node.least:
                ends.append(state)
        if node.most is None:  # the last copy again, as often as wanted
            state = self.new(state)
            ends = [state, *ends[:-1]]
            self.free[self.add(node.separator, state)].append(begin)
        return self.new(*ends)

    def _add_listed(self, node: Listed, start: int) -> int:
        before_first = [start]  # as long as nothing has to have been written
        after_some: int | None = None
        for part, required in node.items:
            begins = list(before_first)
            if after_some is not None:
                begins.append(self.add(node.separator, after_some))
            ends = [self.add(part, self.new(*begins))]
            if required:
                before_first = []
            elif after_some is not None:
                ends.append(after_some)
            after_some = self.new(*ends)
        return self.new(*before_first, *([] if after_some is None else [after_some]))
