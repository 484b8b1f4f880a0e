"""Sharded data parallelism: every process holds a slice of every tensor."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    set_model_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from llm_notes.models.layers.moe import MixtureOfExperts
from llm_notes.training.blocks import blocks_of
from llm_notes.training.distributed.processes import Processes


class Sharded(Processes):
    """PyTorch's FSDP2 (Zhao et al. 2023), after ZeRO (Rajbhandari et al. 2020).

    Weights, gradients and moments are cut along their first axis. A block is put
    together when its turn comes and forgotten after it, so memory shrinks with the
    number of processes. The model itself is changed: its parameters become `DTensor`s,
    and every call of it is a collective one.
    """

    def wrap(self, model: nn.Module) -> nn.Module:
        """Shards each block, wherever it is, then all the rest.

        Raises ValueError for a mixture of experts: FSDP2 exchanges the gradients of a
        block in one piece, and processes whose tokens chose different experts have
        different pieces.
        """
        super().wrap(model)
        if any(isinstance(module, MixtureOfExperts) for module in model.modules()):
            raise ValueError(
                "a mixture of experts cannot be sharded: an expert without tokens has "
                "no gradient, and processes would wait for each other; use ddp"
            )
        with torch.no_grad():  # DDP does the same: the first process's weights count
            for tensor in chain(model.parameters(), model.buffers()):
                dist.broadcast(tensor, src=0)
        device = next(model.parameters()).device
        mesh = init_device_mesh(device.type, (self.size,))
        for block in blocks_of(model):
            fully_shard(block, mesh=mesh)
        return fully_shard(model, mesh=mesh)

    def accept(self, optimizer: torch.optim.Optimizer) -> None:
        """Raises ValueError for an optimiser made before the model was sharded."""
        if not all(isinstance(p, DTensor) for p in _parameters(optimizer)):
            raise ValueError(
                "this optimiser holds the weights as they were before they were "
                "sharded; give the trainer a function that makes one for the model"
            )

    def backward(
        self, runner: nn.Module, is_last: bool
    ) -> AbstractContextManager[None]:
        runner.set_requires_gradient_sync(is_last)
        return nullcontext()

    def clip(self, parameters: Sequence[nn.Parameter], max_norm: float) -> Tensor:
        norm = super().clip(parameters, max_norm)
        return norm.full_tensor() if isinstance(norm, DTensor) else norm

    def kind(self, model: nn.Module) -> type[nn.Module]:
        return type(model).__mro__[2]  # after FSDP's own two

    def weights(self, model: nn.Module) -> dict[str, Tensor]:
        """Whole tensors on the CPU of the first process; nothing on the others."""
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        return get_model_state_dict(model, options=options)

    def load_weights(self, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
        model.reshard()  # a call without gradients leaves the outermost part whole
        options = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)
        set_model_state_dict(model, dict(weights), options=options)

    def state(
        self, model: nn.Module, optimizer: torch.optim.Optimizer
    ) -> dict[str, Any]:
        """Whole tensors on the CPU of the first process; nothing on the others."""
        weights = self.weights(model)
        state = optimizer.state_dict()
        moments = {
            i: {name: self._whole(value) for name, value in entry.items()}
            for i, entry in state["state"].items()
        }
        if not self.is_main:
            return {}
        return {"model": weights, "optimizer": {**state, "state": moments}}

    def load_state(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        state: Mapping[str, Any],
    ) -> None:
        """Every process gives the whole state and keeps its slices."""
        self.load_weights(model, state["model"])
        saved = state["optimizer"]
        numbers = chain.from_iterable(g["params"] for g in saved["param_groups"])
        owners = dict(zip(numbers, _parameters(optimizer), strict=True))
        moments = {
            i: {name: _slice(value, owners[i]) for name, value in entry.items()}
            for i, entry in saved["state"].items()
        }
        optimizer.load_state_dict({**saved, "state": moments})

    def _whole(self, value: Any) -> Any:
        """The whole of a sharded tensor, which all processes put together."""
        if not isinstance(value, Tensor):
            return value
        whole = value.full_tensor() if isinstance(value, DTensor) else value
        return whole.detach().cpu() if self.is_main else None


def _parameters(optimizer: torch.optim.Optimizer) -> Iterator[Tensor]:
    return chain.from_iterable(group["params"] for group in optimizer.param_groups)


def _slice(value: Any, owner: DTensor) -> Any:
    """The part of a moment that belongs to this process's part of a parameter."""
    if not isinstance(value, Tensor) or value.shape != owner.shape:
        return value  # a number of steps
    whole = value.to(owner.device)
    # Every process has read the whole: nothing needs to be sent.
    return distribute_tensor(
        whole, owner.device_mesh, owner.placements, src_data_rank=None
    )
