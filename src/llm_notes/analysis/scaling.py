"""Power laws through measured losses, and what they say about the best size.

Loss as a function of parameters P and tokens N, in the form of Hoffmann et al. (2022).
Fits are least squares. For given exponents the rest is linear, so only the exponents
are searched, on a grid that is refined: no start value, the same result each time.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
_STEPS, _ROUNDS = 15, 8  # points of each axis of the grid, and refinements


class PowerLaw(NamedTuple):
    """a x^-b + c."""

    a: float
    b: float
    c: float

    def __call__(self, x: ArrayLike) -> Array:
        return self.a * np.asarray(x, dtype=float) ** -self.b + self.c


class ParametricLoss(NamedTuple):
    """E + A P^-alpha + B N^-beta: what no model beats, size, and data."""

    E: float
    A: float
    alpha: float
    B: float
    beta: float

    def __call__(self, n_parameters: ArrayLike, n_tokens: ArrayLike) -> Array:
        size = self.A * np.asarray(n_parameters, dtype=float) ** -self.alpha
        data = self.B * np.asarray(n_tokens, dtype=float) ** -self.beta
        return self.E + size + data

    def best(self, flops: ArrayLike) -> tuple[Array, Array]:
        r"""The P and N of least loss among those with $6PN$ = `flops`.

        $$P = G\,(C/6)^{\beta/(\alpha+\beta)}, \quad N = (C/6)/P, \quad
          G = (\alpha A / \beta B)^{1/(\alpha+\beta)}$$
        """
        products = np.asarray(flops, dtype=float) / 6
        together = self.alpha + self.beta
        ratio = self.alpha * self.A / (self.beta * self.B)
        n_parameters = (ratio * products**self.beta) ** (1 / together)
        return n_parameters, products / n_parameters


# Hoffmann et al. 2022, section 3.3, and the same data fitted again by Besiroglu et al.
# 2024; nats per token of their own text and tokenizer.
CHINCHILLA = ParametricLoss(1.69, 406.4, 0.34, 410.7, 0.28)
CHINCHILLA_AGAIN = ParametricLoss(1.8172, 482.01, 0.3478, 2085.43, 0.3658)


def fit_power_law(x: ArrayLike, y: ArrayLike, floor: float | None = None) -> PowerLaw:
    """The least-squares a x^-b + c with a, c >= 0 and b in [0.01, 3].

    Args:
        x, y: (M,) measurements, x above 0.
        floor: c, where it is given and not fitted.

    Raises:
        ValueError: for fewer points than numbers to fit, or an x that is not above 0.
    """
    x, y = _require_points([x], y, n_free=3 if floor is None else 2)
    (b,), (a, *c) = _search(x, y, floor, (0.01, 3.0))
    return PowerLaw(a, b, c[0] if floor is None else floor)


def fit_parametric(
    n_parameters: ArrayLike,
    n_tokens: ArrayLike,
    losses: ArrayLike,
    floor: float | None = None,
) -> ParametricLoss:
    """The least-squares E + A P^-alpha + B N^-beta with E, A, B >= 0.

    Args:
        n_parameters, n_tokens, losses: (M,) one run each.
        floor: E, where it is given and not fitted.

    Raises:
        ValueError: see `fit_power_law`.
    """
    n_free = 5 if floor is None else 4
    x, y = _require_points([n_parameters, n_tokens], losses, n_free)
    (alpha, beta), (size, data, *least) = _search(x, y, floor, (0.01, 2.0))
    E = least[0] if floor is None else floor
    return ParametricLoss(E, size, alpha, data, beta)


def bootstrap_fits(
    fit: Callable[..., NamedTuple],
    columns: list[ArrayLike],
    generator: np.random.Generator,
    n_resamples: int = 200,
) -> list[NamedTuple]:
    """The same fit on resampled points, drawn with replacement.

    Samples with fewer different points than columns of the data can pin down are
    drawn again, so that each fit has something to hold.

    Args:
        fit: takes the columns, such as `fit_power_law`.
        columns: (M,) arrays, the arguments of `fit`.
        generator: draws the resamples.
        n_resamples: how many fits to return.
    """
    arrays = [np.asarray(column, dtype=float) for column in columns]
    n_points, fits = len(arrays[0]), []
    while len(fits) < n_resamples:
        rows = generator.integers(n_points, size=n_points)
        if all(len(set(a[rows])) >= min(3, len(set(a))) for a in arrays[:-1]):
            fits.append(fit(*(a[rows] for a in arrays)))
    return fits


def _require_points(x: list[ArrayLike], y: ArrayLike, n_free: int):
    made = [np.asarray(one, dtype=float) for one in x]
    y = np.asarray(y, dtype=float)
    if any(one.shape != y.shape or one.ndim != 1 for one in made):
        shapes = ", ".join(str(one.shape) for one in [*made, y])
        raise ValueError(f"each point needs all its numbers; got shapes {shapes}")
    if len(y) < n_free:
        raise ValueError(f"{len(y)} points cannot tell {n_free} numbers: measure more")
    if not all((one > 0).all() for one in made):
        raise ValueError("sizes must be above 0, they stand under a power")
    return made, y


def _nonnegative(columns: Array, y: Array) -> tuple[Array, Array]:
    """Least squares with weights of 0 or more, for many sets of columns at once.

    The few columns allow to try each choice of those that are left out.

    Args:
        columns: (..., M, K). y: (M,).

    Returns:
        weights (..., K) and the squared errors (...,).
    """
    lengths = np.linalg.norm(columns, axis=-2)
    units = columns / lengths[..., None, :]
    gram, aims = units.swapaxes(-1, -2) @ units, y @ units
    n_columns = columns.shape[-1]
    weights = np.zeros(lengths.shape)
    errors = np.full(lengths.shape[:-1], float(y @ y))
    for chosen in range(1, 2**n_columns):
        kept = [i for i in range(n_columns) if chosen >> i & 1]
        ridge = 1e-13 * np.eye(len(kept))  # columns of small exponents are alike
        part = gram[..., kept, :][..., :, kept] + ridge
        found = np.linalg.solve(part, aims[..., kept, None])
        rests = y - (units[..., kept] @ found)[..., 0]
        error = np.where((found[..., 0] >= 0).all(-1), np.square(rests).sum(-1), np.inf)
        whole = np.zeros(lengths.shape)
        whole[..., kept] = found[..., 0]
        weights = np.where((error < errors)[..., None], whole, weights)
        errors = np.minimum(errors, error)
    return weights / lengths, errors


def _search(
    x: list[Array], y: Array, floor: float | None, limits: tuple[float, float]
) -> tuple[list[float], list[float]]:
    """Exponents and weights of least error: a grid, ever finer around its best."""
    constant = [] if floor is not None else [np.ones_like(y)]
    y_left = y - (floor or 0.0)
    first, last = np.log(np.array([limits] * len(x))).T
    low, high = first, last
    for _ in range(_ROUNDS):
        axes = [np.linspace(a, b, _STEPS) for a, b in zip(low, high, strict=True)]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
        powers = [
            one ** -np.exp(exponent)[:, None]
            for one, exponent in zip(x, grid.T, strict=True)
        ]
        parts = [np.broadcast_to(part, powers[0].shape) for part in constant]
        weights, errors = _nonnegative(np.stack([*powers, *parts], -1), y_left)
        at = int(np.argmin(errors))
        width = (high - low) / 5
        low = np.maximum(first, grid[at] - width)
        high = np.minimum(last, grid[at] + width)
    return np.exp(grid[at]).tolist(), weights[at].tolist()
