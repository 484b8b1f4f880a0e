"""A timeline: one dated event per row, so that crowded years stay legible.

Knows no history: dates, labels and groups are given.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from llm_notes.viz.description import describe
from llm_notes.viz.labels import literal_legend
from llm_notes.viz.style import MARKERS, PALETTE, QUIET


def decimal_year(month: str) -> float:
    """Return the middle of a month "YYYY-MM" as a number of years.

    Raises ValueError for anything else.
    """
    year, _, number = month.partition("-")
    if not (
        len(year) == 4
        and len(number) == 2
        and (year + number).isdecimal()
        and 1 <= int(number) <= 12
    ):
        raise ValueError(f"{month!r} is no month; write it as YYYY-MM, as in 2017-06")
    return int(year) + (int(number) - 0.5) / 12


def plot_timeline(
    months: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw N events, oldest on top, and return the Axes.

    months: "YYYY-MM"; labels: what happened; groups: N names, one colour and marker
    each in the order of their first event. Events of one month keep the given order.

    Raises ValueError when the lengths differ, there is no event, or a month is wrong.
    """
    if not len(months) == len(labels) == len(groups) or not len(months):
        raise ValueError(
            f"a timeline needs one label and one group per month; got {len(months)} "
            f"months, {len(labels)} labels and {len(groups)} groups"
        )
    years = np.array([decimal_year(month) for month in months])
    order = np.argsort(years, kind="stable")
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 0.9 + 0.25 * len(months)))
    rows = np.arange(len(months))
    ax.hlines(rows, years.min(), years[order], color=QUIET, linewidth=0.7, zorder=1)
    names = list(dict.fromkeys(groups[i] for i in order))
    handles = []
    for i, name in enumerate(names):
        inside = [row for row in rows if groups[order[row]] == name]
        (handle,) = ax.plot(
            years[order][inside], inside, linestyle="none", marker=MARKERS[i % 6],
            markersize=6, color=PALETTE[i % len(PALETTE)],
        )  # fmt: skip
        handles.append(handle)
    ax.set_yticks(rows)
    ax.set_yticklabels([labels[i] for i in order], parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel("year")
    literal_legend(
        ax, handles, names, loc="lower right", bbox_to_anchor=(1, 1),
        ncols=min(4, len(names)), handletextpad=0.2, columnspacing=1.0,
    )  # fmt: skip
    first, last = order[0], order[-1]
    text = (
        f"A timeline of {len(months)} events from {months[first]} ({labels[first]}) to "
        f"{months[last]} ({labels[last]}), in {len(names)} groups."
    )
    rows_of_table = [(months[i], labels[i], groups[i]) for i in order]
    describe(ax, text, ("month", "event", "group"), rows_of_table)
    return ax
