"""Set the smallest weights to zero: anywhere, or two of each four.

A mask is boolean and True means that a weight is kept. It knows nothing of why small
weights matter little, only that they often do.
"""

import copy
from collections.abc import Collection

import torch
from torch import Tensor, nn


def keep_largest(weight: Tensor, sparsity: float) -> Tensor:
    """Which weights stay when a share of the smallest goes (Han et al. 2015).

    Args:
        weight: any shape.
        sparsity: share that goes, rounded to a whole number of weights.

    Returns:
        a mask of the same shape; of weights of one size, the first ones go.

    Raises:
        ValueError: when the share is not in [0, 1].
    """
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity must lie in [0, 1], got {sparsity}")
    n_gone = round(sparsity * weight.numel())
    order = weight.detach().abs().flatten().argsort(stable=True)
    mask = torch.ones(weight.numel(), dtype=torch.bool, device=weight.device)
    mask[order[:n_gone]] = False
    return mask.view(weight.shape)


def two_of_four(weight: Tensor) -> Tensor:
    """The two largest of each four inputs stay (Mishra et al. 2021).

    This is the pattern that graphics cards multiply by at twice the speed.

    Args:
        weight: (O, I), with I divisible by 4.

    Returns:
        a mask (O, I) with exactly two in each group of four columns; of weights of
        one size, the last ones stay.

    Raises:
        ValueError: when I is not divisible by 4.
    """
    if weight.dim() != 2 or weight.size(1) % 4:
        raise ValueError(
            f"2:4 needs a matrix with a number of inputs that 4 divides, got shape "
            f"{tuple(weight.shape)}"
        )
    groups = weight.detach().abs().unflatten(1, (-1, 4))  # (O, I / 4, 4)
    kept = groups.argsort(dim=-1, stable=True)[..., 2:]
    mask = torch.zeros(groups.shape, dtype=torch.bool, device=weight.device)
    return mask.scatter(-1, kept, True).flatten(1)


def magnitude_masks(
    model: nn.Module,
    sparsity: float | None = None,
    scope: str = "layer",
    skip: Collection[str] = ("router",),
) -> dict[str, Tensor]:
    """Masks for the weights of all linear layers of a model.

    Args:
        model: any model made of `nn.Linear`.
        sparsity: share of the weights that goes; not for "2:4", where it is a half.
        scope: "layer", the same share of each matrix; "global", one threshold for all
            of them, so that some lose more than others; or "2:4".
        skip: layers that stay as they are, by their full name or its last part.

    Returns:
        name of the layer -> mask (O, I).

    Raises:
        ValueError: when the scope is unknown, the share is not in [0, 1], missing, or
            given where the pattern decides, or nothing is left to prune.
    """
    weights = {
        name: module.weight
        for name, module in model.named_modules()
        if type(module) is nn.Linear
        and name not in skip
        and name.rpartition(".")[2] not in skip
    }
    if not weights:
        raise ValueError("the model has no linear layer to prune that is not skipped")
    if (scope == "2:4") != (sparsity is None):
        raise ValueError(
            f"scope {scope!r} with sparsity = {sparsity}: 2:4 removes a half and takes "
            "no share, any other scope needs one"
        )
    if scope == "2:4":
        return {name: two_of_four(weight) for name, weight in weights.items()}
    if scope == "layer":
        return {name: keep_largest(w, sparsity) for name, w in weights.items()}
    if scope == "global":
        together = torch.cat([weight.flatten() for weight in weights.values()])
        mask = keep_largest(together, sparsity)
        parts = mask.split([weight.numel() for weight in weights.values()])
        return {
            name: part.view(weight.shape)
            for (name, weight), part in zip(weights.items(), parts, strict=True)
        }
    raise ValueError(f"scope must be 'layer', 'global' or '2:4', got {scope!r}")


def prune(model: nn.Module, masks: dict[str, Tensor]) -> nn.Module:
    """A copy of the model whose masked weights are zero; the model stays as it is.

    Raises:
        ValueError: when a layer is no plain linear one (quantised or adapted), or a
            mask has another shape than the weight.
    """
    pruned = copy.deepcopy(model)
    for name, mask in masks.items():
        layer = pruned.get_submodule(name)
        if type(layer) is not nn.Linear:
            raise ValueError(
                f"{name} is a {type(layer).__name__}, whose weight is not stored as it "
                "is: prune the plain model, and quantise or adapt it afterwards"
            )
        weight = layer.weight
        if mask.shape != weight.shape:
            raise ValueError(
                f"{name} has a weight of shape {tuple(weight.shape)} and a mask of "
                f"shape {tuple(mask.shape)}"
            )
        with torch.no_grad():
            weight *= mask
    return pruned


def sparsity(model: nn.Module) -> float:
    """Share of the weights of the linear layers that are zero."""
    weights = [m.weight for m in model.modules() if isinstance(m, nn.Linear)]
    n_zero = sum(int((weight == 0).sum()) for weight in weights)
    return n_zero / sum(weight.numel() for weight in weights)
