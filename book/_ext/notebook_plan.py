"""Which notebooks the book has, and the best order to run them in.

Knows the table of contents and who needs whom; runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

import yaml

# What a notebook that never ran is thought to take; only the order depends on it.
UNKNOWN_SECONDS = 30.0


def book_notebooks(root: Path) -> list[str]:
    """Names (paths without suffix) of the notebooks in ``_toc.yml``, in its order."""

    def entries(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (node[k] for k in ("root", "file") if k in node)
            for value in node.values():
                yield from entries(value)
        elif isinstance(node, list):
            for value in node:
                yield from entries(value)

    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    names = [name.removesuffix(".ipynb") for name in entries(toc)]
    return [name for name in names if (root / f"{name}.ipynb").is_file()]


def short(name: str) -> str:
    """How a notebook is called in what the reader sees."""
    return name.removeprefix("notebooks/")


def with_needed(names: Sequence[str], needs: dict[str, list[str]]) -> set[str]:
    """``names`` and everything they need, directly or not."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(needs[name])
    return found


def urgency(needs: dict[str, list[str]], seconds: dict[str, float]) -> dict[str, float]:
    """Seconds from the start of each notebook to the end of the longest chain of
    notebooks that wait for it: start the largest first."""
    total = {}
    for name in reversed(list(TopologicalSorter(needs).static_order())):
        after = [total[other] for other, its in needs.items() if name in its]
        total[name] = seconds.get(name, UNKNOWN_SECONDS) + max(after, default=0.0)
    return total


class Queue:
    """Notebooks that wait to run, handed out longest chain first."""

    def __init__(self, needs: dict[str, list[str]], seconds: dict[str, float]) -> None:
        """``needs`` holds the waiting notebooks only; ``seconds`` their last times.

        Raises graphlib.CycleError when notebooks need each other in a circle.
        """
        self._needs = {name: set(its) for name, its in needs.items()}
        self._urgency = urgency(needs, seconds)

    def __bool__(self) -> bool:
        return bool(self._needs)

    def next_ready(self) -> str | None:
        """Take the most urgent notebook that waits for no other, if there is one."""
        ready = [name for name, its in self._needs.items() if not its]
        if not ready:
            return None
        name = max(ready, key=self._urgency.__getitem__)
        del self._needs[name]
        return name

    def done(self, name: str) -> None:
        """Those that waited for ``name`` need not wait for it any more."""
        for its in self._needs.values():
            its.discard(name)

    def drop_dependents(self, name: str) -> list[str]:
        """Take out all that wait for ``name``, directly or not; returns them."""
        dropped: list[str] = []
        for other in [o for o, its in self._needs.items() if name in its]:
            if self._needs.pop(other, None) is not None:
                dropped += [other, *self.drop_dependents(other)]
        return dropped
