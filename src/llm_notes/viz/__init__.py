"""Figures of the book: arrays in, matplotlib Axes out.

Knows no model, no tokenizer and no corpus: everything that is drawn arrives as an
array (NumPy, or a torch tensor that NumPy can read) and a list of labels.
"""

from llm_notes.viz.attention import plot_attention, plot_attention_heads
from llm_notes.viz.curves import plot_training
from llm_notes.viz.distributions import plot_bars, plot_token_distribution
from llm_notes.viz.inline import use_style
from llm_notes.viz.labels import visible
from llm_notes.viz.style import ATTENTION_COLOURS, PALETTE
from llm_notes.viz.svg import figure_svg

__all__ = [
    "ATTENTION_COLOURS",
    "PALETTE",
    "figure_svg",
    "plot_attention",
    "plot_attention_heads",
    "plot_bars",
    "plot_token_distribution",
    "plot_training",
    "use_style",
    "visible",
]
