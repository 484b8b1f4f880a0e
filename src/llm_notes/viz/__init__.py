"""Figures of the book: arrays in, matplotlib Axes out.

Knows no model, no tokenizer and no corpus: everything that is drawn arrives as an
array (NumPy, or a torch tensor that NumPy can read) and a list of labels.
"""

from llm_notes.viz.attention import plot_attention, plot_attention_heads
from llm_notes.viz.bands import plot_runs
from llm_notes.viz.cache_growth import plot_cache_growth
from llm_notes.viz.colours import SIGNED_COLOURS
from llm_notes.viz.confusion import plot_confusion
from llm_notes.viz.curves import plot_training
from llm_notes.viz.description import describe
from llm_notes.viz.distributions import plot_bars, plot_token_distribution
from llm_notes.viz.embeddings import plot_embeddings
from llm_notes.viz.inline import use_style
from llm_notes.viz.labels import visible
from llm_notes.viz.lags import plot_gradient_by_lag
from llm_notes.viz.masks import plot_mask
from llm_notes.viz.model_diagram import plot_model
from llm_notes.viz.positions import plot_positions
from llm_notes.viz.rotations import plot_products_by_distance, plot_rotations
from llm_notes.viz.scaling import plot_scaling
from llm_notes.viz.style import ATTENTION_COLOURS, PALETTE
from llm_notes.viz.svg import figure_svg
from llm_notes.viz.table import table
from llm_notes.viz.training_panels import plot_training_panels

__all__ = [
    "ATTENTION_COLOURS",
    "PALETTE",
    "SIGNED_COLOURS",
    "describe",
    "figure_svg",
    "plot_attention",
    "plot_attention_heads",
    "plot_bars",
    "plot_cache_growth",
    "plot_confusion",
    "plot_embeddings",
    "plot_gradient_by_lag",
    "plot_mask",
    "plot_model",
    "plot_positions",
    "plot_products_by_distance",
    "plot_rotations",
    "plot_runs",
    "plot_scaling",
    "plot_token_distribution",
    "plot_training",
    "plot_training_panels",
    "table",
    "use_style",
    "visible",
]
