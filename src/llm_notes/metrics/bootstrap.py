r"""How sure is a score? Confidence intervals from resampled examples (Efron 1979).

A test set is a sample. Drawing as many examples from it, with replacement, again and
again, shows how much the score depends on which examples happen to be there. It shows
nothing of what a new seed of the training would change.

Scores of a corpus need not be means: BLEU is a function of counts summed over its
sentences. So examples come as rows of statistics, and `score` maps sums to scores.
Shapes: N examples, S statistics of each, R resamples.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Score = Callable[[NDArray], NDArray]
_CHUNK = 2**22  # numbers held at once


class Interval(NamedTuple):
    """A score and the interval around it, in the units of the score."""

    estimate: float
    low: float
    high: float


def bootstrap_interval(
    statistics: ArrayLike,
    generator: np.random.Generator,
    score: Score | None = None,
    n_resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """The percentile interval of a score (Efron 1979; Koehn 2004 for BLEU).

    Its ends are quantiles of the score over resamples of the examples. It covers the
    true value less often than `level` when there are few examples (some 20 or less).

    Args:
        statistics: (N,) scores of single examples, or (N, S) statistics of each.
        generator: draws the resamples; one with the same seed gives the same interval.
        score: maps sums of statistics (R, S) to scores (R,), as in
            `bleu_from_statistics`. When not given, the score is the mean over (N,).
        n_resamples: R.
        level: the share of resamples inside, between 0 and 1.

    Raises:
        ValueError: when there are no examples, one or the score of a resample has
            infinity or NaN, shapes do not fit, R < 1, or `level` does not lie between
            0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it must lie between 0 and 1, such as 0.95")
    rows, score = rows_and_score(statistics, score)
    drawn = np.concatenate(
        [
            score(weights @ rows)
            for weights in resamples(len(rows), n_resamples, generator)
        ]
    )
    outside = (1 - level) / 2
    low, high = np.quantile(drawn, [outside, 1 - outside])
    return Interval(float(score(rows.sum(axis=0)[None])[0]), float(low), float(high))


def resamples(
    n_examples: int, n_resamples: int, generator: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """How often each example is in each resample: chunks (r, N) of R rows in all.

    Raises ValueError when R < 1.
    """
    if n_resamples < 1:
        raise ValueError(
            f"n_resamples is {n_resamples}; draw at least one, better 1000"
        )
    chunk = max(1, _CHUNK // n_examples)
    for start in range(0, n_resamples, chunk):
        n_rows = min(chunk, n_resamples - start)
        share = np.full(n_examples, 1 / n_examples)
        yield generator.multinomial(n_examples, share, size=n_rows).astype(float)


def rows_and_score(
    statistics: ArrayLike, score: Score | None
) -> tuple[NDArray[np.float64], Score]:
    """Statistics as (N, S), and the function from their sums (R, S) to scores (R,).

    Raises ValueError when there are no examples, one has infinity or NaN, or a table is
    given without a score.
    """
    rows = np.asarray(statistics, dtype=float)
    if not 1 <= rows.ndim <= 2 or not rows.size:
        raise ValueError(
            "statistics must be (N,) scores or (N, S) rows, with at least one example; "
            f"got shape {rows.shape}"
        )
    if not np.isfinite(rows).all():
        raise ValueError(
            "statistics hold infinity or NaN, and so would the score of any sample; "
            "leave those examples out, for both systems if there are two"
        )
    if score is None:
        if rows.ndim == 2:
            raise ValueError(
                f"statistics of shape {rows.shape} need a score that maps their sums "
                "(R, S) to scores (R,), such as bleu_from_statistics"
            )
        n_examples = len(rows)
        return rows[:, None], lambda sums: sums[:, 0] / n_examples

    def finite_score(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        scores = np.asarray(score(sums), dtype=float)
        if not np.isfinite(scores).all():
            raise ValueError(
                "the score of a resample is infinite or no number; give the score a "
                "value where its denominator is 0"
            )
        return scores

    return rows.reshape(len(rows), -1), finite_score
