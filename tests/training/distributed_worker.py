"""What the processes of the distributed tests run; torchrun starts it.

    distributed_worker.py check FOLDER    compares runs, and writes found.json
    distributed_worker.py die FOLDER      a run that loses its second process

What is compared are the largest differences between a run of these processes and the
same run of one, which each process makes for itself.
"""

import json
import os
import runpy
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.distributed.elastic.multiprocessing.errors import record

from llm_notes.data.batching import IGNORE
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.training.batches import ListBatches
from llm_notes.training.callbacks import EarlyStopping, EvaluateLoss
from llm_notes.training.distributed import Replicated, Sharded, started
from llm_notes.training.optim import Adam, Lion, muon_with_adamw
from llm_notes.training.run_state import SaveRun, resume, save_run
from llm_notes.training.trainer import Trainer, TrainingConfig

N_STEPS = 6
N_BEFORE = 4  # steps before a change of the number of processes
# A bias of keys has no gradient but rounding errors, which Adam makes as large as
# any other step; so there is none.
SIZES = GPTConfig(7, 12, n_layers=2, n_heads=2, d_model=8, bias=False)


def gpt(seed: int = 0, dropout: float = 0.0) -> GPT:
    torch.manual_seed(seed)
    return GPT(replace(SIZES, dropout=dropout))


def mixture(seed: int = 0) -> Llama:
    """Six experts, of which a small batch leaves some without a token."""
    torch.manual_seed(seed)
    sizes = {"n_layers": 1, "n_heads": 2, "n_kv_heads": 1, "d_model": 8, "d_ff": 8}
    return Llama(LlamaConfig(7, 12, **sizes, n_experts=6, n_active_experts=1))


