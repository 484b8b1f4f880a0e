"""Ids to vectors, and vectors back to logits.

One table serves both ends of a language model when it is tied (Press & Wolf 2017).
"""

import torch
from torch import Tensor, nn


class TokenEmbedding(nn.Module):
    """A table of V vectors of width D, looked up by token id.

    `forward` maps ids (B, T) to vectors (B, T, D); `logits` maps vectors (B, T, D) to
    logits (B, T, V) with the same table, which is what "tied" means.
    """

    def __init__(self, vocab_size: int, d_model: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(vocab_size, d_model))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, token_ids: Tensor) -> Tensor:
        return nn.functional.embedding(token_ids, self.weight)

    def logits(self, x: Tensor) -> Tensor:
        """Score each token of the vocabulary by its dot product with x."""
        return x @ self.weight.T  # (B, T, D) @ (D, V)
