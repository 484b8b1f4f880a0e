"""Joins the processes that torchrun has started, and leaves them again."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

from llm_notes import runtime
from llm_notes.training.distributed.processes import ProcessLostError
from llm_notes.training.distributed.replicated import Replicated
from llm_notes.training.distributed.sharded import Sharded
from llm_notes.training.parallel import SingleProcess

KINDS = {"ddp": Replicated, "fsdp": Sharded}
# torchrun looks at its processes ten times a second and then ends those that are left.
SECONDS_TO_BE_ENDED = 5


@contextmanager
def started(
    kind: str | None = None,
    device: torch.device | str | None = None,
    timeout: float = 600,
) -> Iterator[SingleProcess]:
    """What a trainer is given as `parallel`: the processes of this torchrun, or one.

    Args:
        kind: "ddp" or "fsdp"; when not given, "ddp" under torchrun and else one
            process.
        device: kind of device that the models are on; the best there is when not
            given. On CUDA the current device becomes this process's own.
        timeout: seconds after which a process that does not answer counts as lost.

    A job can join its processes once; a block inside another shares them.

    Yields:
        `Replicated` or `Sharded`; `SingleProcess` when torchrun did not start this.

    Raises:
        ValueError: for an unknown kind, a kind without torchrun, or more processes
            than GPUs.
        ProcessLostError: (from the trainer) when another process ended or hangs.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"parallel is {kind!r}; known are {', '.join(KINDS)}")
    if not dist.is_torchelastic_launched():
        if kind is not None:
            raise ValueError(
                f"{kind} works under torchrun alone: torchrun --standalone "
                "--nproc-per-node 2 -m llm_notes.training ..."
            )
        yield SingleProcess()
        return

    if dist.is_initialized():  # inside another block, whose processes they are
        yield KINDS[kind or "ddp"]()
        return

    device = torch.device(device or runtime.best_device())
    own_gpu = _take_gpu() if device.type == "cuda" else None
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if own_gpu is not None else "gloo",
        timeout=timedelta(seconds=timeout),
        device_id=own_gpu,
    )
    parallel = KINDS[kind or "ddp"]()
    try:
        yield parallel
    except BaseException as error:
        error = parallel.explain(error)
        if isinstance(error, ProcessLostError):
            # Said at once, for torchrun ends this process soon. To go before that
            # would let the report blame who lost instead of who was lost.
            print(f"ProcessLostError: {error}", file=sys.stderr, flush=True)
            time.sleep(SECONDS_TO_BE_ENDED)
        raise error
    # Not after an error: those who are left could wait here for each other.
    dist.barrier()
    dist.destroy_process_group()


def _take_gpu() -> torch.device:
    """Make the GPU with this process's number on its machine the current one."""
    number, n_gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if number >= n_gpus:
        raise ValueError(
            f"{os.environ['LOCAL_WORLD_SIZE']} processes on a machine with {n_gpus} "
            f"GPUs: start with --nproc-per-node {n_gpus}, or train on the CPU"
        )
    torch.cuda.set_device(number)
    return torch.device("cuda", number)
