"""Bounds on gradients, before a step. Knows parameters, no optimiser."""

from collections.abc import Iterable

import torch
from torch import Tensor


@torch.no_grad()
def clip_by_norm(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    r"""Scale all gradients together so that their norm is at most `max_norm`.

    $$g \leftarrow g \cdot \min\!\left(1, \frac{c}{\lVert g \rVert + 10^{-6}}\right)$$

    where the norm is that of all gradients as one vector, so the direction stays
    (Pascanu, Mikolov, Bengio 2013, algorithm 1). Equal to
    `torch.nn.utils.clip_grad_norm_`.

    Args:
        parameters: those without a gradient are left out.
        max_norm: c, positive; infinity only measures.

    Returns:
        the norm before clipping, a scalar; zero when there is no gradient.

    Raises:
        ValueError: for a bound that is not positive.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm is {max_norm}; it must be above 0")
    grads = [p.grad for p in parameters if p.grad is not None]
    if not grads:
        return torch.tensor(0.0)
    norm = torch.stack(torch._foreach_norm(grads)).norm()
    # No branch on the value: a device need not wait for it.
    torch._foreach_mul_(grads, (max_norm / (norm + 1e-6)).clamp(max=1.0))
    return norm


@torch.no_grad()
def clip_by_value(parameters: Iterable[Tensor], max_value: float) -> None:
    r"""Cut every entry of the gradients to [-c, c]; the direction may change.

    Equal to `torch.nn.utils.clip_grad_value_`.

    Raises:
        ValueError: for a bound that is not positive.
    """
    if not max_value > 0:
        raise ValueError(f"max_value is {max_value}; it must be above 0")
    grads = [p.grad for p in parameters if p.grad is not None]
    if grads:
        torch._foreach_clamp_min_(grads, -max_value)
        torch._foreach_clamp_max_(grads, max_value)
