"""GPTQ: round one column after the other, and let the rest make up for the error.

Plain rounding asks that each weight stays close; what counts is that the layer's
output does. From some of the layer's inputs, GPTQ knows which errors cancel (Frantar
et al. 2023). This module works on one matrix; it knows no model.
"""

import torch
from torch import Tensor

from llm_notes.inference.quantization.rounding import (
    IntegerFormat,
    QuantizedMatrix,
    grid,
    quantize,
    to_grid,
)


def gptq(
    weight: Tensor, gram: Tensor, integers: IntegerFormat, damping: float = 0.01
) -> QuantizedMatrix:
    r"""Round a matrix so that its outputs on known inputs change little.

    With inputs X (N, I), the error of the outputs is a quadratic form with the matrix
    H = 2 X^T X. After column j is rounded, the columns behind it are moved to where
    that form is least (Frantar et al. 2023, section 3.3 and algorithm 1):

    $$\delta = \frac{w_j - q_j}{U_{jj}}, \qquad W_{:,\,j+1:} \mathrel{-}= \delta\,
      U_{j,\,j+1:}, \qquad H^{-1} = U^\top U$$

    Scales of a matrix or channel are those of the weights; the scales of a group are
    taken when its first column comes up. The columns are taken as they stand.

    Args:
        weight: (O, I).
        gram: (I, I), the sum of $x x^\top$ over the inputs; a factor does not matter.
        damping: share of the mean of the diagonal of H that is added to the diagonal,
            without which H may have no inverse.

    Raises:
        ValueError: when shapes do not fit or the damping is not above 0, and what
            `quantize` raises.
    """
    if weight.dim() != 2 or tuple(gram.shape) != (weight.size(-1),) * 2:
        raise ValueError(
            f"a weight (O, I) needs a matrix (I, I) of its inputs, got "
            f"{tuple(weight.shape)} and {tuple(gram.shape)}"
        )
    if damping <= 0:
        raise ValueError(f"damping must be above 0, got {damping}")
    w = weight.double().clone()
    upper = _inverse_factor(gram.double(), damping)
    n_rows, n_columns = w.shape
    n_groups = integers.scale_shape(n_rows, n_columns)[1]
    width = n_columns // n_groups
    codes, scales, zeros = [], [], []
    one_group = IntegerFormat(
        integers.bits, integers.per_channel, zero_point=integers.zero_point
    )
    for start in range(0, n_columns, width):
        # The grid is that of the stored dtype, so that what is read back is the same.
        group = w[:, start : start + width].to(weight.dtype)
        scale, zero = grid(group, one_group)
        scales.append(scale)
        zeros.append(zero)
        for j in range(start, start + width):
            column = w[:, j : j + 1]
            code = to_grid(column, scale.double(), zero, one_group)
            rounded = QuantizedMatrix(code, scale.double(), zero).dequantize()
            error = (column - rounded) / upper[j, j]
            w[:, j + 1 :] -= error * upper[j, j + 1 :]
            codes.append(code)
    zero = torch.cat(zeros, dim=1) if integers.zero_point else None
    return QuantizedMatrix(torch.cat(codes, dim=1), torch.cat(scales, dim=1), zero)


def gptq_or_nearest(
    weight: Tensor, gram: Tensor, integers: IntegerFormat, damping: float = 0.01
) -> QuantizedMatrix:
    """`gptq`, but for each row plain rounding where that errs less on the inputs.

    GPTQ is greedy and nothing forbids that it loses; rows do not know each other, so
    the better of the two can be taken for each. The error of the outputs is then never
    above that of `quantize`, on these inputs.

    Raises what `gptq` raises.
    """
    solved = gptq(weight, gram, integers, damping)
    nearest = quantize(weight, integers)
    is_worse = output_error(weight, solved.dequantize(), gram) > output_error(
        weight, nearest.dequantize(), gram
    )
    worse = is_worse[:, None]
    # One scale for the whole matrix is the same in both.
    if not integers.per_channel:
        scale, zero = nearest.scale, nearest.zero
    else:
        scale = torch.where(worse, nearest.scale, solved.scale)
        zero = None
        if nearest.zero is not None:
            zero = torch.where(worse, nearest.zero, solved.zero)
    codes = torch.where(worse, nearest.codes, solved.codes)
    return QuantizedMatrix(codes, scale, zero)


def output_error(weight: Tensor, other: Tensor, gram: Tensor) -> Tensor:
    r"""Squared error of each output over the inputs: $\|X (w - \hat w)\|^2$, (O,).

    Args:
        weight, other: (O, I) two matrices.
        gram: (I, I), the sum of $x x^\top$ over the inputs.
    """
    difference = (weight - other).double()
    return ((difference @ gram.double()) * difference).sum(dim=1)


def _inverse_factor(gram: Tensor, damping: float) -> Tensor:
    """U (I, I), upper triangular, with U^T U the inverse of the damped matrix."""
    if not gram.any():  # no inputs, so nothing to make up for: columns stay apart
        return torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    # The damping also keeps an input that was always 0 apart from the others.
    extra = damping * gram.diagonal().mean()
    damped = gram + extra * torch.eye(len(gram)).to(gram)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    return torch.linalg.cholesky(inverse, upper=True)
