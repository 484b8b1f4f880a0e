"""GPT: a stack of causal blocks that predicts the next token.

The architecture is GPT-2's (Radford et al. 2019): learned positions, the norm before
each part, GELU, and one table for the first and the last layer. One switch replaces
the table of positions by rotations (Su et al. 2021), as later models do. It knows
nothing of text: token ids go in, logits come out.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.block import PreNormBlock
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.feedforward import FeedForward
from llm_notes.models.layers.initialise import initialise
from llm_notes.models.layers.inputs import (
    require_dropout,
    require_positions,
    require_sizes,
    require_token_ids,
)
from llm_notes.models.layers.norm import LayerNorm
from llm_notes.models.layers.position import LearnedPosition
from llm_notes.models.layers.rotary import RotaryPosition


@dataclass(frozen=True)
class GPTConfig:
    """The integers that make a GPT.

    Args:
        vocab_size: V, number of token ids.
        context_length: the most positions the model can read at once.
        n_layers: L, number of blocks.
        n_heads: H, heads in each attention; d_model must be divisible by it.
        d_model: D, width of the residual stream.
        d_ff: F, width inside the feed-forward layer; 4 D when not given.
        dropout: share dropped while training.
        bias: whether linear maps and norms have one.
        rotary: positions as rotations of queries and keys instead of a learned table.
        init_std: deviation of the weights before training.

    Raises:
        ValueError: when a size is not positive or dropout is outside [0, 1).
    """

    vocab_size: int
    context_length: int
    n_layers: int
    n_heads: int
    d_model: int
    d_ff: int | None = None
    dropout: float = 0.0
    bias: bool = True
    rotary: bool = False
    init_std: float = 0.02

    def __post_init__(self) -> None:
        if self.d_ff is None:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        require_sizes(
            self,
            "vocab_size",
            "context_length",
            "n_layers",
            "n_heads",
            "d_model",
            "d_ff",
        )
        require_dropout(self.dropout)


PRESETS = {
    "gpt2": GPTConfig(50257, 1024, n_layers=12, n_heads=12, d_model=768),
    "gpt2-medium": GPTConfig(50257, 1024, n_layers=24, n_heads=16, d_model=1024),
    "gpt2-large": GPTConfig(50257, 1024, n_layers=36, n_heads=20, d_model=1280),
    "gpt2-xl": GPTConfig(50257, 1024, n_layers=48, n_heads=25, d_model=1600),
}


class GPT(nn.Module):
    r"""A causal Transformer language model.

    $$h^0 = E[\text{ids}] + P[0 \dots T{-}1], \quad h^l = \mathrm{Block}^l(h^{l-1}),
      \quad \text{logits} = \mathrm{LN}(h^L)\, E^\top$$

    With rotary positions, P is left out and each attention rotates its queries and
    keys. Initialised as GPT-2: normal with deviation `init_std`, the projections that
    write into the residual stream divided by sqrt(2 L), because 2 L of them add up.
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = TokenEmbedding(config.vocab_size, config.d_model)
        rotary = None
        self.position_embedding = None
        if config.rotary:
            rotary = RotaryPosition(
                config.d_model // config.n_heads, config.context_length
            )
        else:
            self.position_embedding = LearnedPosition(
                config.context_length, config.d_model
            )
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            PreNormBlock(
                attention=MultiHeadAttention(
                    config.d_model,
                    config.n_heads,
                    bias=config.bias,
                    dropout=config.dropout,
                    is_causal=True,
                    rotary=rotary,  # one table of angles serves all layers
                ),
                feed_forward=FeedForward(
                    config.d_model, config.d_ff, config.bias, config.dropout
                ),
                attention_norm=LayerNorm(config.d_model, bias=config.bias),
                feed_forward_norm=LayerNorm(config.d_model, bias=config.bias),
            )
            for _ in range(config.n_layers)
        )
        self.final_norm = LayerNorm(config.d_model, bias=config.bias)
        initialise(self, config.init_std, config.n_layers)

    def forward(
        self,
        token_ids: Tensor,
        mask: Tensor | None = None,
        positions: Tensor | None = None,
        cache: KeyValueCache | None = None,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Logits of the next token at each position.

        Args:
            token_ids: (B, T) integers below `vocab_size`. With a cache: only the
                tokens that it does not hold yet.
            mask: boolean, broadcasts to (B, H, T, S), True where a token may look;
                for padding or packed documents. The causal mask is always there.
            positions: (T,) or (B, T) places of the tokens; those that follow the
                cached ones when not given.
            cache: remembers keys and values between calls; it is extended in place.
            return_weights: also return the attention weights of each block.

        Returns:
            logits (B, T, V); with `return_weights` also a list of L tensors
            (B, H, T, S), whose rows sum to one.

        Raises:
            ValueError: when ids are not (B, T), out of range, or too many.
        """
        config = self.config
        past = 0 if cache is None else cache.length
        require_token_ids(token_ids, config.vocab_size, config.context_length, past)
        if positions is None:
            positions = torch.arange(
                past, past + token_ids.size(1), device=token_ids.device
            )
        else:
            require_positions(positions, token_ids, config.context_length)
        x = self.token_embedding(token_ids)  # (B, T, D)
        if self.position_embedding is not None:
            x = x + self.position_embedding(positions)
        x = self.dropout(x)

        all_weights = []
        for layer, block in enumerate(self.blocks):
            x, weights = block(x, mask, cache, layer, return_weights, positions)
            all_weights.append(weights)

        logits = self.token_embedding.logits(self.final_norm(x))  # (B, T, V)
        return (logits, all_weights) if return_weights else logits

    @staticmethod
    def parameter_count(config: GPTConfig) -> int:
        """Number of parameters by formula, without building the model.

        Each block has four D x D projections, two D x F maps and two norms; the
        tables add V x D and context_length x D (rotations are free); tying makes the
        last layer free.
        """
        d_model, d_ff, bias = config.d_model, config.d_ff, int(config.bias)
        attention = 4 * (d_model * d_model + bias * d_model)
        feed_forward = 2 * d_model * d_ff + bias * (d_ff + d_model)
        norm = d_model * (1 + bias)
        block = attention + feed_forward + 2 * norm
        n_positions = 0 if config.rotary else config.context_length
        tables = (config.vocab_size + n_positions) * d_model
        return tables + config.n_layers * block + norm
