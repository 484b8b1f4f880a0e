"""Pruning: weights that are set to zero, and heads that are taken out.

By size (`magnitude`), by what the loss says (`heads`), and what it saves (`storage`).
"""

from llm_notes.inference.pruning.heads import (
    gradient_importance,
    least_important,
    magnitude_importance,
    mask_groups,
    remove_groups,
)
from llm_notes.inference.pruning.magnitude import (
    keep_largest,
    magnitude_masks,
    prune,
    sparsity,
    two_of_four,
)
from llm_notes.inference.pruning.storage import (
    bitmask_form,
    stored_bytes,
    two_of_four_form,
)

__all__ = [
    "bitmask_form",
    "gradient_importance",
    "keep_largest",
    "least_important",
    "magnitude_importance",
    "magnitude_masks",
    "mask_groups",
    "prune",
    "remove_groups",
    "sparsity",
    "stored_bytes",
    "two_of_four",
    "two_of_four_form",
]
