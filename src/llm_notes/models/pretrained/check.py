"""Weights go into a model whole or not at all, and the error lists what is wrong.

It knows no names of checkpoints: both sides use ours.
"""

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)


class WeightsDoNotFitError(ValueError):
    """A state dict lacks tensors, has others, or has them in other shapes."""


def load_weights(model: Model, state_dict: Mapping[str, Tensor]) -> Model:
    """Copy weights into a model; each keeps the model's dtype and device.

    Returns:
        the model, for chaining.

    Raises:
        WeightsDoNotFitError: listing missing, unexpected and mis-shaped tensors by
            name. The model is unchanged then.
    """
    expected = model.state_dict()
    if any(tensor.is_meta for tensor in (*expected.values(), *model.buffers())):
        raise ValueError(
            "the model is on the meta device, which holds no numbers; build it on the "
            "CPU, since tables of angles are computed when it is built"
        )
    missing = sorted(expected.keys() - state_dict.keys())
    unexpected = sorted(state_dict.keys() - expected.keys())
    misshaped = [
        f"{name}: {tuple(state_dict[name].shape)} where the model has "
        f"{tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in state_dict and state_dict[name].shape != tensor.shape
    ]
    lines = [
        f"{len(names)} {kind}: " + "; ".join(names)
        for kind, names in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", misshaped),
        )
        if names
    ]
    if lines:
        raise WeightsDoNotFitError(
            "the weights do not fit the model.\n"
            + "\n".join(lines)
            + "\nDo the configuration and the file belong to the same model?"
        )
    with torch.no_grad():
        for name, tensor in expected.items():
            tensor.copy_(state_dict[name])
    return model
