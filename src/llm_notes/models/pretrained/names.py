"""One table of names serves both directions between a checkpoint and our models.

A rule is a pair of names, theirs and ours, in which {} stands for the number of a
layer (or of a layer and an expert). This module knows no family of models.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

StateDict = dict[str, Tensor]
Rules = Mapping[str, str]


def rename(
    state_dict: Mapping[str, Tensor],
    rules: Rules,
    what: str,
    ignore: Iterable[str] = (),
) -> StateDict:
    """Give each tensor the name that the rules say.

    Args:
        state_dict: names to tensors.
        rules: name patterns to name patterns; every {} matches one whole number, and
            the new name gets the numbers in the same order.
        what: what the state dict should be one of, for the error.
        ignore: patterns of names that are left out (tied copies, buffers).

    Returns:
        a new dict; tensors are shared, not copied.

    Raises:
        ValueError: naming the tensors that no rule knows.
    """
    patterns = [(_pattern(old), new) for old, new in rules.items()]
    ignored = [_pattern(name) for name in ignore]
    renamed: StateDict = {}
    unknown: list[str] = []
    for name, tensor in state_dict.items():
        if any(pattern.fullmatch(name) for pattern in ignored):
            continue
        for pattern, new in patterns:
            if match := pattern.fullmatch(name):
                renamed[new.format(*match.groups())] = tensor
                break
        else:
            unknown.append(name)
    if unknown:
        raise ValueError(
            f"{len(unknown)} names are not those of {what}: {', '.join(unknown[:5])}"
            + (" ..." if len(unknown) > 5 else "")
        )
    return renamed


def require_options(
    config: Mapping[str, Any], supported: Mapping[str, object], what: str
) -> None:
    """Refuse a configuration that asks for what our model does not do.

    Args:
        config: content of a config.json.
        supported: the one value that each option may have; not given is well, too.
        what: the name of our model, for the error.

    Raises:
        ValueError: naming the option. Loading the weights all the same would give a
            model that computes something else.
    """
    for option, value in supported.items():
        if config.get(option, value) != value:
            raise ValueError(
                f"{option} is {config[option]!r}; our {what} has {value!r} only"
            )


def require_tied(state_dict: Mapping[str, Tensor], copy: str, original: str) -> None:
    """Refuse a tensor that our model takes for a copy, and that is none.

    Raises:
        ValueError: naming both, when both are there and differ.
    """
    if not {copy, original} <= state_dict.keys():
        return
    if not torch.equal(state_dict[copy], state_dict[original]):
        raise ValueError(
            f"{copy} differs from {original}, and the model has one tensor for both"
        )


def inverse(rules: Rules) -> dict[str, str]:
    """The rules in the other direction."""
    return {new: old for old, new in rules.items()}


def with_suffixes(rules: Rules, *suffixes: str) -> dict[str, str]:
    """The same rules for several kinds of tensors, such as ".weight" and ".bias"."""
    return {old + s: new + s for old, new in rules.items() for s in suffixes}


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(r"(\d+)".join(re.escape(part) for part in name.split("{}")))
