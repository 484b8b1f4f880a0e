"""GloVe: vectors whose inner products fit the logarithms of co-occurrence counts.

A weighted least-squares fit of a table of counts (Pennington, Socher and Manning 2014).
It knows no text: counts come in, from wherever they were taken.
Shapes: M stored counts, V vocabulary, D width of the vectors.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.inputs import require_sizes


@dataclass(frozen=True)
class GloVeConfig:
    """What makes a GloVe.

    Args:
        vocab_size: V, number of words.
        d_model: D, width of the vectors.
        x_max: the count from which on all counts weigh the same.
        power: how fast the weight grows below it.

    Raises:
        ValueError: when a size, `x_max` or `power` is not positive.
    """

    vocab_size: int
    d_model: int
    x_max: float = 100.0
    power: float = 0.75

    def __post_init__(self) -> None:
        require_sizes(self, "vocab_size", "d_model")
        for name in ("x_max", "power"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ValueError(f"{name} must be more than 0, got {value}")


PRESETS = {
    "6b-50d": GloVeConfig(400_000, d_model=50),
    "6b-100d": GloVeConfig(400_000, d_model=100),
    "6b-200d": GloVeConfig(400_000, d_model=200),
    "6b-300d": GloVeConfig(400_000, d_model=300),
}


class GloVe(nn.Module):
    r"""Two vectors and two biases for each word, fitted to the log of its counts.

    $$\log X_{ij} \approx w_i^\top \tilde w_j + b_i + \tilde b_j$$

    All start uniform in $\pm 1/(2D)$, as in the authors' program.
    """

    def __init__(self, config: GloVeConfig) -> None:
        super().__init__()
        self.config = config
        self.words = TokenEmbedding(config.vocab_size, config.d_model)
        self.contexts = TokenEmbedding(config.vocab_size, config.d_model)
        self.word_bias = nn.Parameter(torch.empty(config.vocab_size))
        self.context_bias = nn.Parameter(torch.empty(config.vocab_size))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.5 / config.d_model, 0.5 / config.d_model)

    @property
    def vectors(self) -> Tensor:
        """(V, D): w + w~, the sum the paper recommends, apart from training."""
        return (self.words.weight + self.contexts.weight).detach()

    def forward(self, word_ids: Tensor, context_ids: Tensor) -> Tensor:
        """What the model holds the logarithm of the counts to be.

        Args:
            word_ids, context_ids: (M,) rows and columns of the table of counts.

        Returns:
            estimates of log X, (M,).
        """
        products = (self.words(word_ids) * self.contexts(context_ids)).sum(dim=-1)
        return products + self.word_bias[word_ids] + self.context_bias[context_ids]

    def loss(self, word_ids: Tensor, context_ids: Tensor, counts: Tensor) -> Tensor:
        r"""The weighted squares (equation 8 of the paper), summed over some counts.

        $$J = \sum_{i,j:\, X_{ij} > 0} f(X_{ij})
          \bigl(w_i^\top \tilde w_j + b_i + \tilde b_j - \log X_{ij}\bigr)^2, \qquad
          f(x) = \min\bigl(1, (x / x_\text{max})^{3/4}\bigr)$$

        Pairs that never occur have no term: their logarithm is not a number.

        Args:
            word_ids, context_ids: (M,) rows and columns of the table of counts.
            counts: (M,) X, each more than 0.

        Returns:
            J, ().

        Raises:
            ValueError: when shapes differ, ids are out of range, or a count is not
                positive.
        """
        self._require(word_ids, context_ids, counts)
        counts = counts.to(self.word_bias.dtype)
        weights = (counts / self.config.x_max).pow(self.config.power).clamp(max=1)
        errors = self(word_ids, context_ids) - counts.log()
        return (weights * errors.square()).sum()

    def _require(self, word_ids: Tensor, context_ids: Tensor, counts: Tensor) -> None:
        shapes = [tuple(x.shape) for x in (word_ids, context_ids, counts)]
        if len(set(shapes)) != 1 or len(shapes[0]) != 1 or shapes[0][0] == 0:
            raise ValueError(
                "word ids, context ids and counts must have one shape (M,) with "
                f"M >= 1, got {', '.join(map(str, shapes))}"
            )
        low = min(int(word_ids.min()), int(context_ids.min()))
        high = max(int(word_ids.max()), int(context_ids.max()))
        if low < 0 or high >= self.config.vocab_size:
            raise ValueError(
                "ids must lie between 0 and vocab_size - 1 = "
                f"{self.config.vocab_size - 1}, got {low} to {high}"
            )
        if not (counts > 0).all():
            raise ValueError(
                f"counts must be more than 0, the smallest is {float(counts.min())}; "
                "leave out pairs that do not occur"
            )

    @staticmethod
    def parameter_count(config: GloVeConfig) -> int:
        """Number of parameters by formula: two tables of V x D, two rows of V."""
        return 2 * config.vocab_size * (config.d_model + 1)


def train_glove(
    model: GloVe,
    counts: Tensor,
    generator: torch.Generator,
    n_epochs: int = 25,
    batch_size: int = 1024,
    learning_rate: float = 0.05,
) -> list[float]:
    """Fit a table of counts in place, with AdaGrad, as the paper does (section 4.2).

    Args:
        counts: (V, V) sparse, as `count_cooccurrences` gives.
        generator: of the order in which the counts are visited.

    Returns:
        J of each epoch, summed while the model learns.

    Raises:
        ValueError: when the counts are not sparse or not (V, V), or the size of a
            batch is not positive.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
    vocab_size = model.config.vocab_size
    if not counts.is_sparse or counts.shape != (vocab_size, vocab_size):
        raise ValueError(
            f"counts must be sparse and ({vocab_size}, {vocab_size}), got a "
            f"{counts.layout} tensor of shape {tuple(counts.shape)}"
        )
    counts = counts.coalesce()
    (word_ids, context_ids), values = counts.indices(), counts.values()
    optimizer = torch.optim.Adagrad(
        model.parameters(), lr=learning_rate, initial_accumulator_value=1.0
    )
    losses = []
    for _ in range(n_epochs):
        total = 0.0
        for batch in torch.randperm(len(values), generator=generator).split(batch_size):
            loss = model.loss(word_ids[batch], context_ids[batch], values[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(total)
    return losses
