"""Reliability: is what a model is sure of right as often as it is sure?

Sorts predictions into bins of equal width by their confidence and draws the share of
right ones in each (Guo et al. 2017). Knows no model: it takes confidences and whether
each prediction was right.
"""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from llm_notes.viz.labels import literal_legend
from llm_notes.viz.style import INK, PALETTE


@dataclass(frozen=True)
class ReliabilityBins:
    """Predictions in M bins; an empty bin has NaN for confidence and accuracy.

    share: (M,) of all predictions. confidence: (M,) mean of the probabilities given.
    accuracy: (M,) share of right predictions.
    """

    share: NDArray[np.float64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def expected_error(self) -> float:
        r"""The expected calibration error, 0 to 1.

        $\mathrm{ECE} = \sum_m \mathrm{share}_m\,|\mathrm{accuracy}_m -
        \mathrm{confidence}_m|$ (Guo et al. 2017). It depends on the bins, and chance
        alone makes it larger than 0 for a calibrated model.
        """
        filled = self.share > 0
        gaps = np.abs(self.accuracy - self.confidence)[filled]
        return float(np.sum(self.share[filled] * gaps))


def reliability_bins(confidence, correct, n_bins: int = 10) -> ReliabilityBins:
    """Sort N predictions into bins of equal width between 0 and 1.

    confidence: (N,) the probability that the model gives to its own prediction.
    correct: (N,) booleans, whether the prediction was right.

    Raises ValueError when the shapes differ, nothing is given, a confidence is no
    probability, or `n_bins` < 1.
    """
    confidence = np.asarray(confidence, dtype=float)
    correct = np.asarray(correct, dtype=bool)
    if confidence.ndim != 1 or confidence.shape != correct.shape or not len(correct):
        raise ValueError(
            "calibration needs one confidence for each prediction, at least one; got "
            f"shapes {confidence.shape} and {correct.shape}"
        )
    # Sums of floats may exceed 1 by a rounding error; "not" catches NaN as well.
    if not ((confidence >= 0) & (confidence <= 1 + 1e-6)).all():
        raise ValueError(
            "confidences must be probabilities, from 0 to 1; they range from "
            f"{confidence.min():.4g} to {confidence.max():.4g}"
        )
    if n_bins < 1:
        raise ValueError(f"n_bins is {n_bins}; at least one bin is needed")
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    counts = np.bincount(bins, minlength=n_bins)

    def mean(values):
        sums = np.bincount(bins, weights=values, minlength=n_bins)
        return np.divide(sums, counts, out=np.full(n_bins, np.nan), where=counts > 0)

    return ReliabilityBins(counts / len(correct), mean(confidence), mean(correct))


def plot_reliability(
    bins: ReliabilityBins, label: str = "", *, ax: Axes | None = None
) -> Axes:
    """Draw accuracy over confidence, one marker per filled bin, and return the Axes.

    On the dashed diagonal the two agree; below it the model is too sure of itself.
    A marker's area grows with the share of predictions in its bin, and a thin line
    shows its way to the diagonal. Call again with the same `ax` to compare: each call
    takes the next colour and marker.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(4.4, 4.4))
    entries = getattr(ax, "_llm_notes_reliability", [])
    if not entries:
        ax.plot([0, 1], [0, 1], color=INK, linestyle=(0, (4, 3)), linewidth=1)
    colour, marker = PALETTE[len(entries) % 6], "osD^vP"[len(entries) % 6]
    filled = bins.share > 0
    x, y = bins.confidence[filled], bins.accuracy[filled]
    ax.vlines(x, np.minimum(x, y), np.maximum(x, y), color=colour, linewidth=1)
    sizes = 14 + 500 * bins.share[filled]
    ax.scatter(
        x, y, s=sizes, marker=marker, facecolor=colour if not entries else "white",
        edgecolor=colour, linewidth=1.4, zorder=3,
    )  # fmt: skip
    key = ax.scatter(
        [], [], s=40, marker=marker, facecolor=colour if not entries else "white",
        edgecolor=colour, linewidth=1.4,
    )  # fmt: skip
    entries.append((key, label))
    ax._llm_notes_reliability = entries
    if any(text for _, text in entries):
        keys, texts = zip(*entries, strict=True)
        literal_legend(ax, keys, texts, loc="upper left")
    ax.set_xlim(0, 1.02)
    ax.set_ylim(0, 1.02)
    ax.set_aspect("equal")
    ax.set_xlabel("confidence")
    ax.set_ylabel("share that was right")
    return ax
