r"""Is system A better than B, or was it the test set? Tests on the same examples.

Both systems answered the same N examples, so what is tested is the difference example
by example, which varies much less than the two scores do. Each p-value is two-sided:
the chance of a difference at least this large, in either direction, if the systems
were equally good.

Shapes: N examples, S statistics of each, R resamples (see `bootstrap`).
"""

from itertools import islice, product
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_notes.metrics.bootstrap import Score, resamples, rows_and_score

_EXACT = 12  # up to 4,096 exchanges all of them are counted
_CHUNK = 2**22  # signs held at once


class PairedTest(NamedTuple):
    """The score of A minus that of B, and the p-value of the test."""

    difference: float
    p_value: float


def paired_bootstrap(
    statistics_a: ArrayLike,
    statistics_b: ArrayLike,
    generator: np.random.Generator,
    score: Score | None = None,
    n_resamples: int = 1000,
) -> PairedTest:
    r"""Resample examples, the same for both systems (Koehn 2004).

    $$p = \frac{1 + \#\{r : |\delta_r - \delta| \ge |\delta|\}}{1 + R}$$

    with δ the difference of the scores and δ_r that of resample r. Resamples scatter
    around δ and not around 0, so the spread is measured from δ (Berg-Kirkpatrick et
    al. 2012).

    Args:
        statistics_a, statistics_b: (N,) scores of single examples, or (N, S)
            statistics with a `score` from sums (R, S) to scores (R,).
        generator: draws the resamples.
        n_resamples: R; no p-value below 1 / (1 + R) can come out.

    Raises:
        ValueError: when the two shapes differ, there are no examples, one has infinity
            or NaN, or R < 1.
    """
    rows_a, rows_b, score = _both(statistics_a, statistics_b, score)
    difference, rounding = _difference(rows_a, rows_b, score)
    drawn = np.concatenate(
        [
            score(weights @ rows_a) - score(weights @ rows_b)
            for weights in resamples(len(rows_a), n_resamples, generator)
        ]
    )
    n_extreme = _at_least(drawn - difference, difference, rounding)
    return PairedTest(difference, (1 + n_extreme) / (1 + n_resamples))


def paired_permutation(
    statistics_a: ArrayLike,
    statistics_b: ArrayLike,
    generator: np.random.Generator | None = None,
    score: Score | None = None,
    n_resamples: int = 10_000,
) -> PairedTest:
    r"""Exchange the two systems' answers at random examples (Fisher 1935; Noreen 1989).

    If the systems are equally good, it does not matter who gave which answer. For the
    mean of scores that means to turn the signs of the N differences. Where at most 12
    examples differ, all exchanges are counted and p is exact; else R are drawn, and
    $p = (1 + \#\{|\delta_r| \ge |\delta|\}) / (1 + R)$.

    Args:
        statistics_a, statistics_b: (N,) scores of single examples, or (N, S)
            statistics with a `score` from sums (R, S) to scores (R,).
        generator: draws the exchanges; needed when more than 12 examples differ.
        n_resamples: R.

    Raises:
        ValueError: when the two shapes differ, there are no examples, one has infinity
            or NaN, R < 1, or the generator is missing.
    """
    rows_a, rows_b, score = _both(statistics_a, statistics_b, score)
    difference, rounding = _difference(rows_a, rows_b, score)
    change = rows_b - rows_a
    change = change[change.any(axis=1)]  # exchanging equals changes nothing
    exact = len(change) <= _EXACT
    if exact:
        n_drawn = 2 ** len(change)
        signs = product((0.0, 1.0), repeat=len(change))
    elif generator is None:
        raise ValueError(
            f"{len(change)} examples differ, too many to count all exchanges; pass a "
            "generator that draws some, such as numpy.random.default_rng(0)"
        )
    elif n_resamples < 1:
        raise ValueError(f"n_resamples is {n_resamples}; draw at least one")
    else:
        n_drawn = n_resamples
        signs = (generator.integers(2, size=len(change)) for _ in range(n_drawn))
    n_extreme = 0
    sum_a, sum_b = rows_a.sum(axis=0), rows_b.sum(axis=0)
    n_at_once = max(1, _CHUNK // max(1, len(change)))
    while chunk := list(islice(signs, n_at_once)):
        moved = np.asarray(chunk, dtype=float).reshape(len(chunk), -1) @ change
        drawn = score(sum_a + moved) - score(sum_b - moved)
        n_extreme += _at_least(drawn, difference, rounding)
    p_value = n_extreme / n_drawn if exact else (1 + n_extreme) / (1 + n_drawn)
    return PairedTest(difference, p_value)


def mcnemar_exact(correct_a: ArrayLike, correct_b: ArrayLike) -> PairedTest:
    r"""McNemar's test (1947) for right and wrong answers, exact.

    Only examples that one system got right and the other wrong say who is better. If
    the systems are equally good, each of these n falls to either by a fair coin:

    $$p = \min\Bigl(1,\; 2 \sum_{i=0}^{m} \binom{n}{i} 2^{-n}\Bigr)$$

    with m the smaller of the two numbers.

    Args:
        correct_a, correct_b: (N,) booleans, whether A and B got each example right.

    Returns:
        the difference of the accuracies and p, which is 1 when no example differs.

    Raises:
        ValueError: when the two shapes differ, there are no examples, or an entry is
            neither 0 nor 1.
    """
    for correct in (correct_a, correct_b):
        if np.ndim(correct) != 1 or not np.isin(np.asarray(correct), (0, 1)).all():
            raise ValueError(
                "correct must be (N,) booleans, or 0 and 1; compare scores of another "
                "kind by paired_permutation"
            )
    a, b, _ = _both(np.asarray(correct_a, bool), np.asarray(correct_b, bool), None)
    only_a, only_b = int((a > b).sum()), int((a < b).sum())
    n = only_a + only_b
    tail = sum(comb(n, i) for i in range(min(only_a, only_b) + 1))
    return PairedTest((only_a - only_b) / len(a), min(1.0, 2 * tail / 2**n))


def _both(
    statistics_a: ArrayLike, statistics_b: ArrayLike, score: Score | None
) -> tuple[NDArray, NDArray, Score]:
    if np.shape(statistics_a) != np.shape(statistics_b):
        raise ValueError(
            f"statistics have shapes {np.shape(statistics_a)} and "
            f"{np.shape(statistics_b)}; a paired test needs both systems on the same "
            "examples"
        )
    rows_a, scored = rows_and_score(statistics_a, score)
    rows_b, _ = rows_and_score(statistics_b, score)
    return rows_a, rows_b, scored


def _difference(rows_a: NDArray, rows_b: NDArray, score: Score) -> tuple[float, float]:
    """The difference of the scores, and by how much rounding may change it.

    The same sum in another order may differ in its last digits.
    """
    a, b = (float(score(rows.sum(axis=0)[None])[0]) for rows in (rows_a, rows_b))
    return a - b, 1e-9 * (abs(a) + abs(b))


def _at_least(drawn: NDArray, difference: float, rounding: float) -> int:
    return int((np.abs(drawn) >= abs(difference) - rounding).sum())
