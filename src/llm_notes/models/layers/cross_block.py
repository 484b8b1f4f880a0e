"""Blocks of a decoder that reads an encoder: self-attention, cross-attention, FFN.

Queries of the cross-attention come from the decoder, keys and values from `memory`,
which is the encoder's output.
"""

from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.cache import KeyValueCache

Weights = tuple[Tensor | None, Tensor | None]


class CrossBlock(nn.Module):
    """The six parts of a decoder block; a subclass says where the norms stand."""

    def __init__(
        self,
        attention: MultiHeadAttention,
        cross_attention: MultiHeadAttention,
        feed_forward: nn.Module,
        attention_norm: nn.Module,
        cross_attention_norm: nn.Module,
        feed_forward_norm: nn.Module,
    ) -> None:
        super().__init__()
        self.attention_norm = attention_norm
        self.attention = attention
        self.cross_attention_norm = cross_attention_norm
        self.cross_attention = cross_attention
        self.feed_forward_norm = feed_forward_norm
        self.feed_forward = feed_forward


class PreNormCrossBlock(CrossBlock):
    r"""x + part(Norm(x)), three times (T5's decoder).

    Input and output: (B, T, D); memory: (B, S, D).
    """

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        bias: Tensor | None = None,
        cache: KeyValueCache | None = None,
        layer: int = 0,
        return_weights: bool = False,
    ) -> tuple[Tensor, Weights]:
        """x after the three parts, and (self, cross) attention weights.

        Args:
            mask, bias: of the self-attention, see `MultiHeadAttention`.
            memory_mask: boolean, broadcasts to (B, H, T, S), True where memory is real.
            cache: keeps the keys and values of earlier tokens, and those of memory.
        """
        attended, self_weights = self.attention(
            self.attention_norm(x),
            mask=mask,
            bias=bias,
            cache=cache,
            layer=layer,
            return_weights=return_weights,
        )
        x = x + attended
        attended, cross_weights = self.cross_attention(
            self.cross_attention_norm(x),
            memory,
            mask=memory_mask,
            cache=cache,
            layer=layer,
            return_weights=return_weights,
        )
        x = x + attended
        x = x + self.feed_forward(self.feed_forward_norm(x))
        return x, (self_weights, cross_weights)


class PostNormCrossBlock(CrossBlock):
    r"""Norm(x + part(x)), three times (the 2017 Transformer's decoder).

    Input and output: (B, T, D); memory: (B, S, D).
    """

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        cache: KeyValueCache | None = None,
        layer: int = 0,
        return_weights: bool = False,
    ) -> tuple[Tensor, Weights]:
        """x after the three parts, and (self, cross) attention weights.

        The arguments are those of `PreNormCrossBlock`.
        """
        attended, self_weights = self.attention(
            x, mask=mask, cache=cache, layer=layer, return_weights=return_weights
        )
        x = self.attention_norm(x + attended)
        attended, cross_weights = self.cross_attention(
            x,
            memory,
            mask=memory_mask,
            cache=cache,
            layer=layer,
            return_weights=return_weights,
        )
        x = self.cross_attention_norm(x + attended)
        x = self.feed_forward_norm(x + self.feed_forward(x))
        return x, (self_weights, cross_weights)
