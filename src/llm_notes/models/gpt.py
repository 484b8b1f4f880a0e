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
from llm_notes.models.layers.mask import causal_mask
from llm_notes.models.layers.norm import LayerNorm
from llm_notes.models.layers.position import LearnedPosition, RotaryPosition


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
        for name in (
            "vocab_size",
            "context_length",
            "n_layers",
            "n_heads",
            "d_model",
            "d_ff",
        ):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1, got {getattr(self, name)}"
                )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}")


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
        self._initialise()

    def forward(
        self,
        token_ids: Tensor,
        cache: KeyValueCache | None = None,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Logits of the next token at each position.

        Args:
            token_ids: (B, T) integers below `vocab_size`. With a cache: only the
                tokens that it does not hold yet.
            cache: remembers keys and values between calls; it is extended in place.
            return_weights: also return the attention weights of each block.

        Returns:
            logits (B, T, V); with `return_weights` also a list of L tensors
            (B, H, T, S), whose rows sum to one.

        Raises:
            ValueError: when ids are not (B, T), out of range, or too many.
        """
        past = 0 if cache is None else cache.length
        self._check(token_ids, past)
        n_new = token_ids.size(1)
        x = self.token_embedding(token_ids)  # (B, T, D)
        if self.position_embedding is not None:
            positions = torch.arange(past, past + n_new, device=token_ids.device)
            x = x + self.position_embedding(positions)
        x = self.dropout(x)

        mask = causal_mask(n_new, past + n_new, device=token_ids.device)
        all_weights = []
        for layer, block in enumerate(self.blocks):
            x, weights = block(x, mask, cache, layer, return_weights)
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

    def _check(self, token_ids: Tensor, past: int) -> None:
        if token_ids.dim() != 2 or token_ids.is_floating_point():
            raise ValueError(
                "token_ids must be integers of shape (batch, length), got "
                f"{token_ids.dtype} of shape {tuple(token_ids.shape)}"
            )
        length, allowed = past + token_ids.size(1), self.config.context_length
        if token_ids.size(1) == 0 or length > allowed:
            raise ValueError(
                f"the model reads 1 to context_length = {allowed} tokens, got {length}"
                + (f" ({past} of them in the cache)" if past else "")
            )
        low, high = int(token_ids.min()), int(token_ids.max())
        if low < 0 or high >= self.config.vocab_size:
            raise ValueError(
                f"token ids must lie between 0 and vocab_size - 1 = "
                f"{self.config.vocab_size - 1}, got {low} to {high}: "
                "was the text encoded by this model's tokenizer?"
            )

    def _initialise(self) -> None:
        std = self.config.init_std
        residual_std = std / (2 * self.config.n_layers) ** 0.5
        nn.init.normal_(self.token_embedding.weight, std=std)
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                writes = name.endswith(("o_proj", "down_proj"))
                nn.init.normal_(module.weight, std=residual_std if writes else std)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
