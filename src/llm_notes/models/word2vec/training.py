"""The loop that trains a Word2Vec: thin, cut into examples, draw negatives, step.

It knows no text beyond ids, and all its draws come from one generator.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from llm_notes.models.word2vec.examples import noise_distribution, subsample
from llm_notes.models.word2vec.model import Word2Vec

Examples = Callable[[Tensor, int, torch.Generator], tuple[Tensor, Tensor]]


def train_word2vec(
    model: Word2Vec,
    token_ids: Tensor,
    examples: Examples,
    generator: torch.Generator,
    n_epochs: int = 5,
    window: int = 5,
    n_negatives: int = 5,
    threshold: float = 1e-3,
    batch_size: int = 1024,
    learning_rate: float = 0.005,
) -> list[float]:
    """Train in place, with Adam and a rate that falls linearly to zero.

    The authors' program takes plain steps after each pair of words, on many threads at
    once. Batches need a rate that suits rare and frequent words alike, hence Adam.

    Args:
        token_ids: (N,) ids below the model's vocabulary.
        examples: `skip_gram` or `cbow`.
        n_epochs: how often the text is read, with new windows each time.
        n_negatives: K; 0 leaves the repulsion out.
        threshold: of `subsample`.

    Returns:
        the mean loss of each epoch, in nats for each example.

    Raises:
        ValueError: when the text, once thinned, gives no example, or a number of
            negatives or the size of a batch cannot be.
    """
    if n_negatives < 0 or batch_size < 1:
        raise ValueError(
            f"n_negatives is {n_negatives} and batch_size {batch_size}; they must be "
            "at least 0 and 1"
        )
    counts = torch.bincount(token_ids, minlength=model.config.vocab_size)
    noise = noise_distribution(counts).cumsum(0)
    noise[-1] = 1.0  # not a rounding error less
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    losses = []
    for epoch in range(n_epochs):
        thinned = subsample(token_ids, threshold, generator)
        input_ids, target_ids = examples(thinned, window, generator)
        if len(target_ids) == 0:
            raise ValueError(
                f"{len(thinned)} of {len(token_ids)} words are left after thinning, "
                "too few for one example; raise the threshold"
            )
        batches = torch.randperm(len(target_ids), generator=generator).split(batch_size)
        total = 0.0
        for step, batch in enumerate(batches):
            done = (epoch + step / len(batches)) / n_epochs
            optimizer.param_groups[0]["lr"] = learning_rate * (1 - done)
            draws = torch.rand(
                len(batch), n_negatives, generator=generator, dtype=noise.dtype
            )
            negative_ids = torch.searchsorted(noise, draws, right=True)
            loss = model.loss(input_ids[batch], target_ids[batch], negative_ids)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(target_ids))
    return losses
