"""Stochastic gradient descent, with momentum. The rule all others are compared to."""

from typing import Any

import torch
from torch import Tensor

from llm_notes.training.optim.base import ListOptimizer


class SGD(ListOptimizer):
    r"""Follow the gradient, or a running sum of gradients.

    $$g_t = \nabla L(\theta_{t-1}) + \lambda\, \theta_{t-1}, \qquad
      b_t = \mu\, b_{t-1} + g_t, \qquad
      \theta_t = \theta_{t-1} - \eta\, b_t$$

    With Nesterov's look ahead (in the form of Sutskever et al. 2013, as PyTorch has
    it) the last step uses $g_t + \mu\, b_t$ in the place of $b_t$. Here weight decay is
    the gradient of $\tfrac{\lambda}{2} \lVert\theta\rVert^2$, so it passes through the
    momentum. Equal to `torch.optim.SGD`.

    Args:
        params: parameters or groups.
        lr: learning rate, eta.
        momentum: mu, in [0, 1).
        nesterov: look ahead.
        weight_decay: lambda.

    Raises:
        ValueError: for settings out of range, or Nesterov without momentum.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 0.1,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        if nesterov and momentum == 0:
            raise ValueError("nesterov looks ahead by the momentum: give one above 0")
        super().__init__(params, lr, weight_decay, momentum=momentum, nesterov=nesterov)

    def update(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> None:
        momentum = group["momentum"]
        if group["weight_decay"]:
            grads = torch._foreach_add(grads, params, alpha=group["weight_decay"])
        if momentum:
            buffers = self.memory(params, "momentum_buffer")
            torch._foreach_mul_(buffers, momentum)
            torch._foreach_add_(buffers, grads)
            if group["nesterov"]:
                grads = torch._foreach_add(grads, buffers, alpha=momentum)
            else:
                grads = buffers
        torch._foreach_add_(params, grads, alpha=-group["lr"])
