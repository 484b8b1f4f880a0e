"""Checkpoints: a folder with weights, tokenizer and a description, written whole.

    weights.safetensors   tensors only: reading it runs no code, unlike a pickle
    tokenizer.json        as `Tokenizer.save` writes it
    checkpoint.json       architecture, its sizes, the history, hashes of the other two

A reader never finds half of a folder, and a failed save leaves the earlier checkpoint
as it was (`durable`). Runs that are not finished are saved by `run_state`.
"""

from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import safetensors.torch
from torch import nn

from llm_notes.data.tokenizers import Tokenizer, load_tokenizer
from llm_notes.training.description import Description
from llm_notes.training.durable import new_folder, write_tensors


class CheckpointError(ValueError):
    """The folder holds no checkpoint, a damaged one, or one of another architecture."""


DESCRIPTION = Description(
    "checkpoint.json",
    "llm_notes.checkpoint",
    1,
    {"architecture": str, "config": dict, "history": dict},
    CheckpointError,
)


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint gives back: a model ready to use, and what belongs to it."""

    model: nn.Module
    tokenizer: Tokenizer
    history: dict[str, Any]


def save_checkpoint(
    path: str | Path,
    model: nn.Module,
    tokenizer: Tokenizer,
    history: dict[str, Any] | None = None,
) -> Path:
    """Write model, tokenizer and history to the folder `path`, replacing it.

    Args:
        path: the folder; the folders above it are made.
        model: its class name and `model.config` (a dataclass) are noted.
        tokenizer: the one whose ids the model reads.
        history: anything JSON can hold, such as `History.as_dict()`.

    Returns:
        the folder.
    """
    path = Path(path)
    with new_folder(path) as draft:
        tensors = {k: v.detach().contiguous() for k, v in model.state_dict().items()}
        write_tensors(draft / "weights.safetensors", tensors)
        tokenizer.save(draft / "tokenizer.json")
        DESCRIPTION.write(
            draft,
            architecture=type(model).__name__,
            config=_config_as_json(model.config),
            history=history or {},
        )
    return path


def load_checkpoint(
    path: str | Path, model_class: type[nn.Module], config_class: type
) -> Checkpoint:
    """Read a folder that `save_checkpoint` wrote.

    Args:
        path: the folder.
        model_class: the architecture that is expected, such as `GPT`.
        config_class: its dataclass of sizes, such as `GPTConfig`.

    Returns:
        the model in evaluation mode on the CPU, its tokenizer and history.

    Raises:
        CheckpointError: when there is no checkpoint, a file is missing, cut short or
            changed, or the weights belong to another architecture.
    """
    path = Path(path)
    description = DESCRIPTION.read(path)
    if description["architecture"] != model_class.__name__:
        raise CheckpointError(
            f"{path} holds a {description['architecture']}, not a "
            f"{model_class.__name__}: load it with its own class"
        )
    DESCRIPTION.require_whole(path, {"weights.safetensors", "tokenizer.json"})
    try:
        config = _config_from_json(config_class, description["config"])
        model = model_class(config)
        tensors = safetensors.torch.load_file(path / "weights.safetensors")
        model.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} does not fit this version of {model_class.__name__}: {error}"
        ) from error
    tokenizer = load_tokenizer(path / "tokenizer.json")
    return Checkpoint(model.eval(), tokenizer, description["history"])


def _config_as_json(config: Any) -> dict[str, Any]:
    """A dataclass of sizes; a part that is one itself, such as a rule, has its name."""
    content = asdict(config)
    for field in fields(config):
        if is_dataclass(part := getattr(config, field.name)):
            content[field.name]["class"] = type(part).__name__
    return content


def _config_from_json(config_class: type, content: dict[str, Any]) -> Any:
    hints = get_type_hints(config_class)
    content = dict(content)
    for name, value in content.items():
        if isinstance(value, dict):
            classes = {kind.__name__: kind for kind in get_args(hints[name])}
            arguments = {key: value[key] for key in value.keys() - {"class"}}
            content[name] = classes[value["class"]](**arguments)
    return config_class(**content)


def architecture_of(path: str | Path) -> str:
    """The class name of the model in a folder. Raises CheckpointError."""
    return DESCRIPTION.read(Path(path))["architecture"]
