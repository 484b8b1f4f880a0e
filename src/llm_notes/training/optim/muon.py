"""Muon: a hidden matrix moves equally far in all directions that its gradient has."""

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor

from llm_notes.training.optim.base import ListOptimizer

# Jordan et al. (2024): the steepest slope at zero that stays bounded.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalise(
    matrices: Tensor,
    ns_steps: int = 5,
    ns_coefficients: tuple[float, float, float] = COEFFICIENTS,
    eps: float = 1e-7,
) -> Tensor:
    r"""Near the orthogonal matrix: all singular values become about 1.

    For $G = U S V^\top$ the nearest (semi-)orthogonal matrix is $U V^\top$. A few
    Newton-Schulz iterations come close to it with products alone (Jordan et al. 2024;
    Bernstein & Newhouse 2024):

    $$X_0 = G / \lVert G \rVert_F, \qquad A = X_k X_k^\top, \qquad
      X_{k+1} = a X_k + (b A + c A^2)\, X_k$$

    Each iteration maps every singular value by $s \to a s + b s^3 + c s^5$. The
    coefficients of Jordan et al. do not converge to 1; they reach the neighbourhood,
    0.7 to 1.2, sooner, and that is enough for an optimiser.

    Args:
        matrices: (..., M, N), a batch of matrices.
        ns_steps: iterations.
        ns_coefficients: a, b, c.
        eps: the smallest norm that is divided by, for a gradient of zero.

    Returns:
        (..., M, N), in the type of `matrices`, in which it also computes.
    """
    is_tall = matrices.size(-2) > matrices.size(-1)
    x = matrices.mT if is_tall else matrices  # the smaller side gives the smaller A
    shape = x.shape
    x = x.reshape(-1, *shape[-2:])
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=eps)
    if x.size(-1) >= 2 * x.size(-2):
        x = _iterate_gram(x, ns_steps, ns_coefficients)
    else:
        x = _iterate(x, ns_steps, ns_coefficients)
    x = x.view(shape)
    return x.mT if is_tall else x


def _iterate(x: Tensor, n_steps: int, coefficients: tuple[float, ...]) -> Tensor:
    """The iteration as it is written: 4 M^2 N + 2 M^3 operations a step."""
    a, b, c = coefficients
    for _ in range(n_steps):
        gram = torch.bmm(x, x.mT)
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)  # b A + c A^2
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return x


def _iterate_gram(x: Tensor, n_steps: int, coefficients: tuple[float, ...]) -> Tensor:
    """The same product in another order: no step touches the long side.

    With Q = a I + b A + c A^2 the next A is Q A Q, and all Q together are multiplied
    to x at the end: 8 M^3 operations a step, fewer when N >= 2 M.
    """
    a, b, c = coefficients
    gram, product = torch.bmm(x, x.mT), None
    for step in range(n_steps):
        q = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        q.diagonal(dim1=-2, dim2=-1).add_(a)
        product = q if product is None else torch.bmm(q, product)
        if step < n_steps - 1:
            gram = torch.bmm(torch.bmm(q, gram), q)
    return x if product is None else torch.bmm(product, x)


class Muon(ListOptimizer):
    r"""Momentum, orthogonalised (Jordan et al. 2024).

    $$b_t = \mu\, b_{t-1} + (1 - \mu)\, g_t, \qquad
      \tilde b_t = \mu\, b_t + (1 - \mu)\, g_t, \qquad
      \theta_t = (1 - \eta\lambda)\,\theta_{t-1}
      - \eta\, f\, \mathrm{NS}(\tilde b_t)$$

    NS is `orthogonalise` and f a factor by shape (M, N), so that one learning rate
    suits all: "original" has $\sqrt{\max(1, M / N)}$; "match_rms_adamw" has
    $0.2\sqrt{\max(M, N)}$, which moves each weight about as far as AdamW does, so that
    AdamW's learning rate and decay fit (Liu et al. 2025, equation 4).

    It is for the hidden matrices alone: tables, heads and vectors are for AdamW
    (`muon_with_adamw`). Matrices of one shape are orthogonalised in one batch. Equal
    to `torch.optim.Muon`, which computes NS in bfloat16: here in `ns_dtype`.

    Args:
        params: matrices, or groups of them.
        lr: learning rate, eta.
        momentum: mu, in [0, 1).
        nesterov: look ahead; the step follows $b_t$ itself when not.
        weight_decay: lambda, decoupled.
        ns_steps, ns_coefficients, eps: see `orthogonalise`.
        adjust_lr_fn: "original" or "match_rms_adamw".
        ns_dtype: the type in which NS computes; that of the gradient when not given.

    Raises:
        ValueError: for settings out of range, or a parameter that is no matrix.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 0.02,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.0,
        ns_steps: int = 5,
        ns_coefficients: tuple[float, float, float] = COEFFICIENTS,
        eps: float = 1e-7,
        adjust_lr_fn: str = "original",
        ns_dtype: torch.dtype | None = None,
    ) -> None:
        self.ns_dtype = ns_dtype
        super().__init__(
            params,
            lr,
            weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_steps=ns_steps,
            ns_coefficients=ns_coefficients,
            eps=eps,
            adjust_lr_fn=adjust_lr_fn,
        )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; its parameters must be matrices."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        shape_factor((1, 1), group["adjust_lr_fn"])  # refuses an unknown name
        for param in group["params"]:
            if param.dim() != 2:
                raise ValueError(
                    f"Muon is for matrices, and a parameter has the shape "
                    f"{tuple(param.shape)}: give that to AdamW (see muon_with_adamw)"
                )

    def update(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> None:
        lr, momentum = group["lr"], group["momentum"]
        directions = self.memory(params, "momentum_buffer")
        torch._foreach_lerp_(directions, grads, 1 - momentum)
        if group["nesterov"]:
            directions = torch._foreach_lerp(grads, directions, momentum)
        if group["weight_decay"]:
            torch._foreach_mul_(params, 1 - lr * group["weight_decay"])

        by_shape = defaultdict(list)  # of the wide form: (M, N) and (N, M) together
        for param, direction in zip(params, directions, strict=True):
            is_tall = param.size(0) > param.size(1)
            wide = direction.mT if is_tall else direction
            by_shape[wide.shape, wide.device].append((param, wide, is_tall))
        for batch in by_shape.values():
            stacked = torch.stack([wide for _, wide, _ in batch])
            orthogonal = orthogonalise(
                stacked.to(self.ns_dtype or stacked.dtype),
                group["ns_steps"],
                group["ns_coefficients"],
                group["eps"],
            )
            for (param, _, is_tall), wide in zip(batch, orthogonal, strict=True):
                rate = lr * shape_factor(param.shape, group["adjust_lr_fn"])
                param.add_(wide.mT if is_tall else wide, alpha=-rate)


def shape_factor(shape: tuple[int, int], adjust_lr_fn: str | None) -> float:
    """What the learning rate of a matrix (M, N) is multiplied by. Raises ValueError."""
    n_rows, n_columns = shape
    if adjust_lr_fn in (None, "original"):  # None: in a state that PyTorch has saved
        return max(1.0, n_rows / n_columns) ** 0.5
    if adjust_lr_fn == "match_rms_adamw":
        return 0.2 * max(n_rows, n_columns) ** 0.5
    raise ValueError(
        f"adjust_lr_fn is {adjust_lr_fn!r}; it must be 'original' or 'match_rms_adamw'"
    )
