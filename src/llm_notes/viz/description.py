"""How a plot function says what it shows: a sentence and a table, made from its arrays.

For readers who cannot see the figure, and for those who want the numbers. Knows nothing
of where they are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from llm_notes.viz.labels import visible

MAX_TEXT = 300  # characters of a sentence
MAX_ROWS = 400  # of a table
ATTRIBUTE = "_llm_notes_alternative"  # of the Axes or the Figure


@dataclass(frozen=True)
class Alternative:
    """One panel: a sentence, the head of a table, and its rows."""

    text: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def describe(
    drawn: Axes | Figure,
    text: str,
    head: Sequence[str] = (),
    rows: Sequence[Sequence[Any]] = (),
) -> None:
    """Say what a panel, or a whole figure, shows.

    drawn: the Axes, or the Figure when one description covers all of its panels. A
        second call replaces the first.
    text: what is seen and its main finding, cut at 300 characters. head: names of the
        table's columns; rows: texts and numbers. Of more than 400 rows the first 400
        stay, and the text says so.

    Without head and rows the table is read from what stands on the Axes.

    Raises ValueError for a row of another length than the head.
    """
    for i, row in enumerate(rows):
        if len(row) != len(head):
            raise ValueError(
                f"row {i} has {len(row)} cells and the head {len(head)}: give each "
                "row one cell for each column"
            )
    note = ""
    if len(rows) > MAX_ROWS:
        note = f" The table shows the first {MAX_ROWS} of {len(rows):,} rows."
    text = visible(text, edges=False)
    if len(text) + len(note) > MAX_TEXT:
        text = text[: MAX_TEXT - len(note) - 1] + "…"
    table = tuple(tuple(map(cell, row)) for row in rows[:MAX_ROWS])
    head = tuple(visible(name, edges=False) for name in head)
    setattr(drawn, ATTRIBUTE, Alternative(text + note, head, table))


def number(value: float) -> str:
    """A number for a sentence: three digits, thousands apart, whole ones in full.

    What is no number (NaN, infinite) becomes an empty text.
    """
    value = float(value)
    if not np.isfinite(value):
        return ""
    if abs(value) >= 1000 and abs(value) < 1e12 and value != round(value):
        value = float(f"{value:.3g}")
    return f"{round(value):,}" if _is_whole(value) else f"{value:.3g}"


def span(values) -> str:
    """The smallest and the largest of some numbers: "0.2 to 0.9"."""
    values = np.asarray(values, dtype=float)
    return f"{number(np.nanmin(values))} to {number(np.nanmax(values))}"


def cell(value: Any) -> str:
    """A text or a number for a table: four digits, whole numbers in full."""
    if isinstance(value, str):
        return visible(value)
    if value is None or not np.isfinite(float(value)):
        return ""
    value = float(value)
    return str(round(value)) if _is_whole(value) else f"{value:.4g}"


def _is_whole(value: float) -> bool:
    return value == round(value) and abs(value) < 1e12
