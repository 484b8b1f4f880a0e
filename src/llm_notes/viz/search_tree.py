"""The tree of texts that a search looks at, from the first token to the last.

Knows no model and no search: it takes the probability of each beginning, and paths.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import literal_legend, visible
from llm_notes.viz.style import INK, LINES, PALETTE, QUIET

MAX_NODES = 60
Beginning = tuple[str, ...]


def plot_search_tree(
    nodes: Mapping[Beginning, float],
    paths: Mapping[str, Sequence[str]] | None = None,
    *,
    value_format: str = "{:.3g}",
    ax: Axes | None = None,
) -> Axes:
    """Draw beginnings as a tree that grows to the right, and return the Axes.

    nodes: {("the", "list"): 0.3}, each beginning with its probability; siblings stand
        in the order given, and all shorter beginnings of a node must be there too.
    paths: {name: tokens}, drawn as thick lines from the root and named in the legend.

    Raises ValueError for no nodes or more than 60, a node without its parent, a
    probability below 0, or a path that leaves the tree.
    """
    paths = {name: tuple(path) for name, path in (paths or {}).items()}
    _check(nodes, paths)
    order = _places(nodes)
    height = 0.7 + 0.3 * max(row for _, row in order.values())
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, min(max(height, 2.2), 6.0)))
    for path in nodes:
        _edge(ax, order, path, color=QUIET, linewidth=0.9, zorder=1)
    handles = []
    for i, path in enumerate(paths.values()):
        for n in range(1, len(path) + 1):
            line = _edge(
                ax, order, path[:n], color=PALETTE[i % len(PALETTE)],
                linestyle=LINES[i % len(LINES)], linewidth=3 - 0.8 * (i % 3),
                zorder=2 + i,
            )  # fmt: skip
        handles.append(line)
    for path, value in nodes.items():
        ax.text(
            *order[path], f"{visible(path[-1])}  {value_format.format(value)}",
            ha="center", va="center", fontsize=9, color=INK, parse_math=False,
            zorder=20, bbox={"facecolor": "white", "edgecolor": QUIET, "pad": 2.5},
        )  # fmt: skip
    deepest = max(map(len, nodes))
    ax.set_xlim(-0.1, deepest + 0.45)
    ax.set_ylim(max(row for _, row in order.values()) + 0.7, -0.7)
    ax.set_xticks(range(1, deepest + 1))
    ax.set_xlabel("token")
    ax.set_yticks([])
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=0)
    if handles:
        literal_legend(
            ax, handles, list(paths), loc="lower center", bbox_to_anchor=(0.5, 1.0),
            ncols=len(paths), handlelength=3,
        )  # fmt: skip
    _describe(ax, nodes, paths)
    return ax


def _check(nodes: Mapping[Beginning, float], paths: Mapping[str, Beginning]) -> None:
    if not nodes or len(nodes) > MAX_NODES:
        raise ValueError(
            f"a tree of 1 to {MAX_NODES} beginnings can be read, got {len(nodes)}: "
            "leave out the least likely ones"
        )
    for path, value in nodes.items():
        if not path or (len(path) > 1 and path[:-1] not in nodes):
            raise ValueError(f"{path!r} hangs in the air: add {path[:-1]!r}")
        if not value >= 0:
            raise ValueError(f"{path!r} has probability {value}; it must be 0 or more")
    for name, path in paths.items():
        if not path or path not in nodes:
            raise ValueError(f"the path {name!r} ends at {path!r}, which is no node")


def _places(nodes: Mapping[Beginning, float]) -> dict[Beginning, tuple[float, float]]:
    """(depth, row) of each node; leaves take rows in turn, parents their middle."""
    children: dict[Beginning, list[Beginning]] = {(): []}
    for path in nodes:
        children.setdefault(path[:-1], []).append(path)
    places: dict[Beginning, tuple[float, float]] = {}
    n_leaves = 0

    def place(path: Beginning) -> float:
        nonlocal n_leaves
        rows = [place(child) for child in children.get(path, [])]
        if not rows:
            rows, n_leaves = [n_leaves], n_leaves + 1
        row = (rows[0] + rows[-1]) / 2
        places[path] = (len(path), row)
        return row

    place(())
    return places


def _edge(ax: Axes, order: Mapping, path: Beginning, **look):
    (x, y), (to_x, to_y) = order[path[:-1]], order[path]
    (line,) = ax.plot([x, to_x], [y, to_y], **look)
    return line


def _describe(ax: Axes, nodes: Mapping, paths: Mapping) -> None:
    ends = [
        f"{visible(name, False)}: “{' '.join(path)}” {number(nodes[path])}"
        for name, path in paths.items()
    ]
    text = f"A tree of {len(nodes)} beginnings. {'; '.join(ends)}"
    on = {
        path[:n]: visible(name, False)
        for name, path in reversed(paths.items())
        for n in range(1, len(path) + 1)
    }
    rows = [(" ".join(path), value, on.get(path, "")) for path, value in nodes.items()]
    describe(ax, text, ("beginning", "probability", "path"), rows)
