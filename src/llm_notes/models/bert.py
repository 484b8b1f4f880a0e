"""BERT: an encoder that looks both ways, and the heads that give it a task.

Post-norm blocks with GELU over the sum of three embeddings (Devlin et al. 2019). It
gives one vector for each token, not a distribution over the next one: it cannot write.
It knows nothing of text; which tokens are masked is decided by the data.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.block import PostNormBlock
from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.feedforward import FeedForward
from llm_notes.models.layers.initialise import initialise
from llm_notes.models.layers.inputs import (
    require_dropout,
    require_sizes,
    require_token_ids,
)
from llm_notes.models.layers.norm import LayerNorm
from llm_notes.models.layers.position import LearnedPosition


@dataclass(frozen=True)
class BERTConfig:
    """The integers that make a BERT.

    Args:
        vocab_size: V, number of token ids.
        context_length: the most positions.
        n_layers: L, number of blocks.
        n_heads: H; d_model must be divisible by it.
        d_model: D.
        d_ff: F; 4 D when not given.
        n_segments: kinds of segments, 2 for pairs of sentences.
        norm_eps: see `LayerNorm`.
        dropout: share dropped while training.
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
    n_segments: int = 2
    norm_eps: float = 1e-12
    dropout: float = 0.0
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
            "n_segments",
        )
        require_dropout(self.dropout)


PRESETS = {
    "bert-base-uncased": BERTConfig(30522, 512, 12, 12, 768, dropout=0.1),
    "bert-large-uncased": BERTConfig(30522, 512, 24, 16, 1024, dropout=0.1),
    "bert-base-chinese": BERTConfig(21128, 512, 12, 12, 768, dropout=0.1),
}


