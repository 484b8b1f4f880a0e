"""The Transformer of 2017: an encoder that reads, a decoder that writes.

Post-norm blocks, sinusoids, ReLU, embeddings times sqrt(D) (Vaswani et al. 2017). It
knows nothing of text or of translation: ids of a source and of a target go in, logits
of the target's next tokens come out.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.block import PostNormBlock
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.cross_block import PostNormCrossBlock, Weights
from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.feedforward import FeedForward
from llm_notes.models.layers.inputs import (
    require_dropout,
    require_one_memory_each,
    require_sizes,
    require_token_ids,
)
from llm_notes.models.layers.norm import LayerNorm
from llm_notes.models.layers.position import SinusoidalPosition


@dataclass(frozen=True)
class TransformerConfig:
    """The integers that make a Transformer.

    Args:
        vocab_size: V, number of token ids of the source.
        context_length: the most positions of either side.
        n_layers: L, blocks of the encoder, and as many of the decoder.
        n_heads: H; d_model must be divisible by it.
        d_model: D.
        d_ff: F; 4 D when not given.
        target_vocab_size: ids of the target; when not given, source, target and the
            last layer share one table (section 3.4 of the paper).
        dropout: share dropped while training.

    Raises:
        ValueError: when a size is not positive or dropout is outside [0, 1).
    """

    vocab_size: int
    context_length: int
    n_layers: int
    n_heads: int
    d_model: int
    d_ff: int | None = None
    target_vocab_size: int | None = None
    dropout: float = 0.0

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
            "target_vocab_size",
        )
        require_dropout(self.dropout)


PRESETS = {
    # Vaswani et al. 2017, table 3: about 37,000 byte pairs shared by both languages.
    "transformer-base": TransformerConfig(37000, 512, 6, 8, 512, 2048, dropout=0.1),
    "transformer-big": TransformerConfig(37000, 512, 6, 16, 1024, 4096, dropout=0.3),
}


class Transformer(nn.Module):
    r"""Encoder and decoder (Vaswani et al. 2017, figure 1).

    $$M = \mathrm{Encoder}(\sqrt D\, E[\text{source}] + P), \qquad
      \text{logits} = \mathrm{Decoder}(\sqrt D\, E[\text{target}] + P,\; M)\, E^\top$$
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.source_embedding = TokenEmbedding(config.vocab_size, config.d_model)
        self.target_embedding = self.source_embedding
        if config.target_vocab_size is not None:
            self.target_embedding = TokenEmbedding(
                config.target_vocab_size, config.d_model
            )
        self.position = SinusoidalPosition(config.context_length, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.encoder = nn.ModuleList(
            PostNormBlock(
                attention=_attention(config),
                feed_forward=_feed_forward(config),
                attention_norm=LayerNorm(config.d_model),
                feed_forward_norm=LayerNorm(config.d_model),
            )
            for _ in range(config.n_layers)
        )
        self.decoder = nn.ModuleList(
            PostNormCrossBlock(
                attention=_attention(config, is_causal=True),
                cross_attention=_attention(config),
                feed_forward=_feed_forward(config),
                attention_norm=LayerNorm(config.d_model),
                cross_attention_norm=LayerNorm(config.d_model),
                feed_forward_norm=LayerNorm(config.d_model),
            )
            for _ in range(config.n_layers)
        )
        self._initialise()

    def encode(self, source_ids: Tensor, source_mask: Tensor | None = None) -> Tensor:
        """Read the source.

        Args:
            source_ids: (B, S) integers.
            source_mask: (B, 1, 1, S) boolean, True where a token is real.

        Returns:
            memory: (B, S, D), one vector for each position.

        Raises:
            ValueError: when ids are not (B, S), out of range, or too many.
        """
        config = self.config
        require_token_ids(
            source_ids, config.vocab_size, config.context_length, name="source_ids"
        )
        x = self._embed(self.source_embedding, source_ids)
        for block in self.encoder:
            x, _ = block(x, source_mask)
        return x

    def decode(
        self,
        target_ids: Tensor,
        memory: Tensor,
        source_mask: Tensor | None = None,
        target_mask: Tensor | None = None,
        cache: KeyValueCache | None = None,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, list[Weights]]:
        """Logits of the next target token at each position.

        Args:
            target_ids: (B, T), beginning with the start token. With a cache: only
                the tokens that it does not hold yet.
            memory: (B, S, D) from `encode`.
            source_mask, target_mask: (B, 1, 1, S) and (B, 1, 1, T), True where real;
                with a cache, T counts its tokens too.
            cache: keeps keys and values of the target and of memory between calls.
            return_weights: also return each block's (self, cross) attention weights.

        Returns:
            logits (B, T, V); with `return_weights` also a list of L pairs of
            (B, H, T, T) and (B, H, T, S).
        """
        past = 0 if cache is None else cache.length
        require_one_memory_each(target_ids, memory)
        table = self.target_embedding
        require_token_ids(
            target_ids,
            table.weight.size(0),
            self.config.context_length,
            past,
            name="target_ids",
        )
        x = self._embed(table, target_ids, past)
        all_weights = []
        for layer, block in enumerate(self.decoder):
            x, weights = block(
                x, memory, target_mask, source_mask, cache, layer, return_weights
            )
            all_weights.append(weights)
        logits = table.logits(x)  # (B, T, V)
        return (logits, all_weights) if return_weights else logits

    def forward(
        self,
        source_ids: Tensor,
        target_ids: Tensor,
        source_mask: Tensor | None = None,
        target_mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, list[Weights]]:
        """Teacher forcing: logits at every target position at once; see `decode`."""
        memory = self.encode(source_ids, source_mask)
        return self.decode(
            target_ids, memory, source_mask, target_mask, return_weights=return_weights
        )

    @staticmethod
    def parameter_count(config: TransformerConfig) -> int:
        """Number of parameters by formula.

        An encoder block has one attention (four D x D maps), a decoder block two;
        each attention and each feed-forward layer has a norm. Sinusoids are free.
        """
        d_model, d_ff = config.d_model, config.d_ff
        norm = 2 * d_model
        attention = 4 * (d_model * d_model + d_model) + norm
        feed_forward = 2 * d_model * d_ff + d_ff + d_model + norm
        blocks = config.n_layers * (3 * attention + 2 * feed_forward)
        n_rows = config.vocab_size + (config.target_vocab_size or 0)
        return n_rows * d_model + blocks

    def _embed(self, table: TokenEmbedding, token_ids: Tensor, past: int = 0) -> Tensor:
        positions = torch.arange(
            past, past + token_ids.size(1), device=token_ids.device
        )
        x = math.sqrt(self.config.d_model) * table(token_ids)  # (B, T, D)
        return self.dropout(x + self.position(positions).to(x.dtype))

    def _initialise(self) -> None:
        # With the factor sqrt(D), embeddings of deviation 1/sqrt(D) begin at size one,
        # like the sinusoids.
        for module in self.modules():
            if isinstance(module, TokenEmbedding):
                nn.init.normal_(module.weight, std=self.config.d_model**-0.5)
            elif isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)


def _attention(
    config: TransformerConfig, is_causal: bool = False
) -> MultiHeadAttention:
    return MultiHeadAttention(
        config.d_model, config.n_heads, dropout=config.dropout, is_causal=is_causal
    )


def _feed_forward(config: TransformerConfig) -> FeedForward:
    return FeedForward(
        config.d_model,
        config.d_ff,
        dropout=config.dropout,
        activation=nn.functional.relu,
    )
