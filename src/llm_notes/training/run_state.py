"""Runs that survive: everything a run has to remember, saved while it goes on.

A run that was killed at any moment and goes on by `resume` makes the same steps, bit
for bit, as one that was never stopped. Each saved step is a folder in the folder of the
run (`run_files`). Finished models are saved by `checkpoint`, which keeps weights and
tokenizer only. Several processes gather their state, and the first of them writes it.
"""

import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from llm_notes.training.durable import remove_drafts
from llm_notes.training.history import History
from llm_notes.training.random_state import random_state, set_random_state
from llm_notes.training.run_files import (
    RunStateError,
    read_step,
    saved_steps,
    step_folder,
    write_step,
)

if TYPE_CHECKING:
    from llm_notes.training.trainer import Trainer


class SaveRun:
    """A callback that saves the run every few steps and at its end; the last in line.

    When the disk is full, the run goes on with what was saved before, tries again at
    the next save, and raises OSError at its end unless the last save went well.

    Args:
        folder: of the run.
        every: steps between two saves.
        keep: how many of the newest saves stay.
    """

    def __init__(self, folder: str | Path, every: int = 1000, keep: int = 2) -> None:
        for name, value in (("every", every), ("keep", keep)):
            if value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        self.folder, self.every, self.keep = Path(folder), every, keep
        self._saved_step: int | None = None
        self._failure: OSError | None = None

    def require_free(self, trainer: "Trainer") -> int | None:
        """The newest step that is saved, if any.

        Raises RunStateError where it is a later one, of another run.
        """
        # The first process writes, so what it sees counts for all.
        saved = trainer.parallel.gather(saved_steps(self.folder))[0]
        if saved and saved[-1] > trainer.step:
            raise RunStateError(
                f"{self.folder} holds a run at step {saved[-1]}, and this one is at "
                f"step {trainer.step}: resume it, or choose another folder"
            )
        return saved[-1] if saved else None

    def on_start(self, trainer: "Trainer") -> None:
        self._saved_step = self.require_free(trainer)
        if trainer.parallel.is_main:
            remove_drafts(self.folder, "step-")

    def on_step(self, trainer: "Trainer") -> None:
        if trainer.step % self.every == 0:
            self._save(trainer)

    def on_end(self, trainer: "Trainer") -> None:
        if trainer.error is not None:
            return  # which is what has to be told; a failed save was told at its time
        if trainer.step != self._saved_step:
            self._save(trainer)
        if self._failure is not None:
            raise OSError(
                f"step {trainer.step} could not be saved in {self.folder}: "
                f"{self._failure}. Make room and save again; what stands there is "
                f"step {self._saved_step}"
            ) from self._failure

    def _save(self, trainer: "Trainer") -> None:
        try:
            save_run(self.folder, trainer)
        except OSError as error:
            self._failure = error
            if trainer.parallel.is_main:
                _say(
                    f"step {trainer.step} could not be saved ({error}); the run goes "
                    f"on, and step {self._saved_step} is what is saved"
                )
            return
        self._failure, self._saved_step = None, trainer.step
        if trainer.parallel.is_main:
            for step in saved_steps(self.folder)[: -self.keep]:
                shutil.rmtree(step_folder(self.folder, step), ignore_errors=True)


def save_run(folder: Path, trainer: "Trainer") -> Path:
    """Save everything that decides the steps to come; every process calls it.

    Returns the folder of this step. Raises OSError, and nothing is changed then.
    """
    state = _capture(trainer)
    path = step_folder(folder, trainer.step)
    failure = None
    if trainer.parallel.is_main:
        try:
            write_step(path, state, _parts(trainer))
        except OSError as error:
            failure = error
    # All wait for the first and fail with it, or they would be out of step from here.
    reason = trainer.parallel.gather(failure and str(failure))[0]
    if reason is not None:
        raise failure or OSError(reason)
    return path


