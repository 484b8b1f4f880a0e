"""What a smaller model costs: bytes, errors of the weights, bits per byte.

It compares two models that have the same layers, whatever made the second one.
"""

from dataclasses import dataclass

import torch
from torch import nn

from llm_notes.data.tokenizers.base import Tokenizer
from llm_notes.training.evaluation import bits_per_byte


@dataclass(frozen=True)
class CompressionReport:
    """One model beside the one that it was made from.

    Attributes:
        n_bytes_before, n_bytes: of parameters and saved buffers, shared ones once.
        mean_error, max_error: of the absolute difference of all weights that differ
            in kind or value, in units of the weights; 0 when none does.
        bits_per_byte_before, bits_per_byte: on the text; None without one.
    """

    n_bytes_before: int
    n_bytes: int
    mean_error: float
    max_error: float
    bits_per_byte_before: float | None = None
    bits_per_byte: float | None = None

    @property
    def ratio(self) -> float:
        """How many times smaller the model has become."""
        return self.n_bytes_before / self.n_bytes


def model_bytes(model: nn.Module) -> int:
    """Bytes of all that `state_dict` holds; a tensor under two names counts once."""
    tensors = {t.data_ptr(): t for t in model.state_dict().values()}
    return sum(t.numel() * t.element_size() for t in tensors.values())


@torch.no_grad()
def compression_report(
    before: nn.Module,
    after: nn.Module,
    tokenizer: Tokenizer | None = None,
    text: str | None = None,
) -> CompressionReport:
    """Measure a model that was quantised or thinned out against its original.

    Args:
        before, after: models with the same layers of the same shapes.
        tokenizer, text: held-out text for bits per byte, for causal models.

    Raises:
        ValueError: when a layer of the one has another shape in the other.
    """
    errors = []
    others = dict(after.named_modules())
    for name, module in before.named_modules():
        weight = getattr(module, "weight", None)
        if not isinstance(weight, torch.Tensor) or weight.dim() != 2:
            continue
        other = others[name].weight
        if other.shape != weight.shape:
            raise ValueError(
                f"{name} has shape {tuple(weight.shape)} before and "
                f"{tuple(other.shape)} after: weights can only be compared one by one"
            )
        if type(others[name]) is type(module) and other.equal(weight):
            continue  # left as it was, such as a table of positions
        errors.append((weight - other).abs().flatten())
    error = torch.cat(errors) if errors else torch.zeros(1)
    bits = [None, None]
    if tokenizer is not None and text is not None:
        bits = [bits_per_byte(model, tokenizer, text) for model in (before, after)]
    return CompressionReport(
        model_bytes(before),
        model_bytes(after),
        error.mean().item(),
        error.max().item(),
        *bits,
    )
