"""Word2Vec's two tables and its loss; the model has no hidden layer.

Skip-gram and CBOW are the same model with one input word or several (Mikolov et al.
2013a). It knows neither text nor window: `examples` makes what it reads.
Shapes: B examples, C input words, K negative samples, V vocabulary, D width.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.inputs import require_sizes


@dataclass(frozen=True)
class Word2VecConfig:
    """The integers that make a Word2Vec.

    Args:
        vocab_size: V, number of words.
        d_model: D, width of the vectors.

    Raises:
        ValueError: when a size is not positive.
    """

    vocab_size: int
    d_model: int

    def __post_init__(self) -> None:
        require_sizes(self, "vocab_size", "d_model")


PRESETS = {"google-news": Word2VecConfig(3_000_000, d_model=300)}


class Word2Vec(nn.Module):
    r"""Scores a word by the inner product of its output vector with the input's.

    $$s(w \mid I) = u_w^\top h, \qquad h = \frac1{|I|} \sum_{i \in I} v_i$$

    For skip-gram, I holds the word in the middle; for CBOW, the words around it. The
    table of input vectors v is the result; the output vectors u are its other half.

    Input vectors start uniform in $\pm 1/(2D)$, output vectors at zero, as in the
    authors' program.
    """

    def __init__(self, config: Word2VecConfig) -> None:
        super().__init__()
        self.config = config
        self.inputs = TokenEmbedding(config.vocab_size, config.d_model)
        self.outputs = TokenEmbedding(config.vocab_size, config.d_model)
        bound = 0.5 / config.d_model
        nn.init.uniform_(self.inputs.weight, -bound, bound)
        nn.init.zeros_(self.outputs.weight)

    @property
    def vectors(self) -> Tensor:
        """(V, D): the word vectors, apart from training."""
        return self.inputs.weight.detach()

    def forward(self, input_ids: Tensor, candidate_ids: Tensor) -> Tensor:
        """Scores of candidate words; the sigmoid of one is p(it is a real neighbour).

        Args:
            input_ids: (B, C) ids; -1 stands where a word is missing.
            candidate_ids: (B, K) ids.

        Returns:
            scores (B, K).

        Raises:
            ValueError: when shapes do not fit, ids are out of range, or an example has
                no input word.
        """
        self._require(input_ids, candidate_ids)
        present = (input_ids >= 0).unsqueeze(-1)  # (B, C, 1)
        vectors = self.inputs(input_ids.clamp(min=0)) * present  # (B, C, D)
        h = vectors.sum(dim=1) / present.sum(dim=1)  # (B, D)
        return torch.einsum("bkd,bd->bk", self.outputs(candidate_ids), h)

    def loss(
        self, input_ids: Tensor, target_ids: Tensor, negative_ids: Tensor
    ) -> Tensor:
        r"""Negative sampling (Mikolov et al. 2013b, equation 4), mean over examples.

        $$-\log \sigma(u_w^\top h) - \sum_{k=1}^{K} \log \sigma(-u_{w_k}^\top h)$$

        With K = 0 only the attraction is left: all vectors drift the same way.

        Args:
            input_ids: (B, C) ids; -1 stands where a word is missing.
            target_ids: (B,) the words that were there.
            negative_ids: (B, K) words drawn from the noise.

        Returns:
            the loss in nats, ().
        """
        candidate_ids = torch.cat([target_ids.unsqueeze(1), negative_ids], dim=1)
        scores = self(input_ids, candidate_ids)  # (B, 1 + K)
        is_real = torch.zeros_like(scores)
        is_real[:, 0] = 1
        return nn.functional.binary_cross_entropy_with_logits(
            scores, is_real, reduction="sum"
        ) / len(scores)

    def _require(self, input_ids: Tensor, candidate_ids: Tensor) -> None:
        if (
            input_ids.dim() != 2
            or candidate_ids.dim() != 2
            or (len(input_ids) != len(candidate_ids) or len(input_ids) == 0)
        ):
            raise ValueError(
                "input ids must be (B, C) and candidates (B, K) with the same B >= 1, "
                f"got {tuple(input_ids.shape)} and {tuple(candidate_ids.shape)}"
            )
        largest = self.config.vocab_size - 1
        for name, ids, smallest in (
            ("input", input_ids, -1),
            ("candidate", candidate_ids, 0),
        ):
            low, high = int(ids.min()), int(ids.max())
            if low < smallest or high > largest:
                raise ValueError(
                    f"{name} ids must lie between {smallest} and vocab_size - 1 = "
                    f"{largest}, got {low} to {high}"
                )
        if (input_ids < 0).all(dim=1).any():
            raise ValueError("an example has no input word: all its ids are -1")

    @staticmethod
    def parameter_count(config: Word2VecConfig) -> int:
        """Number of parameters by formula: two tables of V x D."""
        return 2 * config.vocab_size * config.d_model
