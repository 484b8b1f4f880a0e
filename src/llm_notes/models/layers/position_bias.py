"""Positions as a bias of attention scores: ALiBi and T5's buckets.

Nothing is added to the tokens. Each score gets a number that depends on the distance
between query and key, and on the head.
"""

import math

import torch
from torch import Tensor, nn


def alibi_slopes(n_heads: int) -> Tensor:
    """The slope of each head, (H,) (Press, Smith, Lewis 2022, section 3).

    A geometric sequence that begins at 2^(-8/H) and has the same ratio. For H not a
    power of two: the slopes of the next lower power, then every other one of the next
    higher, as the authors' code has it.
    """
    if n_heads < 1:
        raise ValueError(f"n_heads must be at least 1, got {n_heads}")
    lower = 2 ** math.floor(math.log2(n_heads))
    slopes = [2 ** (-8 * (h + 1) / lower) for h in range(lower)]
    finer = [2 ** (-4 * (h + 1) / lower) for h in range(0, 2 * lower, 2)]
    return torch.tensor((slopes + finer)[:n_heads])


def alibi_bias(n_heads: int, n_queries: int, n_keys: int) -> Tensor:
    """Scores fall with distance, at its own rate in each head (Press et al. 2022).

    The queries are the last positions of the keys, as in `causal_mask`.

    Returns:
        (H, T, S): minus the slope times the distance. Keys after the query, which a
        causal model masks, are treated by their distance too.
    """
    queries = torch.arange(n_keys - n_queries, n_keys)[:, None]  # (T, 1)
    distance = (queries - torch.arange(n_keys)).abs()  # (T, S)
    return -alibi_slopes(n_heads)[:, None, None] * distance


class RelativePositionBias(nn.Module):
    r"""A learned number for each head and bucket of distances (T5, Raffel et al. 2020).

    Small distances have a bucket each; larger ones share buckets whose width grows in
    proportion to the distance, up to `max_distance`, beyond which all are one.

    Args:
        n_heads: H.
        n_buckets: how many; half of them are for each direction in an encoder.
        max_distance: where the last bucket begins.
        bidirectional: whether keys after the query have buckets (encoder).

    Raises:
        ValueError: when no distance would have a bucket of its own, or all would.
    """

    def __init__(
        self,
        n_heads: int,
        n_buckets: int = 32,
        max_distance: int = 128,
        bidirectional: bool = True,
    ) -> None:
        super().__init__()
        n_exact = n_buckets // (4 if bidirectional else 2)
        if n_exact < 1 or max_distance <= n_exact:
            raise ValueError(
                f"n_buckets = {n_buckets} gives {n_exact} distances a bucket of their "
                f"own: that must be at least 1, and max_distance = {max_distance} above"
            )
        self.n_buckets, self.max_distance = n_buckets, max_distance
        self.bidirectional = bidirectional
        self.weight = nn.Parameter(torch.empty(n_buckets, n_heads))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, n_queries: int, n_keys: int) -> Tensor:
        """(H, T, S) numbers to add to scores; queries are the last positions."""
        device = self.weight.device
        queries = torch.arange(n_keys - n_queries, n_keys, device=device)[:, None]
        ahead = torch.arange(n_keys, device=device) - queries  # (T, S)
        return self.weight[self.bucket(ahead)].permute(2, 0, 1)

    def bucket(self, ahead: Tensor) -> Tensor:
        """The bucket of each distance; positive ones lie ahead of the query."""
        n_buckets, first = self.n_buckets, torch.zeros_like(ahead)
        if self.bidirectional:
            n_buckets //= 2
            first = n_buckets * (ahead > 0).long()
            distance = ahead.abs()
        else:
            distance = (-ahead).clamp(min=0)  # a causal decoder looks back only
        n_exact = n_buckets // 2
        # log() of 0 is -inf, which has no integer; exact buckets do not use it.
        ratio = distance.clamp(min=1).float() / n_exact
        growth = ratio.log() / math.log(self.max_distance / n_exact)
        shared = n_exact + (growth * (n_buckets - n_exact)).long()
        shared = shared.clamp(max=n_buckets - 1)
        return first + torch.where(distance < n_exact, distance, shared)
