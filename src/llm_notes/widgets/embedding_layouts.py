"""Where words stand on a flat map: two ways to give up all but two dimensions.

PCA keeps the two directions in which the vectors differ most: every word has a place,
and most of the distances are lost. t-SNE keeps who is near whom and gives up the rest:
how far apart two groups stand says little. `kept_neighbours` measures what is left.
Works on arrays; knows no words. Shapes: N vectors, D width.
"""

import numpy as np

_EXAGGERATED_STEPS = 100  # in which groups are pulled together first


def pca_axes(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    r"""The mean and the two directions of most variance, by SVD.

    $$X - \bar x = U S V^\top$$

    Args:
        vectors: (N, D).

    Returns:
        mean (D,), axes (2, D) of unit length (a second one of zeros when all points
        lie on a line), and the share of the variance that they keep, 0 to 1. An axis
        points to where its largest entry is positive: a sign of its own would differ
        from machine to machine.
    """
    mean = vectors.mean(axis=0)
    _, singular, directions = np.linalg.svd(vectors - mean, full_matrices=False)
    axes = np.zeros((2, vectors.shape[1]))
    n_found = min(2, len(directions))
    axes[:n_found] = directions[:n_found]
    largest = np.abs(axes).argmax(axis=1)
    signs = np.sign(axes[np.arange(2), largest])
    axes *= np.where(signs == 0, 1, signs)[:, None]
    total = (singular**2).sum()
    return mean, axes, float((singular[:2] ** 2).sum() / total) if total else 1.0


def tsne(
    vectors: np.ndarray,
    start: np.ndarray,
    perplexity: float = 12.0,
    n_steps: int = 400,
) -> np.ndarray:
    r"""A map in which neighbours stay neighbours (van der Maaten & Hinton 2008).

    $$p_{ij} \propto e^{-\lVert x_i - x_j \rVert^2 / 2\sigma_i^2}, \qquad
      q_{ij} \propto (1 + \lVert y_i - y_j \rVert^2)^{-1}, \qquad
      \nabla_{y_i} = 4 \sum_j (p_{ij} - q_{ij})\, (y_i - y_j)\, q'_{ij}$$

    with $q'$ before it is normalised. All pairs are computed: for hundreds of points.

    Args:
        vectors: (N, D); N is at least 4.
        start: (N, 2), such as their PCA: the same map each time.
        perplexity: how many neighbours count for each point, on average.
        n_steps: of gradient descent with momentum.

    Returns:
        (N, 2).
    """
    n = len(vectors)
    p = _affinities(vectors, min(perplexity, (n - 1) / 3))
    y = 1e-2 * start / max(np.abs(start).max(), 1e-12)
    # Equal points would never part: a spiral of its own for each, tiny and fixed.
    turns = np.arange(n)
    y = y + 1e-4 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    velocity, gains = np.zeros_like(y), np.ones_like(y)
    rate = max(n / 12, 10.0)
    for step in range(n_steps):
        is_early = step < _EXAGGERATED_STEPS
        closeness = 1 / (1 + _squared_distances(y))
        np.fill_diagonal(closeness, 0)
        q = closeness / closeness.sum()
        force = ((12 if is_early else 1) * p - q) * closeness
        gradient = 4 * (force.sum(axis=1)[:, None] * y - force @ y)
        same = np.sign(gradient) == np.sign(velocity)
        gains = np.maximum(np.where(same, 0.8 * gains, gains + 0.2), 0.01)
        velocity = (0.5 if is_early else 0.8) * velocity - rate * gains * gradient
        y = y + velocity
        y -= y.mean(axis=0)
    return y


def kept_neighbours(
    vectors: np.ndarray, places: np.ndarray, n_neighbours: int = 10
) -> float:
    """How many of a point's nearest neighbours are its nearest on the map, 0 to 1.

    Args:
        vectors: (N, D), compared by cosine.
        places: (N, 2), compared by distance.
        n_neighbours: on both sides; N - 1 when there are fewer.
    """
    n = min(n_neighbours, len(vectors) - 1)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    is_near = [_nearest(-unit @ unit.T, n), _nearest(_squared_distances(places), n)]
    return float((is_near[0] & is_near[1]).sum() / (n * len(vectors)))


def _nearest(distances: np.ndarray, n: int) -> np.ndarray:
    """(N, N) boolean: the n nearest of each row, itself left out."""
    np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")[:, :n]
    is_near = np.zeros(distances.shape, dtype=bool)
    np.put_along_axis(is_near, order, True, axis=1)
    return is_near


def _affinities(vectors: np.ndarray, perplexity: float) -> np.ndarray:
    """(N, N), symmetric, summing to one; each width is found by bisection."""
    distances = _squared_distances(vectors)
    np.fill_diagonal(distances, np.inf)
    # The nearest one at zero: far rows do not underflow, and p stays the same.
    distances -= distances.min(axis=1, keepdims=True)
    scale = np.median(distances[np.isfinite(distances)]) or 1.0
    low, high = np.full(len(vectors), 1e-4 / scale), np.full(len(vectors), 1e4 / scale)
    for _ in range(50):
        beta = np.sqrt(low * high)  # 1 / 2 sigma^2, on a scale of factors
        weights = np.exp(-distances * beta[:, None])
        p = weights / weights.sum(axis=1, keepdims=True)
        entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1)
        is_wide = entropy > np.log(perplexity)
        low, high = np.where(is_wide, beta, low), np.where(is_wide, high, beta)
    return (p + p.T) / p.sum() / 2


def _squared_distances(points: np.ndarray) -> np.ndarray:
    squares = (points**2).sum(axis=1)
    return np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0)
