"""Llama and its relatives: Mistral, Qwen3, Mixtral differ by a few arguments only.

The architecture is that of Touvron et al. (2023), which four changes separate from
GPT-2: RMSNorm, rotations instead of a table of positions, fewer key/value heads, and a
gated feed-forward layer (SwiGLU), all without biases. It knows nothing of text: token
ids go in, logits come out.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.block import PreNormBlock
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.feedforward import GatedFeedForward
from llm_notes.models.layers.initialise import initialise
from llm_notes.models.layers.inputs import (
    require_dropout,
    require_positions,
    require_sizes,
    require_token_ids,
)
from llm_notes.models.layers.moe import MixtureOfExperts
from llm_notes.models.layers.norm import RMSNorm
from llm_notes.models.layers.rotary import (
    LinearScaling,
    Llama3Scaling,
    RotaryPosition,
    YarnScaling,
)


@dataclass(frozen=True)
class LlamaConfig:
    """The numbers that make a Llama, or one of its relatives.

    Args:
        vocab_size: V, number of token ids.
        context_length: the most positions the model can read at once.
        n_layers: L, number of blocks.
        n_heads: H, query heads in each attention.
        n_kv_heads: G, key/value heads; n_heads must be divisible by it.
        d_model: D, width of the residual stream.
        d_ff: F, width inside the feed-forward layer, or inside each expert.
        d_head: K, width of a head; D / H when not given.
        rope_base: sets the slowest rotation.
        rope_scaling: slows the rotations for a context beyond the trained one.
        norm_eps: added to the mean square in each norm.
        qk_norm: whether queries and keys are normalised in each head (Qwen3).
        tied: whether the first and the last layer share one table.
        n_experts: E, feed-forward layers to choose from (Mixtral); one when not given.
        n_active_experts: how many of them each token uses.
        window: how many positions a token sees at most, itself included (Mistral).
        dropout: share dropped while training.
        init_std: deviation of the weights before training.

    Raises:
        ValueError: when a size is not positive, heads do not divide, only one of the
            two numbers of experts is given, or YaRN has another base.
    """

    vocab_size: int
    context_length: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_model: int
    d_ff: int
    d_head: int | None = None
    rope_base: float = 10_000.0
    rope_scaling: LinearScaling | Llama3Scaling | YarnScaling | None = None
    norm_eps: float = 1e-5
    qk_norm: bool = False
    tied: bool = False
    n_experts: int | None = None
    n_active_experts: int | None = None
    window: int | None = None
    dropout: float = 0.0
    init_std: float = 0.02

    def __post_init__(self) -> None:
        sizes = "vocab_size context_length n_layers n_heads n_kv_heads d_model d_ff"
        options = "d_head n_experts n_active_experts window"
        require_sizes(self, *sizes.split(), *options.split())
        require_dropout(self.dropout)
        if self.d_head is None:
            if self.d_model % self.n_heads:
                raise ValueError(
                    f"d_model = {self.d_model} is not divisible by n_heads = "
                    f"{self.n_heads}: choose another, or give d_head"
                )
            object.__setattr__(self, "d_head", self.d_model // self.n_heads)
        if self.n_heads % self.n_kv_heads:
            raise ValueError(
                f"n_heads = {self.n_heads} is not divisible by "
                f"n_kv_heads = {self.n_kv_heads}"
            )
        mixture = (self.n_active_experts, self.n_experts)
        if mixture != (None, None) and (None in mixture or mixture[0] > mixture[1]):
            raise ValueError(
                f"n_active_experts = {mixture[0]}, n_experts = {mixture[1]}: a mixture "
                "needs both, and a token uses at most all of them"
            )
        scaling = self.rope_scaling
        if isinstance(scaling, YarnScaling) and scaling.base != self.rope_base:
            raise ValueError(
                f"rope_base = {self.rope_base} and rope_scaling.base = {scaling.base}: "
                "YaRN needs the base of the angles that it scales"
            )


# V, context, layers, heads, key/value heads, width, feed-forward width
_LLAMA_2 = LlamaConfig(32_000, 4096, 32, 32, 32, 4096, 11_008)
_LLAMA_3 = LlamaConfig(128_256, 8192, 32, 32, 8, 4096, 14_336, rope_base=500_000.0)
_LLAMA_3_1 = replace(_LLAMA_3, context_length=131_072, rope_scaling=Llama3Scaling(8.0))
_MISTRAL = LlamaConfig(32_000, 32_768, 32, 32, 8, 4096, 14_336, window=4096)
_QWEN3 = LlamaConfig(
    *(151_936, 40_960, 28, 16, 8, 1024, 3072),
    d_head=128,
    rope_base=1_000_000.0,
    norm_eps=1e-6,
    qk_norm=True,
    tied=True,
)
PRESETS = {
    "llama-2-7b": _LLAMA_2,
    "llama-3-8b": _LLAMA_3,
    "llama-3.1-8b": _LLAMA_3_1,
    "llama-3.2-1b": LlamaConfig(
        *(128_256, 131_072, 16, 32, 8, 2048, 8192),
        rope_base=500_000.0,
        rope_scaling=Llama3Scaling(32.0),
        tied=True,
    ),
    "mistral-7b": _MISTRAL,
    "mixtral-8x7b": replace(
        _MISTRAL, window=None, rope_base=1_000_000.0, n_experts=8, n_active_experts=2
    ),
    "qwen3-0.6b": _QWEN3,
    "qwen3-1.7b": replace(_QWEN3, d_model=2048, d_ff=6144),
    "qwen3-4b": replace(_QWEN3, n_layers=36, n_heads=32, d_model=2560, d_ff=9728),
    "qwen3-8b": replace(
        _QWEN3, n_layers=36, n_heads=32, d_model=4096, d_ff=12_288, tied=False
    ),
}


class Llama(nn.Module):
    r"""A causal Transformer language model with rotary positions.

    $$h^0 = E[\text{ids}], \quad h^l = \mathrm{Block}^l(h^{l-1}),
      \quad \text{logits} = \mathrm{RMSNorm}(h^L)\, W^\top$$

    with W = E when tied. Initialised as GPT: normal with deviation `init_std`, the
    projections that write into the residual stream divided by sqrt(2 L).
    """

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = TokenEmbedding(config.vocab_size, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        rotary = RotaryPosition(
            config.d_head, config.context_length, config.rope_base, config.rope_scaling
        )
        self.blocks = nn.ModuleList(
            PreNormBlock(
                attention=MultiHeadAttention(
                    config.d_model,
                    config.n_heads,
                    config.n_kv_heads,
                    config.d_head,
                    bias=False,
                    dropout=config.dropout,
                    is_causal=True,
                    window=config.window,
                    rotary=rotary,  # one table of angles serves all layers
                    q_norm=_norm(config, config.d_head) if config.qk_norm else None,
                    k_norm=_norm(config, config.d_head) if config.qk_norm else None,
                ),
                feed_forward=_feed_forward(config),
                attention_norm=_norm(config, config.d_model),
                feed_forward_norm=_norm(config, config.d_model),
            )
            for _ in range(config.n_layers)
        )
        self.final_norm = _norm(config, config.d_model)
        self.head = None
        if not config.tied:
            self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
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
        x = self.dropout(self.token_embedding(token_ids))  # (B, T, D)

        all_weights = []
        for layer, block in enumerate(self.blocks):
            x, weights = block(x, mask, cache, layer, return_weights, positions)
            all_weights.append(weights)

        score = self.token_embedding.logits if self.head is None else self.head
        logits = score(self.final_norm(x))  # (B, T, V)
        return (logits, all_weights) if return_weights else logits

    @staticmethod
    def parameter_count(config: LlamaConfig) -> int:
        """Number of parameters by formula, without building the model.

        Each block has two D x HK and two D x GK projections, three D x F maps (for each
        expert, and a D x E router) and two norms; QK-norm adds 2 K. Rotations are free,
        and so is the last layer when it is tied.
        """
        d_model, d_head = config.d_model, config.d_head
        attention = 2 * d_model * d_head * (config.n_heads + config.n_kv_heads)
        attention += 2 * d_head * int(config.qk_norm)
        feed_forward = 3 * d_model * config.d_ff
        if config.n_experts is not None:
            feed_forward = config.n_experts * (feed_forward + d_model)
        block = attention + feed_forward + 2 * d_model
        tables = (1 if config.tied else 2) * config.vocab_size * d_model
        return tables + config.n_layers * block + d_model

    @staticmethod
    def active_parameter_count(config: LlamaConfig) -> int:
        """Number of parameters that one token uses: those of its experts only."""
        n_idle = (config.n_experts or 0) - (config.n_active_experts or 0)
        idle = config.n_layers * n_idle * 3 * config.d_model * config.d_ff
        return Llama.parameter_count(config) - idle


def _norm(config: LlamaConfig, width: int) -> RMSNorm:
    return RMSNorm(width, config.norm_eps)


def _feed_forward(config: LlamaConfig) -> nn.Module:
    """One gated layer, or a mixture of them."""

    def expert() -> GatedFeedForward:
        return GatedFeedForward(config.d_model, config.d_ff, config.dropout)

    if config.n_experts is None:
        return expert()
    experts = [expert() for _ in range(config.n_experts)]
    return MixtureOfExperts(config.d_model, experts, config.n_active_experts)
