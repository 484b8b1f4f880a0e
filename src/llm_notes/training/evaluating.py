"""A model looks at data without dropout, and afterwards trains on as if nothing were.

It knows no loss and no data: only modules and their modes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode within the block; afterwards each part has its own mode again.

    The modes come back after an error too. Gradients are another matter: they are
    recorded unless the caller forbids it.

    Args:
        model: any module. A part that was in evaluation mode on purpose, such as a
            frozen one, stays there when the rest goes on training.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
