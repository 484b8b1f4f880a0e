"""Layers that keep integers and scales, and compute with what they stand for.

`QuantizedLinear` stands in for `nn.Linear`, `QuantizedEmbedding` for `TokenEmbedding`.
Their buffers are the small form, so that is what `state_dict` and safetensors hold.
They know no model, and not how the integers were chosen.
"""

from typing import Self

import torch
from torch import Tensor, nn

from llm_notes.inference.quantization.packing import pack_nibbles, unpack_nibbles
from llm_notes.inference.quantization.rounding import (
    IntegerFormat,
    QuantizedMatrix,
    quantize,
    to_grid,
)
from llm_notes.models.layers.embedding import TokenEmbedding


class QuantizedWeight(nn.Module):
    """A matrix (O, I) as integers, the part that both layers share.

    Buffers: `codes`, (O, I) one byte each, or (O, ceil(I / 2)) with two in a byte;
    `scale`, and with a zero point `zero`, (one row or O, groups). All are zero until
    `store` or `load_state_dict` fills them.

    Raises:
        ValueError: when the columns do not divide into groups.
    """

    def __init__(self, n_rows: int, n_columns: int, integers: IntegerFormat) -> None:
        super().__init__()
        self.n_rows, self.n_columns, self.integers = n_rows, n_columns, integers
        width = (n_columns + 1) // 2 if integers.packed else n_columns
        signed = not (integers.packed or integers.zero_point)
        shape = integers.scale_shape(n_rows, n_columns)
        dtype = torch.int8 if signed else torch.uint8
        self.register_buffer("codes", torch.zeros(n_rows, width, dtype=dtype))
        self.register_buffer("scale", torch.zeros(shape))
        zero = torch.zeros(shape, dtype=torch.uint8) if integers.zero_point else None
        self.register_buffer("zero", zero)

    def store(self, matrix: QuantizedMatrix) -> Self:
        """Keep these integers."""
        codes = matrix.codes
        if self.integers.packed:
            codes = pack_nibbles(codes.to(torch.int16) + self._shift)
        self.codes, self.scale, self.zero = codes, matrix.scale, matrix.zero
        return self

    def matrix(self) -> QuantizedMatrix:
        """The integers (O, I), unpacked, with their scales and shifts."""
        codes = self.codes
        if self.integers.packed:
            codes = unpack_nibbles(codes, self.n_columns)
            if self._shift:
                codes = codes.to(torch.int8) - self._shift
        return QuantizedMatrix(codes, self.scale, self.zero)

    @property
    def weight(self) -> Tensor:
        """The matrix (O, I) that the integers stand for, computed at each look.

        Code that reads `layer.weight` works unchanged. It cannot be trained.
        """
        return self.matrix().dequantize()

    @property
    def n_bytes(self) -> int:
        """Memory that the layer takes, in bytes."""
        tensors = [*self.buffers(), *self.parameters()]
        return sum(t.numel() * t.element_size() for t in tensors)

    @property
    def _shift(self) -> int:
        """What is added to signed integers before two are put in a byte."""
        return 0 if self.integers.zero_point else 8

    def extra_repr(self) -> str:
        return f"{self.n_rows}, {self.n_columns}, {self.integers}"


