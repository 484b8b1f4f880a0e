"""The block: attention lets tokens meet, feed-forward lets each one think.

Both write into the residual stream by addition. A block takes its parts ready made,
so that another norm, attention or feed-forward makes another architecture.
"""

from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.cache import KeyValueCache


class PreNormBlock(nn.Module):
    r"""A decoder block with the norm before each part (GPT-2; Xiong et al. 2020).

    $$x \leftarrow x + \mathrm{Attention}(\mathrm{Norm}(x)), \qquad
      x \leftarrow x + \mathrm{FFN}(\mathrm{Norm}(x))$$

    Input and output: (B, T, D).
    """

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

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        cache: KeyValueCache | None = None,
        layer: int = 0,
        return_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Returns x after both parts, and the attention weights when asked for."""
        attended, weights = self.attention(
            self.attention_norm(x),
            mask=mask,
            cache=cache,
            layer=layer,
            return_weights=return_weights,
        )
        x = x + attended
        x = x + self.feed_forward(self.feed_forward_norm(x))
        return x, weights
