r"""Is a model right as often as it is sure? The expected calibration error.

Predictions are sorted into bins by their confidence; in each, the mean confidence is
compared with the share that was right. `viz.calibration` draws such bins.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike


def expected_calibration_error(
    confidence: ArrayLike,
    correct: ArrayLike,
    n_bins: int = 10,
    bins: Literal["equal-width", "equal-mass"] = "equal-width",
) -> float:
    r"""The mean gap between confidence and accuracy over bins, 0 to 1.

    $$\mathrm{ECE} = \sum_{m=1}^{M} \frac{n_m}{N}\,
      |\mathrm{acc}_m - \mathrm{conf}_m|$$

    (Naeini et al. 2015; Guo et al. 2017, equation 3). It depends on the bins, and
    chance alone makes it larger than 0 for a calibrated model, the more so the more
    bins there are.

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
    # In a bin, n * |acc - conf| is the size of the sum of the differences.
    gaps = np.bincount(chosen, weights=correct - confidence, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(correct))
