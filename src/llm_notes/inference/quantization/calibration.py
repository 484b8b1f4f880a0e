"""What layers see: the second moments of their inputs on a few batches.

GPTQ needs nothing else of the calibration text. Hooks gather it; they are gone when
the pass is over.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from llm_notes.training.evaluating import evaluating


@torch.no_grad()
def input_grams(
    model: nn.Module,
    batches: Iterable[Tensor],
    layers: Iterable[str],
    run: Callable[[nn.Module, Tensor], object] | None = None,
) -> dict[str, Tensor]:
    r"""$\sum x x^\top$ over all inputs x of each layer, in float64.

    Args:
        model: read in evaluation mode; its mode is put back.
        batches: token ids (B, T), or whatever `run` takes.
        layers: names of linear layers in the model.
        run: run(model, batch); model(batch) when not given.

    Returns:
        (I, I) for each name; zeros for a layer that was never called.

    Raises:
        ValueError: when there is no batch.
    """
    grams: dict[str, Tensor] = {}
    handles, n_batches = [], 0
    try:
        for name in layers:
            layer = model.get_submodule(name)
            width = layer.in_features
            grams[name] = torch.zeros(width, width, dtype=torch.float64)
            handles.append(layer.register_forward_pre_hook(_adds_to(grams[name])))
        with evaluating(model):
            for batch in batches:
                model(batch) if run is None else run(model, batch)
                n_batches += 1
    finally:
        for handle in handles:
            handle.remove()
    if not n_batches:
        raise ValueError("calibration needs at least one batch of token ids")
    return grams


def _adds_to(gram: Tensor) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def hook(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].detach().flatten(end_dim=-2).to("cpu", torch.float64)  # (N, I)
        gram.addmm_(x.T, x)

    return hook
