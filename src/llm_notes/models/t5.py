"""T5: every task as text to text, with positions only in the scores.

An encoder and a decoder of pre-norm blocks with RMSNorm, no biases, unscaled scores
and learned biases for distances (Raffel et al. 2020). Version 1.1 gates its
feed-forward layers and has a last layer of its own. It knows nothing of text.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.block import PreNormBlock
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.cross_block import PreNormCrossBlock, Weights
from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.feedforward import (
    FeedForward,
    GatedFeedForward,
    gelu_tanh,
)
from llm_notes.models.layers.inputs import (
    require_dropout,
    require_one_memory_each,
    require_sizes,
    require_token_ids,
)
from llm_notes.models.layers.norm import RMSNorm
from llm_notes.models.layers.position_bias import RelativePositionBias


@dataclass(frozen=True)
class T5Config:
    """The integers that make a T5.

    Args:
        vocab_size: V, number of token ids, sentinels included.
        context_length: the most positions of either side. T5 has no table of
            positions, so this is a limit of memory, not of the weights.
        n_layers: L, blocks of the encoder, and as many of the decoder.
        n_heads: H.
        d_model: D.
        d_ff: F.
        d_head: K; heads need not add up to D.
        n_buckets, max_distance: see `RelativePositionBias`.
        gated: feed-forward layers with a gate (version 1.1) instead of ReLU.
        tied: one table for the first and the last layer, whose input is then divided
            by sqrt(D) (version 1.0).
        norm_eps: see `RMSNorm`.
        dropout: share dropped while training.

    Raises:
        ValueError: when a size is not positive or dropout is outside [0, 1).
    """

    vocab_size: int
    context_length: int
    n_layers: int
    n_heads: int
    d_model: int
    d_ff: int
    d_head: int = 64
    n_buckets: int = 32
    max_distance: int = 128
    gated: bool = False
    tied: bool = True
    norm_eps: float = 1e-6
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require_sizes(
            self,
            "vocab_size",
            "context_length",
            "n_layers",
            "n_heads",
            "d_model",
            "d_ff",
            "d_head",
            "n_buckets",
            "max_distance",
        )
        require_dropout(self.dropout)


PRESETS = {
    "t5-small": T5Config(32128, 512, 6, 8, 512, 2048),
    "t5-base": T5Config(32128, 512, 12, 12, 768, 3072),
    "t5-large": T5Config(32128, 512, 24, 16, 1024, 4096),
    "t5-v1.1-small": T5Config(32128, 512, 8, 6, 512, 1024, gated=True, tied=False),
    "t5-v1.1-base": T5Config(32128, 512, 12, 12, 768, 2048, gated=True, tied=False),
}


class T5(nn.Module):
    """Encoder and decoder with relative position biases (Raffel et al. 2020, 2.1).

    The bias table belongs to a stack; all its blocks use the same. Cross-attention
    has none. Initialised as the authors do: queries with deviation 1/sqrt(D K), which
    makes up for the missing scale, keys and values 1/sqrt(D), and so on.
    """

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = TokenEmbedding(config.vocab_size, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.encoder_bias = _position_bias(config, bidirectional=True)
        self.encoder = nn.ModuleList(
            PreNormBlock(
                attention=_attention(config),
                feed_forward=_feed_forward(config),
                attention_norm=_norm(config),
                feed_forward_norm=_norm(config),
            )
            for _ in range(config.n_layers)
        )
        self.encoder_norm = _norm(config)
        self.decoder_bias = _position_bias(config, bidirectional=False)
        self.decoder = nn.ModuleList(
            PreNormCrossBlock(
                attention=_attention(config, is_causal=True),
                cross_attention=_attention(config),
                feed_forward=_feed_forward(config),
                attention_norm=_norm(config),
                cross_attention_norm=_norm(config),
                feed_forward_norm=_norm(config),
            )
            for _ in range(config.n_layers)
        )
        self.decoder_norm = _norm(config)
        self.lm_head = None
        if not config.tied:
            self.lm_head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self._initialise()

    def encode(self, source_ids: Tensor, source_mask: Tensor | None = None) -> Tensor:
        """Read the source.

        Args:
            source_ids: (B, S) integers.
            source_mask: (B, 1, 1, S) boolean, True where a token is real.

        Returns:
            memory: (B, S, D).

        Raises:
            ValueError: when ids are not (B, S), out of range, or too many.
        """
        config = self.config
        require_token_ids(
            source_ids, config.vocab_size, config.context_length, name="source_ids"
        )
        length = source_ids.size(1)
        bias = self.encoder_bias(length, length)  # (H, S, S)
        x = self.dropout(self.token_embedding(source_ids))  # (B, S, D)
        for block in self.encoder:
            x, _ = block(x, source_mask, bias=bias)
        return self.dropout(self.encoder_norm(x))

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
            target_ids: (B, T), beginning with the start token (T5 uses the padding
                id). With a cache: only the tokens that it does not hold yet.
            memory: (B, S, D) from `encode`.
            source_mask, target_mask: (B, 1, 1, S) and (B, 1, 1, T), True where real;
                with a cache, T counts its tokens too.
            cache: keeps keys and values of the target and of memory between calls.
            return_weights: also return each block's (self, cross) attention weights.

        Returns:
            logits (B, T, V); with `return_weights` also a list of L pairs of
            (B, H, T, T) and (B, H, T, S).
        """
        config = self.config
        past = 0 if cache is None else cache.length
        require_one_memory_each(target_ids, memory)
        require_token_ids(
            target_ids,
            config.vocab_size,
            config.context_length,
            past,
            name="target_ids",
        )
        n_new = target_ids.size(1)
        bias = self.decoder_bias(n_new, past + n_new)  # (H, T, past + T)
        x = self.dropout(self.token_embedding(target_ids))  # (B, T, D)
        all_weights = []
        for layer, block in enumerate(self.decoder):
            x, weights = block(
                x, memory, target_mask, source_mask, bias, cache, layer, return_weights
            )
            all_weights.append(weights)
        x = self.dropout(self.decoder_norm(x))
        if self.lm_head is None:
            # The table's vectors are of size one; this keeps the logits in scale.
            logits = self.token_embedding.logits(x * config.d_model**-0.5)
        else:
            logits = self.lm_head(x)  # (B, T, V)
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
    def parameter_count(config: T5Config) -> int:
        """Number of parameters by formula.

        An encoder block has one attention, a decoder block two; each part has a norm
        (one gain), each stack a bias table and a last norm.
        """
        d_model = config.d_model
        attention = 4 * d_model * config.n_heads * config.d_head + d_model
        feed_forward = (3 if config.gated else 2) * d_model * config.d_ff + d_model
        blocks = config.n_layers * (3 * attention + 2 * feed_forward)
        stacks = 2 * (config.n_buckets * config.n_heads + d_model)
        n_tables = 1 if config.tied else 2
        return n_tables * config.vocab_size * d_model + blocks + stacks

    def _initialise(self) -> None:
        config = self.config
        nn.init.normal_(self.token_embedding.weight, std=1.0)
        for bias in (self.encoder_bias, self.decoder_bias):
            nn.init.normal_(bias.weight, std=config.d_model**-0.5)
        d_inner = config.n_heads * config.d_head
        stds = {
            "q_proj": (config.d_model * config.d_head) ** -0.5,
            "k_proj": config.d_model**-0.5,
            "v_proj": config.d_model**-0.5,
            "o_proj": d_inner**-0.5,
            "gate_proj": config.d_model**-0.5,
            "up_proj": config.d_model**-0.5,
            "down_proj": config.d_ff**-0.5,
            "lm_head": config.d_model**-0.5,
        }
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=stds[name.rpartition(".")[2]])


def _attention(config: T5Config, is_causal: bool = False) -> MultiHeadAttention:
    return MultiHeadAttention(
        config.d_model,
        config.n_heads,
        d_head=config.d_head,
        bias=False,
        dropout=config.dropout,
        is_causal=is_causal,
        scale=1.0,
    )


def _feed_forward(config: T5Config) -> nn.Module:
    if config.gated:
        return GatedFeedForward(
            config.d_model, config.d_ff, config.dropout, activation=gelu_tanh
        )
    return FeedForward(
        config.d_model,
        config.d_ff,
        bias=False,
        dropout=config.dropout,
        activation=nn.functional.relu,
    )


def _norm(config: T5Config) -> RMSNorm:
    return RMSNorm(config.d_model, config.norm_eps)


def _position_bias(config: T5Config, bidirectional: bool) -> RelativePositionBias:
    return RelativePositionBias(
        config.n_heads, config.n_buckets, config.max_distance, bidirectional
    )
