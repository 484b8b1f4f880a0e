"""Data parallelism: every process holds the whole model and sees other examples."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from llm_notes.models.layers.moe import MixtureOfExperts
from llm_notes.training.distributed.processes import Processes


class Replicated(Processes):
    """PyTorch's DDP (Li et al. 2020): gradients are averaged while they are computed.

    Needs memory for the whole model, its gradients and moments in every process.
    """

    def wrap(self, model: nn.Module) -> nn.Module:
        super().wrap(model)
        # An expert may be without work in a step; to look costs a walk through the
        # graph.
        find_unused = any(isinstance(m, MixtureOfExperts) for m in model.modules())
        return _Replica(model, find_unused_parameters=find_unused)

    def backward(
        self, runner: nn.Module, is_last: bool
    ) -> AbstractContextManager[None]:
        return nullcontext() if is_last else runner.no_sync()


class _Replica(DistributedDataParallel):
    """A model under DDP whose own attributes, such as `config`, can still be read."""

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("module"), name)