class QuantizedLinear(QuantizedWeight):
    r"""$y = x W^\top + b$ with W (O, I) kept as integers.

    Args:
        n_inputs, n_outputs: I and O.
        integers: how W is kept. b stays as it is.
        bias: whether there is one.
        integer_inputs: round each input vector to int8 as well (absmax) and multiply
            integers by integers, as `int8_product` does; else W is dequantised and the
            product is one of floats.

    Raises:
        ValueError: when `integer_inputs` is asked for with another format than eight
            bits without groups and zero point.
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        integers: IntegerFormat,
        bias: bool = True,
        integer_inputs: bool = False,
    ) -> None:
        super().__init__(n_outputs, n_inputs, integers)
        plain = integers.group_size is None and not integers.zero_point
        if integer_inputs and not (integers.bits == 8 and plain):
            raise ValueError(
                f"integer_inputs needs 8 bits without groups and zero point, and the "
                f"format is {integers}: use FORMATS['int8']"
            )
        self.integer_inputs = integer_inputs
        self.bias = nn.Parameter(torch.zeros(n_outputs)) if bias else None

    @classmethod
    def from_linear(
        cls,
        linear: nn.Linear,
        integers: IntegerFormat,
        matrix: QuantizedMatrix | None = None,
        integer_inputs: bool = False,
    ) -> Self:
        """The layer for a trained one: its weight rounded, or `matrix` in its place."""
        layer = cls(
            linear.in_features,
            linear.out_features,
            integers,
            linear.bias is not None,
            integer_inputs,
        )
        with torch.no_grad():
            layer.store(quantize(linear.weight, integers) if matrix is None else matrix)
        layer.bias = linear.bias
        return layer.train(linear.training)

    @property
    def in_features(self) -> int:
        """I, under the name that `nn.Linear` gives it."""
        return self.n_columns

    @property
    def out_features(self) -> int:
        """O, under the name that `nn.Linear` gives it."""
        return self.n_rows

    def forward(self, x: Tensor) -> Tensor:
        """(..., I) to (..., O)."""
        if not self.integer_inputs:
            return nn.functional.linear(x, self.weight.to(x.dtype), self.bias)
        y = int8_product(x.reshape(-1, self.n_columns), self.codes, self.scale)
        y = y.view(*x.shape[:-1], self.n_rows).to(x.dtype)
        return y if self.bias is None else y + self.bias


class QuantizedEmbedding(QuantizedWeight):
    """A table of V vectors of width D as integers; see `TokenEmbedding`.

    A lookup dequantises the rows that it takes only; `logits` needs them all.
    """

    @classmethod
    def from_embedding(cls, table: TokenEmbedding, integers: IntegerFormat) -> Self:
        """The layer for a trained table."""
        layer = cls(*table.weight.shape, integers)
        with torch.no_grad():
            layer.store(quantize(table.weight, integers))
        return layer.train(table.training)

    def forward(self, token_ids: Tensor) -> Tensor:
        """Ids (B, T) to vectors (B, T, D)."""
        rows = self.codes[token_ids.flatten()]
        if self.integers.packed:
            rows = unpack_nibbles(rows, self.n_columns)
            rows = rows.to(torch.int16) - self._shift
        scale, zero = self.scale, self.zero
        if scale.size(0) == self.n_rows:
            scale = scale[token_ids.flatten()]
            zero = None if zero is None else zero[token_ids.flatten()]
        vectors = QuantizedMatrix(rows, scale, zero).dequantize()
        return vectors.view(*token_ids.shape, self.n_columns)

    def logits(self, x: Tensor) -> Tensor:
        """Score each token of the vocabulary by its dot product with x."""
        return x @ self.weight.to(x.dtype).T


def int8_product(x: Tensor, codes: Tensor, scale: Tensor) -> Tensor:
    r"""Multiply in integers: inputs are rounded row by row, sums are exact.

    $$y_{no} = s^x_n\, s^w_o \sum_i q^x_{ni}\, q^w_{oi}, \qquad
      s^x_n = \max_i |x_{ni}| / 127$$

    (vector-wise quantisation, Dettmers et al. 2022, section 3.1, equation 4, without
    its outlier columns). The sum is one of 32-bit integers.

    Args:
        x: (N, I) inputs.
        codes: (O, I) int8.
        scale: (O, 1), or (1, 1) for all.

    Returns:
        (N, O), float32.
    """
    x = x.float()
    # The grid of `quantize`, without its look at the values, which would make a
    # graphics card wait for them at each layer.
    tiny = torch.finfo(x.dtype).tiny
    x_scale = (x.abs().amax(dim=-1, keepdim=True) / 127).clamp(min=tiny)  # (N, 1)
    x_codes = to_grid(x, x_scale, None, IntegerFormat(8))
    n_rows = len(x_codes)
    if x_codes.is_cuda:  # whose product wants more than 16 rows
        x_codes = nn.functional.pad(x_codes, (0, 0, 0, max(0, 17 - n_rows)))
    products = torch._int_mm(x_codes, codes.T)[:n_rows]  # (N, O), int32
    return products.float() * x_scale * scale.T
