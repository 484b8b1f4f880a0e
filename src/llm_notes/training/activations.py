"""Activation checkpointing: forget what is inside a block, compute it again later."""

from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint

from llm_notes.training.blocks import blocks_of


def forget_activations(model: nn.Module) -> None:
    """Keep only the inputs of each block for the backward pass (Chen et al. 2016).

    The backward pass runs each block forward a second time, with the same random
    numbers, so gradients are the same. Names of parameters do not change.

    Raises ValueError for a model without blocks.
    """
    blocks = blocks_of(model)
    if not blocks:
        raise ValueError(
            f"checkpointing needs a model of Transformer blocks, and "
            f"{type(model).__name__} has none; switch it off"
        )
    for block in blocks:
        if "forward" not in vars(block):  # not yet done, by an earlier trainer
            block.forward = partial(checkpoint, block.forward, use_reentrant=False)
