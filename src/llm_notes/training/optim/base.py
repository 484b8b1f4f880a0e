"""What all rules share: going through the groups, and memory for each parameter.

A rule writes one method, `update`, which changes a list of parameters in place. It
works on whole lists (`torch._foreach_*`: the same operation on each tensor of a list),
which spares the loop over hundreds of small tensors. This module knows no rule.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class ListOptimizer(torch.optim.Optimizer):
    """An optimiser whose rule is `update(group, params, grads)`.

    Args:
        params: parameters, or dicts of groups with their own settings.
        lr, weight_decay: none of them negative.
        settings: what else each group holds.

    Raises:
        ValueError: for a setting that is out of range, in the defaults or in a group.
    """

    def __init__(
        self, params: Any, lr: float, weight_decay: float, **settings: Any
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, **settings})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; its settings are checked like the defaults."""
        super().add_param_group(param_group)
        for name, value in self.param_groups[-1].items():
            if name in ("lr", "weight_decay", "eps") and not value >= 0:
                raise ValueError(f"{name} is {value}; it must be 0 or above")
            if name in ("momentum", "betas"):
                shares = value if name == "betas" else (value,)
                if not all(0 <= share < 1 for share in shares):
                    raise ValueError(f"{name} is {value}; it must lie in [0, 1)")

    def update(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> None:
        """Change `params` in place by the group's settings."""
        raise NotImplementedError

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step for all parameters that have a gradient.

        Args:
            closure: computes the loss anew, with gradients; called once when given.

        Returns:
            what the closure returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if params:
                self.update(group, params, [p.grad for p in params])
        return loss

    def memory(self, params: list[Tensor], name: str) -> list[Tensor]:
        """The tensors called `name` that belong to `params`; zeros at first."""
        for param in params:
            if name not in self.state[param]:
                self.state[param][name] = torch.zeros_like(param)
        return [self.state[param][name] for param in params]

    def count(self, params: list[Tensor]) -> list[int]:
        """How many steps each parameter has made, this one included."""
        for param in params:
            if "step" not in self.state[param]:
                self.state[param]["step"] = torch.tensor(0.0)  # as PyTorch keeps it
            self.state[param]["step"] += 1
        return [int(self.state[param]["step"]) for param in params]
