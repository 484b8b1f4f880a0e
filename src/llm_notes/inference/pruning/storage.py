"""How a matrix with zeros is kept: whole, with a bit mask, or in the 2:4 form.

Zeros save memory only where the form leaves them out, and then says where they were.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class BitmaskForm:
    """One bit for each place, row by row, and the weights that are not zero.

    Attributes:
        shape: (O, I).
        bits: uint8; place 8 b + i is bit i of byte b, counted from the lowest.
        values: the weights in their order.
    """

    shape: tuple[int, int]
    bits: Tensor
    values: Tensor

    @property
    def n_bytes(self) -> int:
        return self.bits.numel() + self.values.numel() * self.values.element_size()

    def dense(self) -> Tensor:
        """The matrix (O, I)."""
        n_rows, n_columns = self.shape
        places = torch.arange(8, device=self.bits.device)
        kept = (self.bits[:, None] >> places & 1).bool().flatten()
        weight = self.values.new_zeros(self.shape)
        weight[kept[: n_rows * n_columns].view(self.shape)] = self.values
        return weight


@dataclass(frozen=True)
class TwoOfFourForm:
    """Two weights of each group of four, and four bits that say which.

    Attributes:
        values: (O, I / 2).
        places: (O, ceil(I / 8)) uint8: half a byte for each group, the even group
            below; its low two bits are the place of the first weight, its high two
            that of the second.
    """

    values: Tensor
    places: Tensor

    @property
    def n_bytes(self) -> int:
        return self.places.numel() + self.values.numel() * self.values.element_size()

    def dense(self) -> Tensor:
        """The matrix (O, I)."""
        n_rows, n_kept = self.values.shape
        halves = torch.stack([self.places & 15, self.places >> 4], dim=-1).flatten(1)
        halves = halves[:, : n_kept // 2]  # (O, I / 4)
        places = torch.stack([halves & 3, halves >> 2], dim=-1).long()
        weight = self.values.new_zeros(n_rows, n_kept // 2, 4)
        weight.scatter_(-1, places, self.values.unflatten(1, (-1, 2)))
        return weight.flatten(1)


def bitmask_form(weight: Tensor) -> BitmaskForm:
    """Leave the zeros of a matrix (O, I) out."""
    kept = weight != 0
    bits = kept.flatten().to(torch.uint8)
    bits = torch.nn.functional.pad(bits, (0, -bits.numel() % 8)).view(-1, 8)
    powers = 2 ** torch.arange(8, dtype=torch.uint8, device=weight.device)
    packed = (bits * powers).sum(dim=1).to(torch.uint8)
    return BitmaskForm(tuple(weight.shape), packed, weight[kept].detach())


def two_of_four_form(weight: Tensor) -> TwoOfFourForm:
    """Leave two zeros of each four columns of a matrix (O, I) out.

    Raises:
        ValueError: when a group of four has more than two weights that are not zero,
            or 4 does not divide I.
    """
    if weight.size(1) % 4:
        raise ValueError(f"4 does not divide the {weight.size(1)} columns")
    groups = weight.detach().unflatten(1, (-1, 4))  # (O, I / 4, 4)
    kept = groups != 0
    if (kept.sum(dim=-1) > 2).any():
        raise ValueError(
            "a group of four holds more than two weights: prune with two_of_four first"
        )
    # The places that are kept come first, in their order; zeros fill up to two.
    places = (~kept).to(torch.uint8).argsort(dim=-1, stable=True)[..., :2]
    places = places.sort(dim=-1).values
    values = groups.gather(-1, places).flatten(1)
    halves = (places[..., 0] | places[..., 1] << 2).to(torch.uint8)  # (O, I / 4)
    if halves.size(1) % 2:
        halves = torch.nn.functional.pad(halves, (0, 1))
    return TwoOfFourForm(values, halves[:, 0::2] | halves[:, 1::2] << 4)


def stored_bytes(weight: Tensor) -> dict[str, int | None]:
    """Bytes of a matrix in each form; None where it does not fit the 2:4 form."""
    try:
        compact = two_of_four_form(weight).n_bytes
    except ValueError:
        compact = None
    return {
        "dense": weight.numel() * weight.element_size(),
        "bitmask": bitmask_form(weight).n_bytes,
        "2:4": compact,
    }
