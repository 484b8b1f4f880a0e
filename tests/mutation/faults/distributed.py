"""Faults planted in training by several processes: each must make a test fail."""

PARALLEL = "training/parallel.py"
PROCESSES = "training/distributed/processes.py"
REPLICATED = "training/distributed/replicated.py"
SHARDED = "training/distributed/sharded.py"
START = "training/distributed/start.py"
RUN_STATE = "training/run_state.py"

FAULTS = [
    (
        PARALLEL,
        "count(part) / n_scored)",
        "1 / len(parts))",
        "parts weigh alike, however many targets they have",
    ),
    (
        PARALLEL,
        "parts[self.rank * n_own : (self.rank + 1) * n_own]",
        "parts[:n_own]",
        "every process takes the first share",
    ),
    (
        PARALLEL,
        "[(parts[0], 0.0)]",
        "[(parts[0], 1.0)]",
        "what is repeated counts again",
    ),
    (PARALLEL, "* (n_own - len(own))", "* 0", "an idle process makes no part"),
    (PROCESSES, "type(error) is RuntimeError and", "", "any error is a lost process"),
    (
        PROCESSES,
        "any(sign in text for sign in LOST)",
        "False",
        "gloo is not understood",
    ),
    (START, "parallel.explain(error)", "error", "a lost process is not explained"),
    (START, "if kind is not None:\n", "if False:\n", "ddp without torchrun is ignored"),
    (START, "number >= n_gpus", "number > n_gpus", "a GPU too many"),
    (START, "torch.cuda.set_device(number)", "pass", "all take the first GPU"),
    (START, "seconds=timeout", "minutes=timeout", "hangs for hours"),
    (PROCESSES, "dist.all_reduce(total)", "pass", "the loss of one process only"),
    (
        PROCESSES,
        "dist.all_reduce(raised, dist.ReduceOp.MAX)",
        "dist.all_reduce(raised, dist.ReduceOp.MIN)",
        "all have to raise the flag",
    ),
    (
        PROCESSES,
        "torch.manual_seed(torch.initial_seed() + self.rank)",
        "torch.manual_seed(torch.initial_seed())",
        "all processes drop the same units",
    ),
    (
        REPLICATED,
        "any(isinstance(m, MixtureOfExperts) for m in model.modules())",
        "False",
        "idle experts are waited for for ever",
    ),
    (
        REPLICATED,
        "return nullcontext() if is_last else runner.no_sync()",
        "return runner.no_sync()",
        "gradients are never exchanged",
    ),
    (
        SHARDED,
        "runner.set_requires_gradient_sync(is_last)",
        "runner.set_requires_gradient_sync(not is_last)",
        "gradients are exchanged before the last part",
    ),
    (
        SHARDED,
        "dist.broadcast(tensor, src=0)",
        "pass",
        "every process keeps slices of its own weights",
    ),
    (
        SHARDED,
        "norm.full_tensor() if isinstance(norm, DTensor) else norm",
        "norm.to_local() * 0.5",
        "half of the norm",
    ),
    (
        SHARDED,
        "model.reshard()  #",
        "pass  #",
        "weights cannot come back after a look",
    ),
    (
        SHARDED,
        "whole = value.full_tensor() if isinstance(value, DTensor) else value",
        "whole = value.to_local() if isinstance(value, DTensor) else value",
        "moments are saved as slices",
    ),
    (
        SHARDED,
        "not isinstance(value, Tensor) or value.shape != owner.shape",
        "True",
        "moments are not sliced again",
    ),
    (
        SHARDED,
        "return type(model).__mro__[2]",
        "return type(model)",
        "a sharded run cannot go on in one process",
    ),
    (
        SHARDED,
        "fully_shard(block, mesh=mesh)",
        "block.requires_grad_(False)",
        "blocks are frozen",
    ),
    (
        RUN_STATE,
        "reason = trainer.parallel.gather(failure and str(failure))[0]",
        "reason = failure and str(failure)",
        "only the first process hears of a full disk",
    ),
    (
        RUN_STATE,
        "if len(set(everywhere)) > 1:",
        "if False:",
        "processes go on from different steps",
    ),
]
TESTS = ["tests/training/test_distributed.py"]
