"""The same trainer in several processes, on one machine or on many.

`torchrun` starts the processes, watches them, and ends all when one dies. On one
machine with four GPUs (or four processes of a CPU):

    torchrun --standalone --nproc-per-node 4 -m llm_notes.training ... --parallel ddp

On two machines with eight GPUs each, the same line on both, which meet at a free port
of one of them:

    torchrun --nnodes 2 --nproc-per-node 8 --rdzv-backend c10d --rdzv-id any-name \
        --rdzv-endpoint first-machine:29500 -m llm_notes.training ... --parallel fsdp

Each machine needs the code, the data and, to resume, the folder of the run. A process
takes the GPU of its number on its machine and talks by NCCL; without GPUs, by gloo. On
CPUs set OMP_NUM_THREADS to cores / processes.

    with started("ddp") as parallel:
        trainer = Trainer(model, batches, config, parallel=parallel)
        trainer.fit()

"ddp" (`Replicated`) keeps a whole model in each process; "fsdp" (`Sharded`) a slice of
every weight, gradient and moment. Both make the same steps as one process. The code
around the trainer runs in every process: only `parallel.is_main` prints and writes;
whatever calls the model or `parallel.state` has to do so in all processes alike.
"""

from llm_notes.training.distributed.processes import Processes, ProcessLostError
from llm_notes.training.distributed.replicated import Replicated
from llm_notes.training.distributed.sharded import Sharded
from llm_notes.training.distributed.start import started

__all__ = ["ProcessLostError", "Processes", "Replicated", "Sharded", "started"]
