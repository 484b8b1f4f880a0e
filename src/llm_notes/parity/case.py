"""One line of the parity wall: how far two implementations are apart.

It knows no model: outputs and gradients of both sides go in, the largest differences
come out. A missing, extra or mis-shaped tensor is an error, never left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Parity:
    """What one comparison found.

    Args:
        family: what the book builds, e.g. "GPT-2".
        reference: whose implementation it is held against, library first, e.g.
            "transformers.GPT2LMHeadModel".
        n_compared: how many numbers (or token ids) of the outputs were compared.
        output_error: largest absolute difference of an output; for token ids, how
            many differ.
        gradient_error: largest absolute difference of a gradient of the same loss,
            over all parameters; None where nothing is differentiated.
    """

    family: str
    reference: str
    n_compared: int
    output_error: float
    gradient_error: float | None = None

    @property
    def library(self) -> str:
        """The reference's library and its installed version."""
        name = self.reference.partition(".")[0]
        distribution = {"sklearn": "scikit-learn"}.get(name, name)
        return f"{distribution} {version(distribution)}"


def compare(
    family: str,
    reference: str,
    ours: Mapping[str, Tensor],
    theirs: Mapping[str, Tensor],
    our_gradients: Mapping[str, Tensor] | None = None,
    their_gradients: Mapping[str, Tensor] | None = None,
) -> Parity:
    """Find the largest differences between two implementations.

    Args:
        ours, theirs: outputs by name.
        our_gradients, their_gradients: gradients by the name of our parameter.

    Raises:
        ValueError: when names or shapes differ, a gradient is missing, or nothing
            is compared.
    """
    gradient_error = None
    if our_gradients is not None or their_gradients is not None:
        gradient_error = _largest_difference(our_gradients or {}, their_gradients or {})
    return Parity(
        family,
        reference,
        n_compared=sum(tensor.numel() for tensor in ours.values()),
        output_error=_largest_difference(ours, theirs),
        gradient_error=gradient_error,
    )


def gradients(module: nn.Module) -> dict[str, Tensor]:
    """The gradient of each parameter by name.

    Raises:
        ValueError: when a parameter has none: the loss did not depend on it.
    """
    missing = [name for name, p in module.named_parameters() if p.grad is None]
    if missing:
        raise ValueError(f"no gradient reached {', '.join(missing)}")
    return {name: p.grad for name, p in module.named_parameters()}


def randomise(module: nn.Module, seed: int = 0, std: float = 0.1) -> None:
    """Add noise to every parameter, in place.

    Gains start at one and biases at zero in most libraries; a model that forgot one
    would look equal. The global generator is left as it was.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(std * noise.to(parameter))


def _largest_difference(
    ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]
) -> float:
    if not ours or ours.keys() != theirs.keys():
        raise ValueError(
            "both sides need the same names, and at least one; only ours: "
            f"{sorted(ours.keys() - theirs.keys())}, only theirs: "
            f"{sorted(theirs.keys() - ours.keys())}"
        )
    largest = 0.0
    for name, mine in ours.items():
        if mine.shape != theirs[name].shape:
            raise ValueError(
                f"{name} has shape {tuple(mine.shape)} here and "
                f"{tuple(theirs[name].shape)} in the reference"
            )
        difference = (mine.detach().double() - theirs[name].detach().double()).abs()
        # NaN must not pass as a small number: max() of a comparison would drop it.
        largest = max(largest, float(difference.nan_to_num(nan=float("inf")).max()))
    return largest
