"""Nested states as JSON and named tensors, and back: what pickle does, without code.

A state is made of dicts, lists, tuples, numbers, text, None and tensors, nested in any
way, as the `state_dict` of an optimiser is. JSON has neither tuples nor keys that are
numbers, so every container but a list is marked:

    {"dict": [[key, value], ...]}  {"tuple": [...]}  {"float": "nan"}  {"tensor": name}
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def flatten(state: Any) -> tuple[Any, dict[str, Tensor]]:
    """Split a state into what JSON can hold and tensors with names.

    A tensor that stands at several places, as tied weights do, is kept once.

    Returns:
        the tree, with a name where a tensor stood, and {name: tensor on the CPU}.

    Raises:
        TypeError: for what is none of the kinds above; the message says where it is.
    """
    tensors: dict[str, Tensor] = {}
    seen: dict[tuple, tuple[str, Tensor]] = {}

    def tree(value: Any, path: tuple[str, ...]) -> Any:
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {"float": str(value)}
        if isinstance(value, Tensor):
            return {"tensor": name_of(value, path)}
        if isinstance(value, list | tuple):
            items = [tree(item, (*path, str(i))) for i, item in enumerate(value)]
            return items if isinstance(value, list) else {"tuple": items}
        if isinstance(value, Mapping):
            pairs = value.items()
            return {
                "dict": [
                    [tree(key, path), tree(item, (*path, str(key)))]
                    for key, item in pairs
                ]
            }
        raise TypeError(
            f"a {type(value).__name__} at {'.'.join(path) or 'the top'} cannot be "
            "saved; use dicts, lists, tuples, numbers, text, None and tensors"
        )

    def name_of(tensor: Tensor, path: tuple[str, ...]) -> str:
        place = (tensor.device, tensor.data_ptr(), tensor.dtype)
        key = (*place, tensor.shape, tensor.stride())
        if key in seen and tensor.numel():
            return seen[key][0]
        name = ".".join(path) or "tensor"
        while name in tensors or name == "__metadata__":  # a name of the format's own
            name += "'"
        tensors[name] = (
            tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        )
        # The original is kept, or its memory could be given to another one.
        seen[key] = (name, tensor)
        return name

    return tree(state, ()), tensors


def unflatten(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The reverse of `flatten`. Raises KeyError or ValueError for a damaged tree."""
    if isinstance(tree, list):
        return [unflatten(item, tensors) for item in tree]
    if not isinstance(tree, Mapping):
        return tree
    ((kind, content),) = tree.items()
    if kind == "dict":
        return {unflatten(k, tensors): unflatten(v, tensors) for k, v in content}
    if kind == "tuple":
        return tuple(unflatten(item, tensors) for item in content)
    if kind == "float":
        return float(content)
    if kind == "tensor":
        return tensors[content]
    raise ValueError(f"unknown mark {kind!r}; known are dict, tuple, float and tensor")
