r"""Is a model right as often as it is sure? Reliability, and one number for it.

Predictions are sorted into bins by their confidence; in each, the mean confidence is
compared with the share that was right. `viz.calibration` draws such bins.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class ReliabilityBins(NamedTuple):
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

        $$\mathrm{ECE} = \sum_{m=1}^{M} \mathrm{share}_m\,
          |\mathrm{accuracy}_m - \mathrm{confidence}_m|$$

        (Naeini et al. 2015; Guo et al. 2017, equation 3). It depends on the bins, and
        chance alone makes it larger than 0 for a calibrated model, the more so the
        more bins there are.
        """
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(self.share * gaps))


def reliability_bins(
    confidence: ArrayLike,
    correct: ArrayLike,
    n_bins: int = 10,
    bins: Literal["equal-width", "equal-mass"] = "equal-width",
) -> ReliabilityBins:
    """Sort N predictions into M bins by their confidence.

    Args:
        confidence: (N,) the probability that the model gave to each prediction.
        correct: (N,) booleans, whether the prediction was right.
        n_bins: M.
        bins: "equal-width" cuts 0 to 1 into M equal parts, each with its lower edge;
            "equal-mass" puts N / M predictions into each (Nguyen and O'Connor 2015),
            except that equal confidences stay together.

    Raises:
        ValueError: when shapes differ, nothing is given, a confidence is no
            probability, `n_bins` < 1, or `bins` is another word.
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
    if bins == "equal-width":
        chosen = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    elif bins == "equal-mass":
        # The number of smaller ones: the same for equal ones, in whatever order.
        rank = np.searchsorted(np.sort(confidence), confidence)
        chosen = rank * n_bins // len(confidence)
    else:
        raise ValueError(f"bins is {bins!r}; there are 'equal-width' and 'equal-mass'")
    counts = np.bincount(chosen, minlength=n_bins)

    def mean(values):
        sums = np.bincount(chosen, weights=values, minlength=n_bins)
        return np.divide(sums, counts, out=np.full(n_bins, np.nan), where=counts > 0)

    return ReliabilityBins(counts / len(correct), mean(confidence), mean(correct))


def expected_calibration_error(
    confidence: ArrayLike,
    correct: ArrayLike,
    n_bins: int = 10,
    bins: Literal["equal-width", "equal-mass"] = "equal-width",
) -> float:
    """The mean gap between confidence and accuracy over bins, 0 to 1.

    Takes and refuses what `reliability_bins` does; the formula is at
    `ReliabilityBins.expected_error`.
    """
    return reliability_bins(confidence, correct, n_bins, bins).expected_error
