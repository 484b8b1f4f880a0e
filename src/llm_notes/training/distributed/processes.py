"""What several processes do in the same way, however the model is laid out.

It knows `torch.distributed` and no trainer. Each process draws the whole batch and
takes its share; sums and states go through collective calls, which every process has
to make in the same order.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from llm_notes.training.parallel import SingleProcess

# What gloo says when the other end is gone or silent; NCCL's errors have a type.
LOST = ("Connection closed by peer", "Connection reset by peer", "Timed out waiting")


class ProcessLostError(RuntimeError):
    """Another process ended or hangs; the message says at which step and what to do."""


class Processes(SingleProcess):
    """This process among others; the process group has been made before."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def wrap(self, model: nn.Module) -> nn.Module:
        """Checks the device; gives every process random numbers of its own.

        Raises ValueError for a device that has no collective calls.
        """
        device = next(model.parameters()).device
        if device.type not in ("cpu", "cuda"):
            raise ValueError(
                f"the model is on {device}; several processes work together on CPUs "
                "(gloo) or on CUDA GPUs (NCCL): move it there first"
            )
        if self.rank:  # each drops other units; the first continues as if alone
            torch.manual_seed(torch.initial_seed() + self.rank)
        return model

    def sum(self, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    def any(self, flag: bool) -> bool:
        # On the CPU: no GPU is kept waiting for a question that is asked each step.
        raised = torch.tensor(int(flag))
        dist.all_reduce(raised, dist.ReduceOp.MAX)
        return bool(raised)

    def gather(self, value: Any) -> list[Any]:
        values = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def explain(self, error: BaseException, step: int | None = None) -> BaseException:
        text = str(error)
        is_lost = isinstance(error, dist.DistError) or (
            type(error) is RuntimeError and any(sign in text for sign in LOST)
        )
        if not is_lost:
            return error
        when = "" if step is None else f" in step {step}"
        return ProcessLostError(
            f"process {self.rank} of {self.size} lost another one{when}: it has ended, "
            "or did not answer in time. The report of torchrun names the first that "
            "failed. Start the job again: it goes on from its last save, with this or "
            f"another number of processes. ({text.splitlines()[0]})"
        )
