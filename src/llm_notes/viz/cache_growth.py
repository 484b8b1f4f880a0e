"""How a cache of keys and values grows while tokens are generated.

Knows no cache: it takes how many bytes, or slots, each kind holds after each step.
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import literal_legend, visible
from llm_notes.viz.style import LINES, PALETTE

_BYTES = [(2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")]
MAX_ROWS = 100


def plot_cache_growth(
    sizes: Mapping[str, object],
    steps=None,
    *,
    unit: str = "bytes",
    ax: Axes | None = None,
) -> Axes:
    """Draw what each kind of cache holds after each step and return the Axes.

    sizes: {kind: (N,)}, such as growing, static and windowed; a kind whose room grows
        in jumps is drawn in jumps. steps: (N,) number of tokens read (default: 1 ...).
    unit: "bytes", shown in KiB, MiB ... as they fit, or the name of another unit, such
        as "slots".

    Raises ValueError when there is none, the lengths differ, or a size is below 0.
    """
    made = {name: np.asarray(values, dtype=float) for name, values in sizes.items()}
    if not made:
        raise ValueError("plot_cache_growth needs sizes: {kind: (N,) numbers}")
    n_steps = len(next(iter(made.values())))
    steps = np.arange(1, n_steps + 1) if steps is None else np.asarray(steps, float)
    for name, values in made.items():
        if values.shape != steps.shape or values.ndim != 1 or not n_steps:
            raise ValueError(
                f"{name!r} has sizes of shape {values.shape} for {len(steps)} steps: "
                "give one for each step"
            )
        if not (values >= 0).all():
            raise ValueError(f"{name!r} holds a size below 0 or none")
    if ax is None:
        _, ax = plt.subplots()
    largest = max(values.max() for values in made.values())
    factor, name_of_unit = 1, unit
    if unit == "bytes":
        factor, name_of_unit = next(u for u in _BYTES if largest >= u[0] or u[0] == 1)
    handles = []
    for i, values in enumerate(made.values()):
        handles += ax.step(
            steps, values / factor, where="post", color=PALETTE[i % len(PALETTE)],
            linestyle=LINES[i % len(LINES)], linewidth=max(1.6, 3.2 - 0.8 * i),
        )  # fmt: skip
    ax.set_ylim(0, 1.08 * largest / factor or 1)
    ax.set_xlabel("tokens read")
    ax.set_ylabel(f"cache ({name_of_unit})")
    literal_legend(ax, handles, list(made))
    parts = [
        f"{visible(name, False)} from {number(v[0] / factor)} to "
        f"{number(v[-1] / factor)}"
        for name, v in made.items()
    ]
    text = f"Cache in {name_of_unit} over tokens read: {'; '.join(parts)}."
    chosen = np.linspace(0, n_steps - 1, min(n_steps, MAX_ROWS)).round().astype(int)
    rows = [(steps[i], *(v[i] / factor for v in made.values())) for i in chosen]
    describe(ax, text, ("tokens read", *(f"{n} ({name_of_unit})" for n in made)), rows)
    return ax
