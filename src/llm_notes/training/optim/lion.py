"""Lion: only the sign of the momentum counts."""

from typing import Any

import torch
from torch import Tensor

from llm_notes.training.optim.base import ListOptimizer


class Lion(ListOptimizer):
    r"""Evolved sign momentum (Chen et al. 2023, algorithm 2).

    $$\theta_t = \theta_{t-1} - \eta\,\big(
      \mathrm{sign}(\beta_1 m_{t-1} + (1 - \beta_1)\, g_t)
      + \lambda\,\theta_{t-1}\big), \qquad
      m_t = \beta_2 m_{t-1} + (1 - \beta_2)\, g_t$$

    Every weight moves by exactly the learning rate, so that wants to be 3 to 10 times
    smaller than Adam's, and the decay as much larger (section 5 of the paper). One
    average is kept for each weight; Adam keeps two.

    Args:
        params: parameters or groups.
        lr: learning rate, eta.
        betas: beta_1 for the step, beta_2 for the average; in [0, 1).
        weight_decay: lambda, decoupled.

    Raises:
        ValueError: for settings out of range.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay, betas=betas)

    def update(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> None:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        means = self.memory(params, "exp_avg")
        directions = torch._foreach_lerp(means, grads, 1 - beta1)
        torch._foreach_sign_(directions)
        if group["weight_decay"]:
            torch._foreach_mul_(params, 1 - lr * group["weight_decay"])
        torch._foreach_add_(params, directions, alpha=-lr)
        torch._foreach_lerp_(means, grads, 1 - beta2)
