"""A mean over some places of a table: those of an answer, those that are counted."""

from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` where `mask` is True; 0 where it never is. A scalar.

    Args:
        values: (...); where the mask is False they may be anything, also NaN.
        mask: (...), boolean.
    """
    return values.masked_fill(~mask, 0.0).sum() / mask.sum().clamp(min=1)
