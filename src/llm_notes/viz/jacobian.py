"""A matrix of derivatives: which input moves which output, and in what direction.

Knows no function: it takes numbers and labels.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from llm_notes.viz.colours import SIGNED_COLOURS
from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import visible
from llm_notes.viz.style import INK


def plot_jacobian(
    jacobian, outputs: Sequence[str], inputs: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """Draw a matrix of derivatives with its values and return the Axes.

    jacobian: (M, N); rows are outputs, columns inputs. Zero is white, positive blue,
    negative orange with the same strength on either side.

    Raises ValueError when the shape does not fit the labels.
    """
    jacobian = np.asarray(jacobian, dtype=float)
    if jacobian.shape != (len(outputs), len(inputs)):
        raise ValueError(
            f"a Jacobian of shape {jacobian.shape} does not fit {len(outputs)} outputs "
            f"and {len(inputs)} inputs"
        )
    if ax is None:
        size = (1.2 + 0.72 * len(inputs), 0.9 + 0.62 * len(outputs))
        _, ax = plt.subplots(figsize=size)
    strongest = np.abs(jacobian).max() or 1.0
    ax.imshow(
        jacobian, cmap=SIGNED_COLOURS, vmin=-strongest, vmax=strongest, aspect="auto"
    )
    for (row, column), value in np.ndenumerate(jacobian):
        strong = abs(value) > 0.6 * strongest
        ax.text(
            column, row, f"{value:+.2f}", ha="center", va="center", fontsize=9,
            color="white" if strong else INK,
        )  # fmt: skip
    for axis, texts in ((ax.xaxis, inputs), (ax.yaxis, outputs)):
        axis.set_ticks(range(len(texts)))
        axis.set_ticklabels([visible(text) for text in texts], parse_math=False)
        axis.set_tick_params(length=0)
    for side in ("top", "right"):
        ax.spines[side].set_visible(True)
    ax.set_xlabel("logit that moves")
    ax.set_ylabel("probability that answers")
    row, column = np.unravel_index(np.abs(jacobian).argmax(), jacobian.shape)
    text = (
        f"Derivatives of {len(outputs)} outputs by {len(inputs)} inputs. Strongest: "
        f"{visible(outputs[row])} by {visible(inputs[column])}, "
        f"{number(jacobian[row, column])}."
    )
    table = [(str(outputs[i]), *line) for i, line in enumerate(jacobian)]
    describe(ax, text, ("", *map(visible, inputs)), table)
    return ax
