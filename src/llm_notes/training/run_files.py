"""One saved step of a run as a folder of three files, with hashes against damage.

    run.json              format, step, kinds of the parts, hashes of the other two
    state.json            numbers and structure, see `nested`
    tensors.safetensors   weights, moments, random states

It knows what files look like, and nothing of what a run remembers.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch

from llm_notes.training.durable import new_folder, sha256, write_tensors
from llm_notes.training.nested import flatten, unflatten

FILE_FORMAT = "llm_notes.run"
FILE_VERSION = 1


class RunStateError(ValueError):
    """What was saved is damaged, cut short, foreign, or belongs to another run."""


def step_folder(folder: Path, step: int) -> Path:
    """Where a step of a run is saved."""
    return folder / f"step-{step:08d}"


def saved_steps(folder: Path) -> list[int]:
    """The steps that are saved in the folder of a run, the newest last."""
    names = (path.name.removeprefix("step-") for path in folder.glob("step-*"))
    return sorted(int(name) for name in names if name.isdecimal())


def write_step(path: Path, state: Any, parts: Mapping[str, str]) -> None:
    """Write a nested state to the folder `path`, whole or not at all.

    Args:
        path: the folder; what it held before is replaced.
        state: see `nested.flatten`.
        parts: kinds of the parts of the run, such as {"model": "GPT"}.

    Raises:
        OSError: for a full disk, for example; `path` is as it was before.
        TypeError: for a state that cannot be saved.
    """
    tree, tensors = flatten(state)
    with new_folder(path) as draft:
        write_tensors(draft / "tensors.safetensors", tensors)
        (draft / "state.json").write_text(json.dumps(tree), encoding="utf-8")
        description = {
            "format": FILE_FORMAT,
            "version": FILE_VERSION,
            "parts": dict(parts),
            "sha256": {file.name: sha256(file) for file in draft.iterdir()},
        }
        # No line break at the end: each byte that is cut off can be noticed.
        text = json.dumps(description, indent=1)
        (draft / "run.json").write_text(text, encoding="utf-8")


def read_step(path: Path, parts: Mapping[str, str]) -> Any:
    """Read what `write_step` wrote.

    Raises RunStateError when a file is missing, cut short, changed or foreign, or the
    parts are of other kinds.
    """
    try:
        description = json.loads((path / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunStateError(f"{path / 'run.json'} is missing or cut short") from error
    if not isinstance(description, dict) or description.get("format") != FILE_FORMAT:
        raise RunStateError(f"{path / 'run.json'} was not written by llm_notes")
    if description.get("version") != FILE_VERSION:
        raise RunStateError(
            f"{path / 'run.json'} has version {description.get('version')!r}, and "
            f"this package reads {FILE_VERSION}"
        )
    for name, ours in parts.items():
        theirs = description["parts"].get(name)
        if ours != theirs:
            raise RunStateError(f"{path} has {name} {theirs}, and this run {ours}")
    for name, expected in description["sha256"].items():
        if not (path / name).is_file():
            raise RunStateError(f"{path} lacks {name}")
        if sha256(path / name) != expected:
            raise RunStateError(f"{path / name} is cut short or was changed")
    mapped = safetensors.torch.load_file(path / "tensors.safetensors")
    # Copies: the file is deleted while the run goes on with its moments.
    tensors = {name: tensor.clone() for name, tensor in mapped.items()}
    tree = json.loads((path / "state.json").read_text(encoding="utf-8"))
    return unflatten(tree, tensors)
