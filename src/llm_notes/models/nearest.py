"""Which vectors lie in the same direction: neighbours of a word, and analogies.

Pure functions of a table of vectors, however it was made; they know ids, not words.
Shapes: V rows of the table, D width of the vectors.
"""

from collections.abc import Iterable

from torch import Tensor, nn


def nearest(
    vectors: Tensor, query: Tensor, n: int = 10, exclude: Iterable[int] = ()
) -> tuple[Tensor, Tensor]:
    """The rows of a table that point most nearly where a vector points.

    Args:
        vectors: (V, D).
        query: (D,), for example `vectors[i]`; only its direction matters.
        n: how many rows.
        exclude: ids that must not come out, such as i itself.

    Returns:
        ids (n,) and their cosines with the query (n,), the nearest first.

    Raises:
        ValueError: when shapes do not fit, or fewer than n rows are left.
    """
    if vectors.dim() != 2 or query.shape != vectors.shape[1:]:
        raise ValueError(
            "vectors must be (V, D) and query (D,), got "
            f"{tuple(vectors.shape)} and {tuple(query.shape)}"
        )
    exclude = sorted(set(exclude))
    if not 1 <= n <= len(vectors) - len(exclude):
        raise ValueError(
            f"n is {n}; {len(vectors)} rows less {len(exclude)} excluded ones leave "
            f"{len(vectors) - len(exclude)}"
        )
    cosines = _unit(vectors) @ _unit(query)  # (V,)
    cosines[exclude] = -float("inf")
    best = cosines.topk(n)
    return best.indices, best.values


def analogy(
    vectors: Tensor, a: int, b: int, c: int, n: int = 1
) -> tuple[Tensor, Tensor]:
    r"""What is to c as b is to a (Mikolov et al. 2013c).

    $$\arg\max_{x \notin \{a, b, c\}} \cos(x,\; \hat b - \hat a + \hat c)$$

    with $\hat v$ the vector of unit length; Levy and Goldberg (2014) call it 3CosAdd.
    The three words themselves never come out: without that rule, the answer would
    often be b or c.

    Args:
        vectors: (V, D).
        a, b, c: ids of three rows.
        n: how many answers.

    Returns:
        ids (n,) and their cosines (n,), the best first.
    """
    unit = _unit(vectors)
    return nearest(unit, unit[b] - unit[a] + unit[c], n, exclude=(a, b, c))


def mean_cosine(vectors: Tensor) -> Tensor:
    """The mean cosine of all pairs of different rows: near 1 is a collapse, ().

    The sum over all pairs is the squared length of the sum of the unit vectors.
    """
    n_rows = len(vectors)
    total = _unit(vectors).sum(dim=0).square().sum()
    return (total - n_rows) / (n_rows * (n_rows - 1))


def _unit(vectors: Tensor) -> Tensor:
    return nn.functional.normalize(vectors, dim=-1)
