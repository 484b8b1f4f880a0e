"""Hashed n-grams: a vector for the last n tokens, from a table of fixed size.

There are V^n n-grams and few of them occur; a hash gives each a row of a small table,
and those that share a row share its vector. It knows nothing of the model around it.
"""

import torch
from torch import Tensor, nn

# Multiplicative hashing (Knuth 1998, section 6.4): odd numbers, so that near ids get
# far rows, and small enough that no product below leaves 63 bits.
_MULTIPLIER = 0x5BD1E995
_MIXER = 0x9E3779B1


def ngram_buckets(
    token_ids: Tensor, positions: Tensor, order: int, n_buckets: int, vocab_size: int
) -> Tensor:
    r"""The row of the n-gram that ends at each of the last T positions.

    $$h_1 = x_t + 1, \qquad h_{k+1} = (m\, h_k + x_{t-k} + 1) \bmod 2^{31}, \qquad
      \text{row} = \big\lfloor c\,(h_n \oplus \lfloor h_n / 2^{15} \rfloor) / 2^{24}
      \big\rfloor \bmod R$$

    A token before the first position counts as the id V, which no token has.

    Args:
        token_ids: (B, S) ids, int32 or int64; the last T of them are those that ask.
        positions: (T,) or (B, T) places of the last T tokens.
        order: n, how many tokens the n-gram has.
        n_buckets: R.
        vocab_size: V.

    Returns:
        (B, T) integers below R.
    """
    token_ids = token_ids.long()  # the products below need 63 bits
    n_new = positions.size(-1)
    hashed = token_ids[:, -n_new:] + 1
    for back in range(1, order):
        # The token `back` places earlier; nothing stands before the first one.
        earlier = nn.functional.pad(token_ids, (back, 0), value=vocab_size)
        earlier = earlier[:, : token_ids.size(1)][:, -n_new:]
        earlier = torch.where(positions >= back, earlier, vocab_size)
        hashed = (hashed * _MULTIPLIER + earlier + 1) % 2**31
    hashed = hashed ^ (hashed >> 15)  # low bits are the least mixed ones
    return ((hashed * _MIXER) >> 24) % n_buckets


class NgramEmbedding(nn.Module):
    """The sum of one vector for each order: ids (B, S) to vectors (B, T, D).

    Args:
        vocab_size: V.
        d_model: D.
        orders: lengths n of the n-grams.
        n_buckets: R, rows of each table. The tables begin at zero.
    """

    def __init__(
        self, vocab_size: int, d_model: int, orders: tuple[int, ...], n_buckets: int
    ) -> None:
        super().__init__()
        self.vocab_size, self.orders, self.n_buckets = vocab_size, orders, n_buckets
        self.tables = nn.ParameterList(
            nn.Parameter(torch.zeros(n_buckets, d_model)) for _ in orders
        )

    def forward(self, token_ids: Tensor, positions: Tensor) -> Tensor | float:
        """Vectors of the n-grams that end at the last T tokens.

        Args:
            token_ids: (B, S), S at least T: those before the last T are context only.
            positions: (T,) or (B, T).
        """
        total = 0.0
        for order, table in zip(self.orders, self.tables, strict=True):
            rows = ngram_buckets(
                token_ids, positions, order, self.n_buckets, self.vocab_size
            )
            total = total + nn.functional.embedding(rows, table)  # (B, T, D)
        return total
