r"""pass@k: how often at least one of k programs passes its tests (Chen et al. 2021).

Knows no programs: it takes how many were drawn for a problem, and how many passed.
"""

from collections.abc import Iterable
from math import comb


def pass_at_k(n_samples: int, n_correct: int, k: int) -> float:
    r"""The chance that k of n samples, drawn without replacement, hold a correct one.

    $$\text{pass@}k = 1 - \binom{n - c}{k} \Big/ \binom{n}{k}$$

    (Chen et al. 2021, equation 1). Over problems its mean is unbiased for the chance
    that k new samples hold a correct one; $1 - (1 - c/n)^k$ is too low.

    Args:
        n_samples: n, the programs drawn for the problem.
        n_correct: c, those of them that passed every test.

    Raises:
        ValueError: unless 1 <= k <= n and 0 <= c <= n.
    """
    if not 1 <= k <= n_samples:
        raise ValueError(
            f"k is {k} and n_samples {n_samples}; pass@k needs at least one and at "
            "most n_samples; draw more samples or take a smaller k"
        )
    if not 0 <= n_correct <= n_samples:
        raise ValueError(f"n_correct is {n_correct}; it lies between 0 and {n_samples}")
    # Whole numbers until the one division: nothing overflows and nothing cancels.
    n_ways = comb(n_samples, k)
    return (n_ways - comb(n_samples - n_correct, k)) / n_ways


def mean_pass_at_k(results: Iterable[tuple[int, int]], k: int) -> float:
    """The mean of `pass_at_k` over problems, each given as (n_samples, n_correct).

    Raises ValueError when there is no problem, and as `pass_at_k`.
    """
    scores = [pass_at_k(n_samples, n_correct, k) for n_samples, n_correct in results]
    if not scores:
        raise ValueError("no problems were given; a mean needs at least one")
    return sum(scores) / len(scores)
