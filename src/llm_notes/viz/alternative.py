"""What a figure shows, in words and numbers: a sentence and a table for each panel.

Said by the function that drew it, or read from what was drawn. Knows nothing of where
it is shown.
"""

from collections.abc import Sequence
from dataclasses import asdict

from matplotlib.figure import Figure

from llm_notes.viz.description import ATTRIBUTE, Alternative
from llm_notes.viz.reading import read


def alternatives(figure: Figure) -> list[Alternative]:
    """What a figure shows: one for all of it, or one for each panel with data.

    Panels that nobody described are read (`reading.read`); empty ones are left out.
    """
    if (said := getattr(figure, ATTRIBUTE, None)) is not None:
        return [said]
    found = []
    for ax in figure.axes:
        if ax.get_label() == "<colorbar>" or not ax.get_visible():
            continue
        panel = getattr(ax, ATTRIBUTE, None)
        if panel is None:
            panel = read(ax)
        elif not panel.head and (seen := read(ax)) is not None:
            panel = Alternative(panel.text, seen.head, seen.rows)
        if panel is not None:
            found.append(panel)
    return found


def as_data(panels: Sequence[Alternative]) -> list[dict]:
    """For JSON."""
    return [asdict(panel) for panel in panels]
