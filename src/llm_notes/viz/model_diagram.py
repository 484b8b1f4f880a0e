"""The parts of a model as a picture, drawn from the living module.

It cannot go stale: another layer is another box. Parts stand in the order in which the
module names them; what flows where is not in the object, so there are no arrows (for
those: `architecture.plot_residual_stack`). Knows no model.
"""

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle

from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import visible
from llm_notes.viz.module_tree import Part, module_tree
from llm_notes.viz.style import INK, PALE, PALETTE, QUIET, QUIET_TEXT

_WIDTH, _INDENT, _ROW = 5.6, 0.14, 0.25  # inches
_COUNT_FROM = 4.35  # where the column of parameter counts begins
_LETTER = 0.083  # inches of one character at 9.5 points, for cutting names


def plot_model(module: Any, *, depth: int = 3, ax: Axes | None = None) -> Axes:
    """Draw the parts of any torch module, within each other, and return the Axes.

    A row for each part: its name, its class, its sizes, and its parameters with a bar
    for their share of all. Equal parts are one row or one frame with "12 ×"; dropout,
    which has no weights, is left out. A part that is used twice is counted once.

    depth: levels that are opened. ax: where to draw; as high as the number of rows
        needs when not given.

    Raises TypeError for what is no module, ValueError for a depth below 1.
    """
    root = module_tree(module, depth)
    rows = list(root.walk())
    made_here = ax is None
    if made_here:
        _, ax = plt.subplots()
    height = _draw(ax, root, 0, 0.0, 1, max(root.total, 1))
    if made_here:
        ax.figure.set_size_inches(_WIDTH, height + 0.1)
    ax.set_xlim(-0.05, _WIDTH + 0.05)
    ax.set_ylim(height, -0.05)
    ax.set_axis_off()
    _describe(ax, root, rows)
    return ax


def _draw(ax: Axes, part: Part, level: int, top: float, factor: int, total: int):
    """One part and those within it, below `top`; returns where the next one begins."""
    factor *= part.copies
    left, right = level * _INDENT, _WIDTH - 0.05 * level
    top += 0.05 if part.copies > 1 and part.parts else 0.0  # for the edges behind it
    y = top + _ROW
    for inner in part.parts:
        y = _draw(ax, inner, level + 1, y, factor, total)
    bottom = y + (0.06 if part.parts else -0.02)
    _draw_box(ax, part, left, right, top, bottom, level)
    middle = top + _ROW / 2
    _draw_words(ax, part, left + 0.08, middle)
    _draw_count(ax, part, middle, factor, total)
    return bottom + 0.02


def _draw_box(ax, part: Part, left, right, top, bottom, level) -> None:
    """A frame around a part; several copies show the edge of one more behind it."""
    colour = PALETTE[0] if part.copies > 1 and part.parts else QUIET
    if part.copies > 1 and part.parts:
        for shift in (0.05, 0.025):
            ax.add_patch(
                _frame(
                    left + shift, top - shift, right + shift - 0.05, bottom - shift,
                    colour, level - 0.5,
                )
            )  # fmt: skip
        right -= 0.05
    ax.add_patch(_frame(left, top, right, bottom, colour, level))


def _frame(left, top, right, bottom, colour, zorder) -> FancyBboxPatch:
    return FancyBboxPatch(
        (left, top), right - left, bottom - top,
        boxstyle="round,pad=0,rounding_size=0.05", facecolor="white",
        edgecolor=colour, linewidth=0.9, zorder=zorder,
    )  # fmt: skip


def _draw_words(ax: Axes, part: Part, x: float, y: float) -> None:
    words = {"va": "center", "parse_math": False, "zorder": 50}
    copies = f"{part.copies} × " if part.copies > 1 else ""
    name, what = visible(part.name, edges=False), f"{copies}{part.kind}"
    sizes = part.sizes.split(", ") if part.sizes else []
    room = int((_COUNT_FROM - x - 0.15) / _LETTER)
    # What does not fit: first the later sizes, then the names after the first.
    while sizes and len(name) + len(what) + len(", ".join(sizes)) + 2 > room:
        if ", " in name and len(sizes) == 1:
            break
        sizes.pop()
    detail = "  ".join([what, ", ".join(sizes)]).strip()
    if len(name) + len(detail) > room and ", " in name:
        names = name.split(", ")
        name = f"{names[0]} … {names[-1]}"
        if len(name) + len(detail) > room:
            name = f"{names[0]} …"
    ax.text(x, y, name, fontsize=9.5, color=INK, fontweight="bold", **words)
    if part.kind == part.name:  # the whole
        detail = "parameters"
    if detail:
        ax.text(
            _COUNT_FROM - 0.08, y, detail, fontsize=9, color=QUIET_TEXT, ha="right",
            **words,
        )  # fmt: skip


def _draw_count(ax: Axes, part: Part, y: float, factor: int, total: int) -> None:
    width = _WIDTH - 0.25 - _COUNT_FROM
    share = factor * part.n_parameters / total
    if part.n_parameters and not part.parts:
        ax.add_patch(
            Rectangle((_COUNT_FROM, y - 0.08), width * share, 0.16, color=PALE,
                      linewidth=0, zorder=49)
        )  # fmt: skip
    text = f"{factor * part.n_parameters:,}" if part.n_parameters else "–"
    if part.shared:
        text = "shared"
    ax.text(
        _COUNT_FROM + width, y, text, ha="right", va="center", fontsize=9, color=INK,
        parse_math=False, zorder=51,
    )  # fmt: skip


def _describe(ax: Axes, root: Part, rows: list) -> None:
    parts = [
        (f"{p.copies} × " if p.copies > 1 else "")
        + f"{p.kind} ({p.name}, {number(p.total)})"
        for p in root.parts
    ]
    text = f"{root.kind}: {number(root.total)} parameters in {', '.join(parts)}."
    table = [
        ("· " * level + part.name, part.kind, part.sizes, copies,
         "shared" if part.shared else str(copies * part.n_parameters))
        for level, copies, part in rows
    ]  # fmt: skip
    describe(ax, text, ("part", "class", "sizes", "copies", "parameters"), table)
