"""Which parameters decay, and which are hidden matrices. Knows names, no rule."""

import re
from collections.abc import Iterator
from typing import Any

from torch import nn

# Names of the first and the last layers, of which there is one row for each token or
# class: their gradients are sparse, and rows differ more than directions do.
ENDS = r"embedding|head|output_proj|direct_proj|classifier|next_sentence|patch_proj"


def parameter_groups(
    model: nn.Module, weight_decay: float, **settings: Any
) -> list[dict[str, Any]]:
    """Two groups: matrices, which decay, and vectors, which do not.

    Gains and biases set a scale, and pulling them to zero would remove it; a matrix
    that shrinks only says less. Parameters that need no gradient are left out.

    Args:
        model: any module.
        weight_decay: of the matrices.
        settings: what else both groups hold, such as `lr`.

    Returns:
        groups for an optimiser; one that would be empty is left out.
    """
    trained = [p for _, p in trained_parameters(model)]
    return _decayed(trained, weight_decay, settings)


def hidden_matrices(
    model: nn.Module, weight_decay: float, ends: str = ENDS
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Groups for Muon, and groups for AdamW with all the rest.

    Hidden are the weights of linear layers (experts and recurrent projections among
    them), except those at either end of the model.

    Args:
        model: any module.
        weight_decay: of all matrices.
        ends: a regular expression; a parameter whose name it finds is not hidden.

    Returns:
        one group of hidden matrices, and `parameter_groups` of the others; both lists
        may be empty.
    """
    linear = {
        id(module.weight) for module in model.modules() if isinstance(module, nn.Linear)
    }
    hidden, others = [], []
    for name, parameter in trained_parameters(model):
        is_hidden = id(parameter) in linear and not re.search(ends, name)
        (hidden if is_hidden else others).append(parameter)
    return _decayed(hidden, weight_decay, {}), _decayed(others, weight_decay, {})


def trained_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Names and parameters that need a gradient; a shared one comes once."""
    return ((n, p) for n, p in model.named_parameters() if p.requires_grad)


def _decayed(
    parameters: list[nn.Parameter], weight_decay: float, settings: dict[str, Any]
) -> list[dict[str, Any]]:
    matrices = [p for p in parameters if p.dim() >= 2]
    vectors = [p for p in parameters if p.dim() < 2]
    pairs = ((matrices, weight_decay), (vectors, 0.0))
    return [
        {"params": some, "weight_decay": decay, **settings}
        for some, decay in pairs
        if some
    ]