class BERT(nn.Module):
    r"""The encoder: ids to one vector for each token.

    $$h^0 = \mathrm{LN}(E_\text{token} + E_\text{position} + E_\text{segment}), \qquad
      h^l = \mathrm{Block}^l(h^{l-1})$$
    """

    def __init__(self, config: BERTConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = TokenEmbedding(config.vocab_size, config.d_model)
        self.position_embedding = LearnedPosition(config.context_length, config.d_model)
        self.segment_embedding = TokenEmbedding(config.n_segments, config.d_model)
        self.embedding_norm = LayerNorm(config.d_model, config.norm_eps)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            PostNormBlock(
                attention=MultiHeadAttention(
                    config.d_model, config.n_heads, dropout=config.dropout
                ),
                feed_forward=FeedForward(
                    config.d_model,
                    config.d_ff,
                    dropout=config.dropout,
                    activation=nn.functional.gelu,
                ),
                attention_norm=LayerNorm(config.d_model, config.norm_eps),
                feed_forward_norm=LayerNorm(config.d_model, config.norm_eps),
            )
            for _ in range(config.n_layers)
        )
        initialise(self, config.init_std)

    def forward(
        self,
        token_ids: Tensor,
        segment_ids: Tensor | None = None,
        mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Contextual vectors.

        Args:
            token_ids: (B, T) integers below `vocab_size`.
            segment_ids: (B, T) integers below `n_segments`; all 0 when not given.
            mask: boolean, broadcasts to (B, H, T, T), True where a token may be looked
                at; for padding (B, 1, 1, T).
            return_weights: also return the attention weights of each block.

        Returns:
            hidden (B, T, D); with `return_weights` also a list of L tensors
            (B, H, T, T).

        Raises:
            ValueError: when ids are not (B, T), out of range, or too many.
        """
        config = self.config
        require_token_ids(token_ids, config.vocab_size, config.context_length)
        if segment_ids is None:
            segment_ids = torch.zeros_like(token_ids)
        elif segment_ids.shape != token_ids.shape:
            raise ValueError(
                f"segment_ids have shape {tuple(segment_ids.shape)} and token_ids "
                f"{tuple(token_ids.shape)}; each token has one segment"
            )
        require_token_ids(
            segment_ids, config.n_segments, name="segment_ids", size_name="n_segments"
        )
        positions = torch.arange(token_ids.size(1), device=token_ids.device)
        x = (
            self.token_embedding(token_ids)
            + self.position_embedding(positions)
            + self.segment_embedding(segment_ids)
        )
        x = self.dropout(self.embedding_norm(x))  # (B, T, D)
        all_weights = []
        for block in self.blocks:
            x, weights = block(x, mask, return_weights)
            all_weights.append(weights)
        return (x, all_weights) if return_weights else x

    @staticmethod
    def parameter_count(config: BERTConfig) -> int:
        """Number of parameters of the encoder by formula, without heads."""
        d_model, d_ff = config.d_model, config.d_ff
        norm = 2 * d_model
        attention = 4 * (d_model * d_model + d_model)
        feed_forward = 2 * d_model * d_ff + d_ff + d_model
        block = attention + feed_forward + 2 * norm
        n_rows = config.vocab_size + config.context_length + config.n_segments
        return n_rows * d_model + norm + config.n_layers * block


class Pooler(nn.Module):
    """A vector of the whole: tanh of a linear map of the first token's vector.

    Maps hidden (B, T, D) to (B, D). It means something only after training, since
    nothing else asks the first token to speak for all.
    """

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.dense = nn.Linear(d_model, d_model)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.dense(hidden[:, 0]).tanh()


class BERTForPretraining(nn.Module):
    """BERT with the two heads of its pretraining (Devlin et al. 2019, section 3.1)."""

    def __init__(self, config: BERTConfig) -> None:
        super().__init__()
        self.config = config
        self.bert = BERT(config)
        self.pooler = Pooler(config.d_model)
        self.next_sentence = nn.Linear(config.d_model, 2)
        # The masked-token head: one more layer, then the table of tokens again.
        self.transform = nn.Linear(config.d_model, config.d_model)
        self.transform_norm = LayerNorm(config.d_model, config.norm_eps)
        self.token_bias = nn.Parameter(torch.zeros(config.vocab_size))
        initialise(self, config.init_std)

    def forward(
        self,
        token_ids: Tensor,
        segment_ids: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Logits of both tasks; the arguments are those of `BERT`.

        Returns:
            token_logits (B, T, V), of which only masked places are scored, and
            pair_logits (B, 2): index 0 says that the second sentence follows.
        """
        hidden = self.bert(token_ids, segment_ids, mask)  # (B, T, D)
        transformed = nn.functional.gelu(self.transform(hidden))
        token_logits = self.bert.token_embedding.logits(
            self.transform_norm(transformed)
        )
        return token_logits + self.token_bias, self.next_sentence(self.pooler(hidden))


class BERTClassifier(nn.Module):
    """BERT with one linear layer on its pooled vector, for fine-tuning."""

    def __init__(self, config: BERTConfig, n_classes: int) -> None:
        super().__init__()
        if n_classes < 2:
            raise ValueError(f"n_classes must be at least 2, got {n_classes}")
        self.bert = BERT(config)
        self.pooler = Pooler(config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.d_model, n_classes)
        initialise(self, config.init_std)

    def forward(
        self,
        token_ids: Tensor,
        segment_ids: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Logits (B, n_classes); the arguments are those of `BERT`."""
        pooled = self.pooler(self.bert(token_ids, segment_ids, mask))
        return self.classifier(self.dropout(pooled))


def sentence_vectors(hidden: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean of the vectors of real tokens (Reimers & Gurevych 2019, section 3).

    Args:
        hidden: (B, T, D).
        mask: (B, 1, 1, T) boolean, True where a token is real; all when not given.
            Padding that is averaged in would move the vector.

    Returns:
        (B, D).
    """
    if mask is None:
        return hidden.mean(dim=1)
    real = mask[:, 0, 0, :, None].to(hidden.dtype)  # (B, T, 1)
    return (hidden * real).sum(dim=1) / real.sum(dim=1)
