"""From a weight matrix to small integers and scales, and back.

Three granularities, one rule: a scale for the whole matrix, for each output channel
(row), or for each group of columns of a row. It knows nothing of layers or files.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class IntegerFormat:
    """How a matrix (O, I) is written in integers.

    Args:
        bits: 2 to 8. Up to four bits, two integers are stored in each byte.
        per_channel: a scale for each row; else one for the whole matrix.
        group_size: a scale for each so many columns of each row instead; I has to be
            divisible by it.
        zero_point: integers from 0 to 2^bits - 1 with a shift for each scale, for
            weights that are not centred; else integers around 0, without the shift.

    Raises:
        ValueError: when the settings are outside or contradict each other.
    """

    bits: int = 8
    per_channel: bool = True
    group_size: int | None = None
    zero_point: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise ValueError(f"bits must lie between 2 and 8, got {self.bits}")
        if self.group_size is not None and (
            self.group_size < 1 or not self.per_channel
        ):
            raise ValueError(
                f"group_size = {self.group_size}, per_channel = {self.per_channel}: a "
                "group is at least 1 column of one channel"
            )

    @property
    def lowest(self) -> int:
        """The smallest integer in use: -(2^(bits-1) - 1), or 0 with a zero point."""
        return 0 if self.zero_point else -self.highest

    @property
    def highest(self) -> int:
        """The largest integer in use: 2^(bits-1) - 1, or 2^bits - 1 with a zero point.

        Without a zero point, -2^(bits-1) is left out, so that w and -w round alike.
        """
        return 2**self.bits - 1 if self.zero_point else 2 ** (self.bits - 1) - 1

    @property
    def packed(self) -> bool:
        """Whether two integers share a byte."""
        return self.bits <= 4

    def scale_shape(self, n_rows: int, n_columns: int) -> tuple[int, int]:
        """How many scales a matrix has: one row of them, or one for each channel.

        Raises:
            ValueError: when the columns do not divide into groups.
        """
        if self.group_size is None:
            return (n_rows if self.per_channel else 1), 1
        if n_columns % self.group_size:
            raise ValueError(
                f"a layer has {n_columns} inputs, which group_size = {self.group_size} "
                "does not divide: choose a divisor, or skip the layer"
            )
        return n_rows, n_columns // self.group_size


# What is in use for weights; more can be made.
FORMATS = {
    "int8-per-tensor": IntegerFormat(8, per_channel=False),
    "int8": IntegerFormat(8),
    "int4": IntegerFormat(4, group_size=32),
    "int4-zero-point": IntegerFormat(4, group_size=32, zero_point=True),
}


@dataclass(frozen=True)
class QuantizedMatrix:
    """Integers q (O, I), their scales s and shifts z (one row or O, groups).

    The matrix they stand for is $s (q - z)$; without shifts, z = 0.
    """

    codes: Tensor
    scale: Tensor
    zero: Tensor | None = None

    def dequantize(self) -> Tensor:
        """The matrix (O, I), in the dtype of the scales."""
        n_groups = self.scale.size(1)
        codes = self.codes.unflatten(1, (n_groups, -1)).to(self.scale.dtype)
        if self.zero is not None:
            codes = codes - self.zero.to(codes.dtype)[:, :, None]
        return (codes * self.scale[:, :, None]).flatten(1)


def quantize(weight: Tensor, integers: IntegerFormat) -> QuantizedMatrix:
    r"""Round a matrix to the nearest integers times a scale.

    $$q = \mathrm{clip}(\lfloor w / s \rceil + z), \qquad
      s = \frac{\max |w|}{2^{b-1} - 1} \;\text{ and } z = 0, \qquad \text{or} \quad
      s = \frac{\max(w, 0) - \min(w, 0)}{2^b - 1}
      \;\text{ and } z = \lfloor -\min(w, 0) / s \rceil$$

    (absmax and zero-point quantisation, as in Dettmers et al. 2022, section 2.1; Jacob
    et al. 2018, equation 1). No weight moves by more than s / 2, and 0 stays 0.

    Args:
        weight: (O, I) finite numbers.

    Raises:
        ValueError: when it is no matrix or not finite, or its columns do not divide
            into groups.
    """
    scale, zero = grid(weight, integers)
    codes = to_grid(weight, scale, zero, integers)
    return QuantizedMatrix(codes, scale, zero)


def grid(weight: Tensor, integers: IntegerFormat) -> tuple[Tensor, Tensor | None]:
    """The scales and shifts of a matrix (O, I), each (one row or O, groups).

    Raises what `quantize` raises.
    """
    if weight.dim() != 2:
        raise ValueError(
            f"a weight must be a matrix (O, I), got shape {tuple(weight.shape)}"
        )
    if not weight.isfinite().all():
        raise ValueError("the weight holds inf or nan, which no integer stands for")
    n_rows, n_groups = integers.scale_shape(*weight.shape)
    cells = weight.reshape(n_rows, n_groups, -1)  # what shares a scale, last
    if not integers.zero_point:
        return _scale(cells.abs().amax(dim=-1), integers), None
    low, high = cells.amin(dim=-1).clamp(max=0), cells.amax(dim=-1).clamp(min=0)
    scale = _scale(high - low, integers)
    return scale, (-low / scale).round().to(torch.uint8)


def _scale(span: Tensor, integers: IntegerFormat) -> Tensor:
    """The span of each cell over the largest integer; 1 for cells of zeros only."""
    scale = span / integers.highest
    return torch.where(scale > 0, scale, torch.ones_like(scale))


def to_grid(
    weight: Tensor, scale: Tensor, zero: Tensor | None, integers: IntegerFormat
) -> Tensor:
    """The nearest integers (O, I) on a given grid: int8, or uint8 with shifts."""
    cells = weight.unflatten(1, (scale.size(1), -1))  # (O, groups, columns)
    codes = (cells / scale[:, :, None]).round()
    if zero is not None:
        codes = codes + zero.to(codes.dtype)[:, :, None]
    codes = codes.clamp(integers.lowest, integers.highest).flatten(1)
    return codes.to(torch.int8 if zero is None else torch.uint8)
