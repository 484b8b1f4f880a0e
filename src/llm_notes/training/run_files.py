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

from llm_notes.training.description import Description
from llm_notes.training.durable import new_folder, write_tensors
from llm_notes.training.nested import flatten, unflatten


class RunStateError(ValueError):
    """What was saved is damaged, cut short, foreign, or belongs to another run."""


DESCRIPTION = Description(
    "run.json", "llm_notes.run", 1, {"parts": dict}, RunStateError
)


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
        DESCRIPTION.write(draft, parts=dict(parts))


def read_step(path: Path, parts: Mapping[str, str]) -> Any:
    """Read what `write_step` wrote.

    Raises RunStateError when a file is missing, cut short, changed or foreign, or the
    parts are of other kinds.
    """
    found = DESCRIPTION.read(path)["parts"]
    for name, ours in parts.items():
        if ours != found.get(name):
            raise RunStateError(f"{path} has {name} {found.get(name)}, this run {ours}")
    DESCRIPTION.require_whole(path, {"state.json", "tensors.safetensors"})
    mapped = safetensors.torch.load_file(path / "tensors.safetensors")
    # Copies: the file is deleted while the run goes on with its moments.
    tensors = {name: tensor.clone() for name, tensor in mapped.items()}
    tree = json.loads((path / "state.json").read_text(encoding="utf-8"))
    return unflatten(tree, tensors)
