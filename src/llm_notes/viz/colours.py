"""Colours for numbers with a sign.

Negative is orange, zero is white, positive is blue; apart for colour-blind readers.
Knows nothing about what is drawn.
"""

from matplotlib.colors import LinearSegmentedColormap

from llm_notes.viz.style import PALETTE

SIGNED_COLOURS = LinearSegmentedColormap.from_list(
    "llm_notes_signed", [PALETTE[1], "#ffffff", PALETTE[0]]
)
