"""Checkpoint folders on disk: safetensors files, whole or in shards, and config.json.

Only safetensors is read. Pickle files (.bin, .pt, .ckpt) can run any code when they
are opened, so they are refused. Nothing is fetched from a network.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

INDEX = "model.safetensors.index.json"
WHOLE = "model.safetensors"
PICKLE_SUFFIXES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}


class CheckpointFileError(ValueError):
    """A checkpoint that cannot be read: damaged, incomplete, or not safe to open."""


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file, or of a folder that holds one or more.

    A folder holds `model.safetensors`, or `model.safetensors.index.json` and the
    shards that it names, as Hugging Face writes them.

    Raises:
        FileNotFoundError: where there is nothing.
        CheckpointFileError: for a pickle file, a damaged file, a shard that is not
            there, or one that lacks a tensor of the index.
    """
    path = Path(path)
    if path.is_dir():
        if (path / INDEX).exists():
            return _read_shards(path / INDEX)
        if (path / WHOLE).exists():
            return _read_file(path / WHOLE)
        pickles = sorted(f.name for f in path.iterdir() if f.suffix in PICKLE_SUFFIXES)
        if pickles:
            _refuse_pickle(path / pickles[0])
        raise FileNotFoundError(
            f"{path} holds neither {WHOLE} nor {INDEX}; is it the right folder?"
        )
    return _read_file(path)


def write_state_dict(
    state_dict: Mapping[str, Tensor],
    folder: str | Path,
    shard_bytes: int | None = None,
) -> None:
    """Write tensors as safetensors, in shards of at most about `shard_bytes` each.

    The layout is Hugging Face's, so that `transformers` and `read_state_dict` read it.
    Tensors that share memory are written out one by one.

    Raises:
        ValueError: when there is no tensor, or `shard_bytes` is below 1.
    """
    if not state_dict:
        raise ValueError("there is no tensor to write")
    if shard_bytes is not None and shard_bytes < 1:
        raise ValueError(f"shard_bytes must be at least 1, got {shard_bytes}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # safetensors refuses tensors that share memory or are not contiguous.
    tensors = {name: t.detach().clone().contiguous() for name, t in state_dict.items()}
    shards: list[dict[str, Tensor]] = [{}]
    filled = 0
    for name, tensor in tensors.items():
        if (
            shard_bytes is not None
            and shards[-1]
            and filled + _size(tensor) > shard_bytes
        ):
            shards.append({})
            filled = 0
        shards[-1][name] = tensor
        filled += _size(tensor)
    metadata = {"format": "pt"}  # transformers asks for it
    if len(shards) == 1:
        save_file(shards[0], folder / WHOLE, metadata)
        return
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards, start=1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        save_file(shard, folder / file, metadata)
        weight_map |= dict.fromkeys(shard, file)
    total = sum(_size(tensor) for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def read_config(folder: str | Path) -> dict[str, Any]:
    """The content of a folder's config.json.

    Raises:
        FileNotFoundError: where there is none.
        CheckpointFileError: when it is no JSON object.
    """
    path = Path(folder) / "config.json"
    return _read_json(path)


def _read_shards(index: Path) -> dict[str, Tensor]:
    weight_map = _read_json(index).get("weight_map")
    if not isinstance(weight_map, dict):
        raise CheckpointFileError(f"{index} has no weight_map; write it anew")
    tensors: dict[str, Tensor] = {}
    for file in sorted(set(weight_map.values())):
        # A name with a folder in it could point anywhere on this machine.
        if Path(file).name != file:
            raise CheckpointFileError(f"{index} names {file!r}, outside its folder")
        if not (index.parent / file).exists():
            raise CheckpointFileError(f"the shard {file} that {index} names is missing")
        tensors |= _read_file(index.parent / file)
    lost = sorted(weight_map.keys() - tensors.keys())
    if lost:
        raise CheckpointFileError(f"no shard of {index} holds {', '.join(lost)}")
    return tensors


def _read_file(path: Path) -> dict[str, Tensor]:
    if path.suffix in PICKLE_SUFFIXES:
        _refuse_pickle(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise CheckpointFileError(
            f"{path} is no complete safetensors file ({error}); fetch it anew"
        ) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointFileError(f"{path} is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise CheckpointFileError(f"{path} is JSON, but no object")
    return content


def _refuse_pickle(path: Path) -> None:
    raise CheckpointFileError(
        f"{path} is a pickle file, which can run any code when it is opened; "
        "it is not read. Convert it to safetensors, or fetch that version of it"
    )


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
