"""Two four-bit integers in one byte: the even column below, the odd one above.

It knows nothing of scales. Signed integers are first shifted to 0 ... 15.
"""

import torch
from torch import Tensor


def pack_nibbles(values: Tensor) -> Tensor:
    """(O, I) integers from 0 to 15 to (O, ceil(I / 2)) bytes; an odd end gets a 0.

    Raises:
        ValueError: when a value does not fit in four bits.
    """
    if values.numel() and (values.min() < 0 or values.max() > 15):
        raise ValueError(
            f"four bits hold 0 to 15, got {int(values.min())} to {int(values.max())}"
        )
    values = values.to(torch.uint8)
    if values.size(1) % 2:
        values = torch.nn.functional.pad(values, (0, 1))
    return values[:, 0::2] | (values[:, 1::2] << 4)


def unpack_nibbles(packed: Tensor, n_columns: int) -> Tensor:
    """The reverse: (O, ceil(I / 2)) bytes to (O, I = n_columns) integers, uint8."""
    wide = packed.int()  # the ONNX exporter mistakes the type of shifted bytes
    pairs = torch.stack([wide & 15, wide >> 4], dim=-1).flatten(1)
    return pairs[:, :n_columns].to(torch.uint8)
