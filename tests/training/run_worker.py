"""A tiny run in a process of its own, that tests kill, or give too small a disk."""

import random
import resource
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.training.batches import WindowBatches
from llm_notes.training.run_state import SaveRun, resume
from llm_notes.training.trainer import Trainer, TrainingConfig

N_STEPS = 60


class Noise:
    """Draws from every global generator and lets the weights depend on it."""

    def on_step(self, trainer: Trainer) -> None:
        drawn = random.random() + np.random.rand() + torch.rand(()).item()  # noqa: NPY002
        trainer.model.final_norm.bias.data += 1e-3 * drawn


class Report:
    """Tells the parent each step that is done."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe

    def on_step(self, trainer: Trainer) -> None:
        self.pipe.send(trainer.step)


def make_trainer(callbacks=(), n_steps: int = N_STEPS, d_model: int = 8) -> Trainer:
    """Everything that can be forgotten: dropout, moments, parts, global generators."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
    model = GPT(GPTConfig(7, 12, 1, 2, d_model, dropout=0.1))
    text_ids = torch.randint(7, (500,), generator=torch.Generator().manual_seed(1))
    config = TrainingConfig(n_steps, 2e-2, min(6, n_steps - 1), accumulation=2)
    return Trainer(model, WindowBatches(text_ids, 4, 12), config, callbacks=callbacks)


def vector(trainer: Trainer) -> torch.Tensor:
    """All weights, to compare bit for bit."""
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


def run(folder: Path, pipe: Connection, every: int) -> None:
    """Go on with the run in the folder to its end."""
    torch.set_num_threads(1)
    save = SaveRun(folder, every, keep=3)
    # The report comes before the save, so that a kill may fall into the save.
    trainer = make_trainer([Noise(), Report(pipe), save])
    resume(folder, trainer)
    trainer.fit()
    pipe.send((trainer.history.as_dict()["train_loss"], vector(trainer).tolist()))


def run_with_small_files(folder: Path, pipe: Connection, n_bytes: int) -> None:
    """Go on with the run, but no file may grow above `n_bytes`, as under a quota."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
    trainer = make_trainer([Noise(), SaveRun(folder, 1)], n_steps=8)
    resume(folder, trainer)
    try:
        trainer.fit()
    except OSError as error:
        pipe.send((trainer.step, str(error)))