def resume(folder: str | Path, trainer: "Trainer") -> int | None:
    """Go on with the newest step of a run that is whole; every process calls it.

    A step that is damaged or foreign is refused: a line says why, it is renamed to
    `...refused`, and the step before is tried.

    Args:
        folder: of the run.
        trainer: a new one, made as the one of the run was; it is changed only when
            all of a step has been read and fits.

    Returns:
        the step it goes on from; None when nothing is saved.

    Raises:
        RunStateError: when steps are saved and none can be used.
    """
    folder = Path(folder)
    reasons: dict[int, str] = {}
    found = None
    for step in reversed(saved_steps(folder)):
        try:
            state = read_run(step_folder(folder, step), trainer)
        except RunStateError as error:
            reasons[step] = str(error)
        else:
            found = step
            break
    # All have read before anything is renamed.
    everywhere = trainer.parallel.gather(found)
    if len(set(everywhere)) > 1:
        raise RunStateError(
            f"the processes find different steps in {folder}: {everywhere}, by rank; "
            "all machines have to see the same files"
        )
    if reasons and found is None:
        raise RunStateError(f"no step can be used: {'; '.join(reasons.values())}")
    for step, reason in reasons.items():
        if trainer.parallel.is_main:
            _say(f"step {step} is refused ({reason}); going on from step {found}")
            path = step_folder(folder, step)
            shutil.rmtree(path.with_suffix(".refused"), ignore_errors=True)
            path.replace(path.with_suffix(".refused"))
    if found is not None:
        _restore(trainer, state)
    return found


def read_run(path: Path, trainer: "Trainer") -> dict[str, Any]:
    """Read one saved step. Raises RunStateError when it is damaged or does not fit."""
    state = read_step(path, _parts(trainer))
    _require_fit(path, trainer.model.state_dict(), state["model"])
    groups = [
        [len(group["params"]) for group in optimizer["param_groups"]]
        for optimizer in (state["optimizer"], trainer.optimizer.state_dict())
    ]
    if groups[0] != groups[1]:
        raise RunStateError(
            f"{path} has an optimiser with groups of {groups[0]} tensors, and this run "
            f"one with groups of {groups[1]}"
        )
    places = [sorted(p) for p in (state["batches"], trainer.batches.state_dict())]
    if places[0] != places[1]:
        raise RunStateError(
            f"{path} remembers {places[0]} of its batches, and this run needs "
            f"{places[1]}"
        )
    return state


def _parts(trainer: "Trainer") -> dict[str, str]:
    """The kinds of a run's parts: states of one kind mean nothing to another."""
    return {
        "model": trainer.parallel.kind(trainer.model).__name__,
        "optimizer": type(trainer.optimizer).__name__,
        "batches": type(trainer.batches).__name__,
    }


def _require_fit(path: Path, ours: dict[str, Tensor], theirs: dict) -> None:
    wrong = [
        f"{name} {[tuple(state[name].shape) for state in (theirs, ours)]}"
        for name in ours
        if name in theirs and ours[name].shape != theirs[name].shape
    ]
    wrong += sorted(ours.keys() ^ theirs.keys())
    if wrong:
        raise RunStateError(f"{path} belongs to other sizes: {', '.join(wrong[:3])}")


def _capture(trainer: "Trainer") -> dict[str, Any]:
    history = trainer.history.as_dict()
    return {
        **trainer.parallel.state(trainer.model, trainer.optimizer),
        "step": trainer.step,
        "scaler": trainer.scaler.state_dict(),
        "batches": trainer.batches.state_dict(),
        "random": trainer.parallel.gather(random_state()),
        # Numbers of each step as tensors of doubles: exact, and a third of the size.
        "history": {
            name: torch.tensor(value, dtype=torch.float64)
            if isinstance(value, list) and "steps" not in name
            else value
            for name, value in history.items()
        },
        "callbacks": [
            (type(callback).__name__, callback.state_dict())
            for callback in trainer.callbacks
            if hasattr(callback, "state_dict")
        ],
        "config": asdict(trainer.config),
    }


def _restore(trainer: "Trainer", state: dict[str, Any]) -> None:
    ours, theirs = asdict(trainer.config), state["config"]
    changed = [name for name in ours if ours[name] != theirs.get(name)]
    if changed and trainer.parallel.is_main:
        _say(f"going on with other settings than before: {', '.join(changed)}")
    trainer.parallel.load_state(trainer.model, trainer.optimizer, state)
    trainer.scaler.load_state_dict(state["scaler"])
    trainer.batches.load_state_dict(state["batches"])
    trainer.step = state["step"]
    trainer.history = History(
        **{
            name: value.tolist() if isinstance(value, Tensor) else value
            for name, value in state["history"].items()
        }
    )
    saved = list(state["callbacks"])
    for callback in trainer.callbacks:
        kind = type(callback).__name__
        own = next((pair for pair in saved if pair[0] == kind), None)
        if own is not None and hasattr(callback, "load_state_dict"):
            callback.load_state_dict(own[1])
            saved.remove(own)
    if trainer.parallel.rank < len(state["random"]):
        set_random_state(state["random"][trainer.parallel.rank])


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
