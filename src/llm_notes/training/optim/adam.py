"""Adam and AdamW: each weight has a learning rate of its own."""

from typing import Any

import torch
from torch import Tensor

from llm_notes.training.optim.base import ListOptimizer


class Adam(ListOptimizer):
    r"""Adaptive moments (Kingma & Ba 2015, algorithm 1).

    $$m_t = \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, \qquad
      v_t = \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2$$
    $$\theta_t = \theta_{t-1} - \eta\,
      \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}$$

    Both averages start at zero, and the denominators $1 - \beta^t$ undo that. Weight
    decay is added to the gradient, $g_t = \nabla L + \lambda\,\theta_{t-1}$, and then
    divided like it: weights with large gradients hardly decay. Equal to
    `torch.optim.Adam`.

    Args:
        params: parameters or groups.
        lr: learning rate, eta: about how far a weight moves in a step.
        betas: beta_1, beta_2, in [0, 1).
        eps: keeps weights without gradients from dividing by zero.
        weight_decay: lambda.

    Raises:
        ValueError: for settings out of range.
    """

    is_decoupled = False

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay, betas=betas, eps=eps)

    def update(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> None:
        lr, decay = group["lr"], group["weight_decay"]
        beta1, beta2 = group["betas"]
        if decay and self.is_decoupled:
            torch._foreach_mul_(params, 1 - lr * decay)
        elif decay:
            grads = torch._foreach_add(grads, params, alpha=decay)

        means = self.memory(params, "exp_avg")
        squares = self.memory(params, "exp_avg_sq")
        torch._foreach_lerp_(means, grads, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, grads, grads, 1 - beta2)

        steps = self.count(params)
        roots = torch._foreach_sqrt(squares)
        torch._foreach_div_(roots, [(1 - beta2**step) ** 0.5 for step in steps])
        torch._foreach_add_(roots, group["eps"])
        rates = [-lr / (1 - beta1**step) for step in steps]
        torch._foreach_addcdiv_(params, means, roots, rates)


class AdamW(Adam):
    r"""Adam whose weight decay is decoupled (Loshchilov & Hutter 2019, algorithm 2).

    $$\theta_t = (1 - \eta\lambda)\,\theta_{t-1} - \eta\,
      \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}$$

    The decay does not pass through the averages, so all weights shrink by the same
    share. Arguments as for `Adam`. Equal to `torch.optim.AdamW`.
    """

    is_decoupled = True

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)
