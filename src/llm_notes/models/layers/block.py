"""The block: attention lets tokens meet, feed-forward lets each one think.

Both write into the residual stream by addition. A block takes its parts ready made,
so that another norm, attention or feed-forward makes another architecture. Where the
norm stands is the difference between the two blocks here; those with cross-attention
are in `cross_block`.
"""

from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.cache import KeyValueCache


class Block(nn.Module):
    """The four parts that every block has; a subclass says where the norms stand."""

    def __init__(
        self,
        attention: MultiHeadAttention,
        feed_forward: nn.Module,
        attention_norm: nn.Module,
        feed_forward_norm: nn.Module,
    ) -> None:
        super().__init__()
        self.attention_norm = attention_norm
        self.attention = attention
        self.feed_forward_norm = feed_forward_norm
        self.feed_forward = feed_forward


class PreNormBlock(Block):
    r"""The norm before each part (GPT-2, Llama, T5; Xiong et al. 2020).

    $$x \leftarrow x + \mathrm{Attention}(\mathrm{Norm}(x)), \qquad
      x \leftarrow x + \mathrm{FFN}(\mathrm{Norm}(x))$$

    Input and output: (B, T, D).
    """

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        cache: KeyValueCache | None = None,
        layer: int = 0,
        return_weights: bool = False,
        positions: Tensor | None = None,
        bias: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """x after both parts, and the attention weights when asked for.

        The arguments are those of `MultiHeadAttention`.
        """
        attended, weights = self.attention(
            self.attention_norm(x),
            mask=mask,
            bias=bias,
            positions=positions,
            cache=cache,
            layer=layer,
            return_weights=return_weights,
        )
        x = x + attended
        x = x + self.feed_forward(self.feed_forward_norm(x))
        return x, weights


class PostNormBlock(Block):
    r"""The norm after each addition (the 2017 Transformer's encoder, BERT).

    $$x \leftarrow \mathrm{Norm}(x + \mathrm{Attention}(x)), \qquad
      x \leftarrow \mathrm{Norm}(x + \mathrm{FFN}(x))$$

    Input and output: (B, T, D).
    """

    def forward(
        self, x: Tensor, mask: Tensor | None = None, return_weights: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """x after both parts, and the attention weights when asked for."""
        attended, weights = self.attention(x, mask=mask, return_weights=return_weights)
        x = self.attention_norm(x + attended)
        x = self.feed_forward_norm(x + self.feed_forward(x))
        return x, weights