def batches() -> ListBatches:
    """11 texts in batches of 5, 5 and 1; some have many targets left out, some few."""
    generator = torch.Generator().manual_seed(1)
    texts = torch.randint(7, (11, 13), generator=generator)

    def collate(rows: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = texts[rows, :-1], texts[rows, 1:].clone()
        for row, target in zip(rows, y, strict=True):
            target[: row + 1] = IGNORE
        return x, y

    return ListBatches(range(11), 5, collate, seed=0)


def trainer(
    model: nn.Module,
    parallel=None,
    optimizer: Callable | torch.optim.Optimizer | None = None,
    callbacks=(),
    **settings,
) -> Trainer:
    settings = {"n_steps": N_STEPS, "learning_rate": 1e-2, "n_warmup": 2, **settings}
    return Trainer(
        model,
        batches(),
        TrainingConfig(dtype="float32", **settings),  # means: no autocast
        optimizer=optimizer,
        parallel=parallel,
        callbacks=callbacks,
    )


def whole(t: Trainer) -> dict:
    """Weights and moments as one process has them, the same in each process."""
    return t.parallel.gather(t.parallel.state(t.model, t.optimizer))[0]


def far(ours: dict, theirs: dict) -> float:
    """The largest difference between two states, weights and moments."""
    assert ours["model"].keys() == theirs["model"].keys()
    pairs = [(ours["model"][n], theirs["model"][n]) for n in ours["model"]]
    moments = ours["optimizer"]["state"], theirs["optimizer"]["state"]
    assert moments[0].keys() == moments[1].keys()
    for i in moments[0]:
        assert moments[0][i].keys() == moments[1][i].keys()
        pairs += [(moments[0][i][name], moments[1][i][name]) for name in moments[0][i]]
    return max(
        (torch.as_tensor(a) - torch.as_tensor(b)).abs().max().item() for a, b in pairs
    )


def apart(ours: list[float], theirs: list[float]) -> float:
    assert len(ours) == len(theirs)
    return max(abs(a - b) for a, b in zip(ours, theirs, strict=True))


def compare(parallel, make=gpt, optimizer=None, **settings) -> dict[str, float]:
    """A run of all processes and a run of one."""
    one = trainer(make(), None, optimizer, **settings)
    one.fit()
    # Every process begins with other weights: those of the first have to count.
    several = trainer(make(parallel.rank), parallel, optimizer, **settings)
    several.fit()
    return {
        "loss": apart(several.history.train_loss, one.history.train_loss),
        "norm": apart(several.history.gradient_norm, one.history.gradient_norm),
        "weights": far(whole(several), whole(one)),
        "targets": several.history.targets - one.history.targets,
    }


def change_number(parallel, folder: Path) -> dict[str, float]:
    """Four steps and two more: of one process, of all, and of one and then all."""
    ways = {
        "1 to 2": (None, parallel, 0.0),
        "2 to 1": (parallel, None, 0.0),
        "2 to 2": (parallel, parallel, 0.1),  # the same units have to be dropped, too
    }
    differences = {}
    for name, (first, second, dropout) in ways.items():
        reference = trainer(gpt(0, dropout), first and second)
        reference.fit()
        before = trainer(gpt(0, dropout), first, callbacks=[StopAt(N_BEFORE)])
        before.fit()
        own = folder / name / (str(parallel.rank) if first is None else "all")
        save_run(own, before)
        after = trainer(gpt(9, dropout), second)
        assert resume(own, after) == N_BEFORE
        after.fit()
        differences[name] = max(
            apart(after.history.train_loss, reference.history.train_loss),
            far(whole(after), whole(reference)),
        )
    return differences


class StopAt:
    """Stops the run after some steps, in one process or in all."""

    def __init__(self, step: int, rank: int | None = None) -> None:
        self.at, self.rank = step, rank

    def on_step(self, t: Trainer) -> None:
        if t.step == self.at and self.rank in (None, t.parallel.rank):
            t.stop("enough")


def stopped_by_one(parallel) -> list:
    t = trainer(gpt(), parallel, callbacks=[StopAt(3, rank=1)])
    t.fit()
    return parallel.gather([t.step, t.stopped])


def stopped_early(parallel) -> dict[str, float]:
    """No look is good enough: the weights before the first step come back."""
    held_out = [batches().next_batch()]
    runs = []
    for p in (None, parallel):
        watch = [EvaluateLoss(held_out, every=1), EarlyStopping(1, min_delta=9.0)]
        runs.append(trainer(gpt(), p, callbacks=watch))
        runs[-1].fit()
    first = trainer(gpt())
    states = [{**whole(run), "optimizer": {"state": {}}} for run in (runs[1], first)]
    return {"steps": [run.step for run in runs], "weights": far(*states)}


def evaluate(parallel) -> dict[str, float]:
    """Between two steps, all processes call the model without gradients."""
    one, several = trainer(gpt()), trainer(gpt(), parallel)
    x = torch.arange(12)[None] % 7
    logits = []
    for t in (one, several):
        t.train_step(t.batches.next_batch())
        with torch.no_grad():
            logits.append(t.model(x))
        whole(t)  # it can be saved now, too
        t.train_step(t.batches.next_batch())
    return {
        "logits": (logits[0] - logits[1]).abs().max().item(),
        "weights": far(whole(several), whole(one)),
    }


def full_disk(parallel, folder: Path) -> list:
    """The first process cannot write: all make all steps, and all say so at the end."""
    blocked = folder / "file"
    blocked.touch()
    t = trainer(gpt(), parallel, callbacks=[SaveRun(blocked / "run", every=2)])
    return parallel.gather([error_of(t.fit), t.step])


def different_disks(parallel, folder: Path) -> str:
    own = folder / "disk" / str(parallel.rank)
    if parallel.is_main:
        save_run(own, trainer(gpt()))
    return error_of(lambda: resume(own, trainer(gpt(), parallel)))


def diverged(parallel) -> list[str]:
    messages = []
    for p in (None, parallel):
        t = trainer(gpt(), p)
        with torch.no_grad():
            t.model.final_norm.weight.fill_(float("nan"))
        messages.append(error_of(t.fit))
    return messages


def error_of(action: Callable) -> str:
    try:
        action()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def n_own(parallel) -> int:
    """Weights that this process holds of a model."""
    model = gpt()
    parallel.wrap(model)
    own = (p.to_local() if hasattr(p, "to_local") else p for p in model.parameters())
    return sum(p.numel() for p in own)


class DieAt:
    """Ends one process, as the system does when memory runs out."""

    def __init__(self, step: int, rank: int) -> None:
        self.at, self.rank = step, rank

    def on_step(self, t: Trainer) -> None:
        if t.step == self.at and t.parallel.rank == self.rank:
            os.kill(os.getpid(), signal.SIGKILL)


def die(folder: Path) -> None:
    """A run whose second process is killed in step 5."""
    with started("fsdp", "cpu", timeout=60) as parallel:
        watch = [DieAt(N_BEFORE + 1, rank=1), SaveRun(folder / "died", every=2)]
        trainer(gpt(), parallel, callbacks=watch).fit()


def check(folder: Path) -> dict:
    out = {}
    with started("ddp", "cpu", timeout=60) as ddp:
        fsdp = Sharded()
        for name, p in (("ddp", ddp), ("fsdp", fsdp)):
            out[name] = {
                "plain": compare(p),
                "accumulated": compare(p, accumulation=2),
                "forgetful": compare(p, checkpointing=True),
                "muon": compare(p, optimizer=lambda m: muon_with_adamw(m, 1e-2)),
                "lion": compare(p, optimizer=lambda m: Lion(m.parameters(), 1e-2)),
                "adam": compare(p, optimizer=lambda m: Adam(m.parameters(), 1e-2)),
                "resumed": change_number(p, folder / name),
                "evaluated": evaluate(p),
                "early": stopped_early(p),
                "stopped": stopped_by_one(p),
                "full disk": full_disk(p, folder),
                "diverged": diverged(p),
                "sum": p.sum(torch.tensor(1.0 + p.rank)).item(),
                "n own": p.gather(n_own(p)),
                "random": p.gather(torch.rand(1).item()),
            }
        out["ddp"]["mixture"] = compare(ddp, mixture, accumulation=2)
        out["reads config"] = trainer(gpt(), Replicated()).runner.config == SIZES
        out["different disks"] = different_disks(ddp, folder)
        out["sharded mixture"] = error_of(lambda: trainer(mixture(), fsdp))
        early = gpt()
        adam = Adam(early.parameters(), 1e-2)
        out["early optimiser"] = error_of(lambda: trainer(early, fsdp, adam))
        out["meta"] = error_of(lambda: ddp.wrap(gpt().to("meta")))
        torch.set_default_dtype(torch.float32)
        out["command line"] = command_line(folder)
    out["left"] = not torch.distributed.is_initialized()
    return {"rank": ddp.rank, **out}


def words_of_a_run(folder: Path) -> list[str]:
    """A small run for the command line; the number of steps comes last."""
    text = folder / "text.txt"
    text.write_text("\n\n".join(f"{i} and {i} are {2 * i}." for i in range(400)))
    words = ["--data", text, "--out", folder / "run", "--device", "cpu"]
    words += ["--layers", 1, "--heads", 1, "--width", 8, "--context-length", 16]
    words += ["--batch-size", 3, "--n-warmup", 1, "--resume", "auto", "--n-steps"]
    return [str(word) for word in words]


def command_line(folder: Path) -> int:
    """What `torchrun -m llm_notes.training` does in each process."""
    words = [*words_of_a_run(folder), "4"]
    sys.argv = ["llm_notes.training", "--parallel", "fsdp", *words]
    try:
        runpy.run_module("llm_notes.training", run_name="__main__")
    except SystemExit as end:
        return end.code
    return -1


@record
def main(action: str, folder: Path) -> None:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)  # differences are mistakes, not rounding
    if action == "die":
        die(folder)
        return
    found = check(folder)
    if found.pop("rank") == 0:
        (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
