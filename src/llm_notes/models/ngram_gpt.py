"""A GPT that is handed its n-grams: hashed tables beside the token embedding.

A GPT spends its first layers and many steps on learning which short strings belong
together. Here each position also looks up the bigram, the trigram, ... that ends at it,
in tables whose rows are shared by all n-grams of one hash, so that attention can begin
where counting ends. The other changes against GPT-2 are those that make short training
runs fast: rotations, normalised queries and keys, squared ReLU, no biases, an untied
head that begins at zero. It knows nothing of text: token ids go in, logits come out.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.block import PreNormBlock
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.feedforward import FeedForward, relu_squared
from llm_notes.models.layers.inputs import (
    require_positions,
    require_sizes,
    require_token_ids,
)
from llm_notes.models.layers.ngram_embedding import NgramEmbedding
from llm_notes.models.layers.norm import LayerNorm
from llm_notes.models.layers.rotary import RotaryPosition


@dataclass(frozen=True)
class NgramGPTConfig:
    """The integers that make an n-gram GPT.

    Args:
        vocab_size: V, number of token ids.
        context_length: the most positions the model can read at once.
        n_layers: L, number of blocks.
        n_heads: H, heads in each attention; d_model must be divisible by it.
        d_model: D, width of the residual stream.
        d_ff: F, width inside the feed-forward layer; 4 D when not given.
        orders: lengths n of the n-grams, each with a table of its own; none makes a
            GPT without n-grams.
        n_buckets: rows of each table.

    Raises:
        ValueError: when a size is not positive, or an order is below 2 or stands twice.
    """

    vocab_size: int
    context_length: int
    n_layers: int
    n_heads: int
    d_model: int
    d_ff: int | None = None
    orders: tuple[int, ...] = (2, 3, 4)
    n_buckets: int = 16_384

    def __post_init__(self) -> None:
        # JSON gives lists back.
        object.__setattr__(self, "orders", tuple(self.orders))
        if self.d_ff is None:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        sizes = "vocab_size context_length n_layers n_heads d_model d_ff n_buckets"
        require_sizes(self, *sizes.split())
        if min(self.orders, default=2) < 2 or len(set(self.orders)) < len(self.orders):
            raise ValueError(
                f"orders = {self.orders} must be different lengths of at least 2: "
                "the token itself has the token embedding"
            )


class NgramGPT(nn.Module):
    r"""A causal Transformer language model over tokens and their n-grams.

    $$h^0 = \mathrm{LN}\Big(E[\text{ids}] + \sum_n G_n[\text{hash}_n]\Big), \quad
      h^l = \mathrm{Block}^l(h^{l-1}), \quad
      \text{logits} = \mathrm{LN}(h^L)\, W^\top$$

    Hashed n-grams beside byte embeddings are those of Pagnoni et al. (2024, section
    3.2.1); QK-norm of Henry et al. (2020), squared ReLU of So et al. (2021). What
    writes into the residual stream, the tables and the head begin at zero, so the
    untrained model gives each token the same chance.
    """

    def __init__(self, config: NgramGPTConfig) -> None:
        super().__init__()
        self.config = config
        d_model, d_head = config.d_model, config.d_model // config.n_heads
        self.token_embedding = TokenEmbedding(config.vocab_size, d_model)
        self.ngram_embedding = NgramEmbedding(
            config.vocab_size, d_model, config.orders, config.n_buckets
        )
        self.first_norm = LayerNorm(d_model, bias=False)
        rotary = RotaryPosition(d_head, config.context_length)
        self.blocks = nn.ModuleList(
            PreNormBlock(
                attention=MultiHeadAttention(
                    d_model,
                    config.n_heads,
                    bias=False,
                    is_causal=True,
                    rotary=rotary,  # one table of angles serves all layers
                    q_norm=LayerNorm(d_head, bias=False),
                    k_norm=LayerNorm(d_head, bias=False),
                    # Normalised queries and keys begin with products up to K. So
                    # scores reach 8 in a head of any width, enough to pick one place.
                    scale=8 / d_head,
                ),
                feed_forward=FeedForward(
                    d_model, config.d_ff, bias=False, activation=relu_squared
                ),
                attention_norm=LayerNorm(d_model, bias=False),
                feed_forward_norm=LayerNorm(d_model, bias=False),
            )
            for _ in range(config.n_layers)
        )
        self.final_norm = LayerNorm(d_model, bias=False)
        self.head = nn.Linear(d_model, config.vocab_size, bias=False)
        self._initialise()

    def _initialise(self) -> None:
        nn.init.normal_(self.token_embedding.weight, std=0.5)
        nn.init.zeros_(self.head.weight)
        for name, module in self.blocks.named_modules():
            if isinstance(module, nn.Linear):
                if name.endswith(("o_proj", "down_proj")):
                    nn.init.zeros_(module.weight)
                else:
                    nn.init.normal_(module.weight, std=module.in_features**-0.5)

    def forward(
        self,
        token_ids: Tensor,
        mask: Tensor | None = None,
        positions: Tensor | None = None,
        cache: KeyValueCache | None = None,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Logits of the next token at each position; as `GPT.forward`.

        The cache also remembers the token ids, as one more layer: an n-gram that
        begins before the new tokens needs them.

        Args:
            token_ids: (B, T) integers below `vocab_size`. With a cache: only the
                tokens that it does not hold yet.
            mask: boolean, broadcasts to (B, H, T, S), True where a token may look.
            positions: (T,) or (B, T) places of the tokens; those that follow the
                cached ones when not given. N-grams begin at place 0 at the earliest,
                so padding on the left stays out of them.
            cache: remembers keys, values and ids between calls.
            return_weights: also return the attention weights of each block.

        Returns:
            logits (B, T, V); with `return_weights` also a list of L tensors
            (B, H, T, S), whose rows sum to one.

        Raises:
            ValueError: when ids are not (B, T), out of range, or too many, or the mask
                or the cache does not fit. The cache is then as it was.
        """
        config = self.config
        past = 0 if cache is None else cache.length
        require_token_ids(token_ids, config.vocab_size, config.context_length, past)
        n_new = token_ids.size(1)
        if positions is None:
            positions = torch.arange(past, past + n_new, device=token_ids.device)
        else:
            require_positions(positions, token_ids, config.context_length)
        as_keys = token_ids[:, None, :, None]  # (B, 1, T, 1)
        remembers = cache is not None and bool(config.orders)
        known = token_ids
        if remembers and past:
            nothing = as_keys[:, :, :0]  # adding it only shows what is stored
            stored, _ = cache.append(config.n_layers, nothing, nothing)
            known = torch.cat([stored[:, 0, :, 0], token_ids], dim=1)  # (B, S)
        x = self.token_embedding(token_ids)  # (B, T, D)
        x = self.first_norm(x + self.ngram_embedding(known, positions))

        all_weights = []
        for layer, block in enumerate(self.blocks):
            x, weights = block(x, mask, cache, layer, return_weights, positions)
            all_weights.append(weights)
        if remembers:
            # Last of all: a call that attention refuses must not leave its ids here.
            cache.append(config.n_layers, as_keys, as_keys)

        logits = self.head(self.final_norm(x))  # (B, T, V)
        return (logits, all_weights) if return_weights else logits

    @staticmethod
    def parameter_count(config: NgramGPTConfig) -> int:
        """Number of parameters by formula, without building the model."""
        d_model, d_head = config.d_model, config.d_model // config.n_heads
        block = 4 * d_model**2 + 2 * d_model * config.d_ff + 2 * d_model + 2 * d_head
        tables = len(config.orders) * config.n_buckets + 2 * config.vocab_size
        return tables * d_model + config.n_layers * block + 2 * d_model
