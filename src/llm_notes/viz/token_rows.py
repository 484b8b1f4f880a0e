"""Rows of tokens below each other: what a model reads, and what it has to predict.

Knows no objective: it takes the words, and which of them are marked.
"""

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from llm_notes.viz.description import describe
from llm_notes.viz.labels import visible
from llm_notes.viz.style import INK, PALE, QUIET

_LONGEST = 8  # characters that fit into a cell


def plot_token_rows(
    rows: Mapping[str, Sequence[str | None]],
    marked: Mapping[str, Collection[int]] | None = None,
    *,
    lines_after: Collection[str] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw one row of cells for each name and return the Axes.

    rows: {name: tokens}; rows may differ in length, and None leaves a cell empty: no
        token, or nothing to predict. Long tokens are cut.
    marked: {name: places}, cells with a blue ground.
    lines_after: names below which a line parts the rows.

    Raises ValueError when there is no token, or a mark is for no cell.
    """
    marked = dict(marked or {})
    width = max((len(tokens) for tokens in rows.values()), default=0)
    if not width:
        raise ValueError("plot_token_rows needs a row with a token: {name: tokens}")
    for name, places in marked.items():
        if name not in rows or any(not 0 <= p < len(rows[name]) for p in places):
            raise ValueError(f"{name!r} has no cells {sorted(places)} to be marked")
    if unknown := set(lines_after) - set(rows):
        raise ValueError(f"no row is called {sorted(unknown)}: no line can follow it")
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 0.36 * len(rows) + 0.2))
    longest = max(len(visible(name, False)) for name in rows)
    y, table = 0.0, []
    for name, tokens in rows.items():
        _text(ax, -0.15, y + 0.5, visible(name, edges=False), "right")
        for x, token in enumerate(tokens):
            told = "" if token is None else visible(token, edges=False)
            if len(told) > _LONGEST:
                told = told[: _LONGEST - 1] + "…"
            is_marked = x in marked.get(name, ())
            if token is not None:
                face = PALE if is_marked else "white"
                box = Rectangle((x, y), 0.96, 0.86, facecolor=face, edgecolor=QUIET)
                ax.add_patch(box)
                _text(ax, x + 0.48, y + 0.43, told, "center")
        y += 1.0
        if name in lines_after:
            ax.axhline(y + 0.08, color=INK, linewidth=0.8)
            y += 0.3
        shown = ["" if token is None else token for token in tokens]
        cells = [f"[{t}]" if i in marked.get(name, ()) else t for i, t in
                 enumerate(shown)]  # fmt: skip
        table.append((name, *cells, *[""] * (width - len(tokens))))
    ax.set_xlim(-0.3 - 0.135 * longest, width)
    ax.set_ylim(y, -0.1)
    ax.set_axis_off()
    head = ("row", *(str(i + 1) for i in range(width)))
    n_marked = sum(map(len, marked.values()))
    text = f"{len(rows)} rows of up to {width} tokens: {', '.join(rows)}. "
    describe(ax, f"{text}{n_marked} cells are marked, in brackets here.", head, table)
    return ax


def _text(ax: Axes, x: float, y: float, text: str, side: str) -> None:
    style = {"ha": side, "va": "center", "fontsize": 9, "parse_math": False}
    ax.text(x, y, text, **style)
