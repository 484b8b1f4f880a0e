"""What objectives of embeddings aim at, exactly, and how spread the vectors are.

Where words are few, all pairs can be enumerated: the expected loss needs no draws.
Shapes: V words, C contexts, B pairs of vectors, D width.
"""

import torch
from torch import Tensor
from torch.nn import functional


def pmi(counts: Tensor) -> Tensor:
    r"""Pointwise mutual information of a dense table of counts, (V, C).

    $$\mathrm{PMI}(w, c) = \log \frac{X_{wc}\, X}{X_{w\cdot}\, X_{\cdot c}}$$

    Minus infinity where a pair never occurs. Sparse tables and the positive part:
    `models.cooccurrence.ppmi`.
    """
    counts = counts.double()
    chance = counts.sum(1, keepdim=True) * counts.sum(0, keepdim=True) / counts.sum()
    return (counts / chance).log()


def negative_sampling_loss(
    scores: Tensor, counts: Tensor, n_negatives: float, noise: Tensor
) -> Tensor:
    r"""The expectation of Word2Vec's loss over all pairs and all draws, in nats.

    $$-\frac1X \sum_{w,c} \Bigl( X_{wc} \log \sigma(s_{wc}) +
      k\, X_{w\cdot}\, q(c) \log \sigma(-s_{wc}) \Bigr)$$

    Args:
        scores: (V, C), of each word with each context.
        counts: (V, C), X, how often they met.
        n_negatives: k.
        noise: (C,), q, the distribution of negatives.

    Returns:
        the loss for each real pair, ().
    """
    drawn = n_negatives * counts.sum(dim=1, keepdim=True) * noise  # (V, C)
    real = counts * functional.logsigmoid(scores)
    false = drawn * functional.logsigmoid(-scores)
    return -(real + false).sum() / counts.sum()


def negative_sampling_optimum(
    counts: Tensor, n_negatives: float, noise: Tensor
) -> Tensor:
    r"""The scores of least `negative_sampling_loss`, (V, C).

    $$s_{wc} = \log \frac{X_{wc}}{k\, X_{w\cdot}\, q(c)}$$

    With q the frequency of contexts this is PMI - log k (Levy and Goldberg 2014).
    """
    return (counts / (n_negatives * counts.sum(dim=1, keepdim=True) * noise)).log()


def alignment(first: Tensor, second: Tensor) -> Tensor:
    r"""Mean squared distance of partners on the unit sphere (Wang & Isola 2020).

    $$\frac1B \sum_i \lVert \hat x_i - \hat y_i \rVert^2$$

    Args:
        first, second: (B, D); row i of one belongs to row i of the other.

    Returns:
        between 0 (partners are the same) and 4, ().
    """
    first, second = (functional.normalize(x, dim=-1) for x in (first, second))
    return (first - second).square().sum(dim=-1).mean()


def uniformity(vectors: Tensor, sharpness: float = 2.0) -> Tensor:
    r"""How far vectors keep from each other on the sphere (Wang & Isola 2020).

    $$\log \frac{1}{B(B-1)} \sum_{i \ne j} e^{-t \lVert \hat x_i - \hat x_j \rVert^2}$$

    Args:
        vectors: (B, D), B at least 2.
        sharpness: t.

    Returns:
        0 when all directions are the same, about -2 t when they are spread evenly
        over many dimensions, ().
    """
    unit = functional.normalize(vectors, dim=-1)
    squares = 2 - 2 * unit @ unit.T
    apart = ~torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    return (-sharpness * squares[apart]).exp().mean().log()
