"""The blocks of a model: what is forgotten, or put together, one after the other."""

from torch import nn

from llm_notes.models.layers.block import Block
from llm_notes.models.layers.cross_block import CrossBlock


def blocks_of(model: nn.Module) -> list[nn.Module]:
    """All blocks of a Transformer, of encoder and decoder, wherever they are."""
    return [m for m in model.modules() if isinstance(m, (Block, CrossBlock))]
