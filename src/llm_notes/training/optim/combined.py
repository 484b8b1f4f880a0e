"""Several rules as one optimiser: one step, one schedule, one state to save."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from llm_notes.training.optim.adam import AdamW
from llm_notes.training.optim.groups import ENDS, hidden_matrices
from llm_notes.training.optim.muon import Muon


class CombinedOptimizer(torch.optim.Optimizer):
    """Optimisers that share groups and state, so that they look like one.

    Its `param_groups` are those of its parts, one after the other (the same dicts: who
    sets a learning rate here sets it there), and its `state_dict` has the form of any
    other optimiser's.

    Args:
        optimizers: new ones; no parameter may belong to two of them.

    Raises:
        ValueError: for no optimiser, or a parameter that belongs to two.
    """

    def __init__(self, optimizers: Sequence[torch.optim.Optimizer]) -> None:
        if not optimizers:
            raise ValueError("there is no optimiser to combine; give at least one")
        self.optimizers = list(optimizers)
        groups = [group for part in optimizers for group in part.param_groups]
        super().__init__(groups, {})  # refuses a parameter in two groups
        for part in self.optimizers:
            self.state.update(part.state)
        self._share()

    def _share(self) -> None:
        """Let the parts work on the groups and the state of the whole."""
        first = 0
        for part in self.optimizers:
            last = first + len(part.param_groups)
            part.param_groups = self.param_groups[first:last]
            part.state = self.state
            first = last

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step of each part; the closure is called once, before all."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.optimizers:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a saved state, as with any optimiser."""
        super().load_state_dict(state_dict)
        self._share()  # the groups and the state are new objects now

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Only for the groups of the parts: give a new group to a part beforehand."""
        if not any(param_group is g for o in self.optimizers for g in o.param_groups):
            raise ValueError(
                "a combined optimiser cannot know which rule a new group wants: "
                "add it to a part before combining them"
            )
        super().add_param_group(param_group)


def muon_with_adamw(
    model: nn.Module,
    lr: float = 0.02,
    adamw_lr: float | None = None,
    weight_decay: float = 0.0,
    momentum: float = 0.95,
    betas: tuple[float, float] = (0.9, 0.95),
    ns_steps: int = 5,
    adjust_lr_fn: str = "match_rms_adamw",
    ends: str = ENDS,
) -> CombinedOptimizer:
    """Muon for the hidden matrices of a model, AdamW for the rest.

    Args:
        model: any module.
        lr: of Muon. With "match_rms_adamw" it has AdamW's size, so that one schedule
            can set both; with "original", 0.02 is usual.
        adamw_lr: of AdamW; `lr` when not given.
        weight_decay: of all matrices; vectors are spared.
        momentum, ns_steps, adjust_lr_fn: Muon's.
        betas: AdamW's.
        ends: names of what is not hidden; see `hidden_matrices`.

    Raises:
        ValueError: when the model has no hidden matrix, or a setting is out of range.
    """
    hidden, others = hidden_matrices(model, weight_decay, ends)
    if not hidden:
        raise ValueError(
            f"no linear layer of {type(model).__name__} is hidden; use AdamW, or name "
            "the first and last layers by `ends`"
        )
    muon = Muon(
        hidden, lr, momentum=momentum, ns_steps=ns_steps, adjust_lr_fn=adjust_lr_fn
    )
    parts: list[torch.optim.Optimizer] = [muon]
    if others:
        parts.append(AdamW(others, lr if adamw_lr is None else adamw_lr, betas))
    return CombinedOptimizer(parts)
