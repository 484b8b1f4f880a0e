"""What lines, bars, points and maps show, read from the Axes on which they stand.

Because it is read from what was drawn, it cannot differ from it. Knows nothing of what
the numbers mean: a function that does says so with `describe`.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.container import BarContainer
from numpy.typing import NDArray

from llm_notes.viz.description import Alternative, cell, number
from llm_notes.viz.labels import visible

MAX_ROWS = 60  # of a series; a longer one is thinned, and says so
MAX_SERIES = 5  # named in the sentence
MAX_CELLS = 1600  # of a map; a larger one is described without a table


def read(ax: Axes) -> Alternative | None:
    """A sentence and a table for what stands on the Axes; None if it shows no data."""
    for reader in (read_map, read_bars, read_series):
        if (panel := reader(ax)) is not None:
            return panel
    return None


def read_map(ax: Axes) -> Alternative | None:
    """A matrix drawn as an image or as coloured cells."""
    images = [np.ma.filled(i.get_array().astype(float), np.nan) for i in ax.images]
    meshes = [c for c in ax.collections if isinstance(c, QuadMesh)]
    for mesh in meshes:
        shape = tuple(n - 1 for n in mesh.get_coordinates().shape[:2])
        array = np.ma.filled(np.ma.asarray(mesh.get_array(), float), np.nan)
        images.append(array.reshape(shape))
    matrices = [image for image in images if image.ndim == 2 and image.size]
    if not matrices:
        return None
    values = matrices[0]
    n_rows, n_columns = values.shape
    rows = _tick_labels(ax.yaxis, n_rows)
    columns = _tick_labels(ax.xaxis, n_columns)
    text = f"A map of {n_rows} by {n_columns}{_axes_of(ax)}."
    if np.isfinite(values).any():
        row, column = np.unravel_index(np.nanargmax(values), values.shape)
        largest = number(values[row, column])
        text += f" Largest: {rows[row]}, {columns[column]}: {largest}."
    if values.size > MAX_CELLS:
        return Alternative(text, (), ())
    table = ((rows[i], *map(cell, line)) for i, line in enumerate(values))
    return Alternative(text, ("", *columns), tuple(table))


def read_bars(ax: Axes) -> Alternative | None:
    """Bars, upright or lying; several groups become several columns."""
    groups = [c for c in ax.containers if isinstance(c, BarContainer) and len(c)]
    if not groups:
        return None
    lying = groups[0].orientation == "horizontal"
    names = _tick_labels(ax.yaxis if lying else ax.xaxis, len(groups[0]))
    heights = [
        [bar.get_width() if lying else bar.get_height() for bar in group]
        for group in groups
    ]
    labels = [_label(group.get_label(), f"bars {i}") for i, group in enumerate(groups)]
    value_name = visible(ax.get_xlabel() if lying else ax.get_ylabel(), edges=False)
    if len(groups) == 1:
        labels = [value_name or "value"]
    first = np.array(heights[0], dtype=float)
    most, least = int(np.nanargmax(first)), int(np.nanargmin(first))
    text = (
        f"Bars{f' of {value_name}' if value_name else ''}: largest {names[most]}, "
        f"{number(first[most])}; smallest {names[least]}, {number(first[least])}."
    )
    lengths = {len(group) for group in heights}
    if len(lengths) > 1 or len(first) > MAX_ROWS * 4:
        return Alternative(text, (), ())
    rows = tuple(
        (names[i], *(cell(group[i]) for group in heights)) for i in range(len(first))
    )
    return Alternative(text, ("", *labels), rows)


def read_series(ax: Axes) -> Alternative | None:
    """Lines and points; those that share their x share a table."""
    series = []
    for line in ax.get_lines():
        x, y = (np.asarray(line.get_data()[i], dtype=object) for i in (0, 1))
        if line.get_transform() == ax.transData and len(x) > 1:
            series.append((line.get_label(), x, y))
    for points in ax.collections:
        if isinstance(points, PathCollection) and len(points.get_offsets()):
            x, y = np.ma.filled(points.get_offsets().astype(float), np.nan).T
            series.append((points.get_label(), x, y))
    series = [
        (_label(label, f"series {i + 1}"), *_floats(x, y))
        for i, (label, x, y) in enumerate(series)
    ]
    series = [(label, x, y) for label, x, y in series if len(x)]
    if not series:
        return None
    parts = [
        f"{label} from {number(known[0])} to {number(known[-1])}"
        for label, _, y in series[:MAX_SERIES]
        if len(known := y[np.isfinite(y)])
    ]
    more = len(series) - MAX_SERIES
    parts += [f"and {more} more"] if more > 0 else []
    text = f"Lines or points{_axes_of(ax)}: {'; '.join(parts)}."
    x_name = visible(ax.get_xlabel(), edges=False) or "x"
    same = all(np.array_equal(series[0][1], x) for _, x, _ in series)
    longest = max(len(x) for _, x, _ in series)
    if longest > MAX_ROWS:
        text += f" The table shows {MAX_ROWS} of up to {longest:,} points."
    if same:
        chosen = _thinned(len(series[0][1]))
        rows = [
            (cell(series[0][1][i]), *(cell(y[i]) for _, _, y in series)) for i in chosen
        ]
        head = (x_name, *(label for label, _, _ in series))
    else:
        y_name = visible(ax.get_ylabel(), edges=False) or "y"
        head = ("series", x_name, y_name)
        rows = [
            (label, cell(x[i]), cell(y[i]))
            for label, x, y in series
            for i in _thinned(len(x))
        ]
    return Alternative(text, head, tuple(rows[: 8 * MAX_ROWS]))


def _floats(x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
    """Both as numbers; empty where they are none (dates, categories)."""
    try:
        return np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    except (TypeError, ValueError):
        return np.zeros(0), np.zeros(0)


def _thinned(n: int) -> list[int]:
    """At most MAX_ROWS places, evenly spread, first and last among them."""
    if n <= MAX_ROWS:
        return list(range(n))
    return np.unique(np.linspace(0, n - 1, MAX_ROWS).round().astype(int)).tolist()


def _tick_labels(axis, n: int) -> list[str]:
    """The texts at n ticks, or their numbers where there are no n texts."""
    texts = [label.get_text() for label in axis.get_ticklabels()]
    if len(texts) != n or not any(texts):
        return [str(i) for i in range(n)]
    return [visible(text) or str(i) for i, text in enumerate(texts)]


def _label(given: str, otherwise: str) -> str:
    given = str(given)
    return otherwise if given.startswith("_") or not given else visible(given, False)


def _axes_of(ax: Axes) -> str:
    x, y = (visible(t, edges=False) for t in (ax.get_xlabel(), ax.get_ylabel()))
    if x and y:
        return f" of {y} over {x}"
    return f" over {x}" if x else f" of {y}" if y else ""
