"""From a text to the examples that Word2Vec learns from.

Windows of random size, the thinning of frequent words, and the noise that negative
samples come from. It knows no model; all draws come from the generator it is given.
Shapes: N tokens in the text, P examples, m window, V vocabulary.
"""

import torch
from torch import Tensor

PADDING = -1  # stands where an input word is missing


def noise_distribution(counts: Tensor, power: float = 0.75) -> Tensor:
    r"""The distribution of negative samples, (V,).

    $$P(w) = \frac{c(w)^{3/4}}{\sum_{w'} c(w')^{3/4}}$$

    A power below 1 lifts rare words (Mikolov et al. 2013b, section 2.2).

    Raises ValueError when nothing was counted.
    """
    if counts.dim() != 1 or not (counts.sum() > 0 and (counts >= 0).all()):
        raise ValueError(
            "counts must be one row of numbers >= 0 that do not add up to 0, got "
            f"shape {tuple(counts.shape)}"
        )
    # 0 ** 0 is 1, and a word that was never counted must not come out.
    weights = torch.where(counts > 0, counts.double() ** power, 0.0)
    return weights / weights.sum()


def subsample(
    token_ids: Tensor, threshold: float, generator: torch.Generator
) -> Tensor:
    r"""Leave out most of the frequent words, at random.

    A word of relative frequency f stays with probability $\min(1, \sqrt{t / f})$
    (Mikolov et al. 2013b, equation 5). The words that stay move together, which widens
    the window.

    Args:
        token_ids: (N,).
        threshold: t; 1e-5 for billions of words, 1e-3 for a small text. Infinity keeps
            every word.

    Raises ValueError when the threshold is not positive.
    """
    if not threshold > 0:
        raise ValueError(f"threshold is {threshold}; it must be more than 0")
    frequency = torch.bincount(token_ids).double() / len(token_ids)
    keep = (threshold / frequency).sqrt()[token_ids]  # above 1: always kept
    draws = torch.rand(len(token_ids), generator=generator, dtype=torch.float64)
    return token_ids[draws < keep]


def skip_gram(
    token_ids: Tensor, window: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Each word predicts each word near it, one example for each pair.

    Args:
        token_ids: (N,).
        window: m; the radius of each word's window is drawn from 1 ... m, so near
            neighbours count more often.

    Returns:
        input ids (P, 1), the words in the middle, and target ids (P,), their
        neighbours.

    Raises ValueError when the window is not positive.
    """
    places = _neighbours(len(token_ids), window, generator)  # (N, 2m)
    middle, column = (places != PADDING).nonzero(as_tuple=True)
    return token_ids[middle].unsqueeze(1), token_ids[places[middle, column]]


def cbow(
    token_ids: Tensor, window: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The words near it, together, predict each word: continuous bag of words.

    Args: as `skip_gram`.

    Returns:
        input ids (P, 2m), the neighbours, with -1 beyond the window, and target ids
        (P,), the words in the middle. A word without neighbours gives no example.

    Raises ValueError when the window is not positive.
    """
    places = _neighbours(len(token_ids), window, generator)  # (N, 2m)
    input_ids = torch.where(places == PADDING, PADDING, token_ids[places])
    has_any = (places != PADDING).any(dim=1)
    return input_ids[has_any], token_ids[has_any]


def _neighbours(n_tokens: int, window: int, generator: torch.Generator) -> Tensor:
    """The places near each place, (N, 2m); -1 outside of the window or the text."""
    if window < 1:
        raise ValueError(f"window is {window}; it must be at least 1")
    distance = torch.arange(1, window + 1)
    offsets = torch.cat([-distance.flip(0), distance])  # (2m,), from left to right
    radius = torch.randint(1, window + 1, (n_tokens, 1), generator=generator)
    places = torch.arange(n_tokens).unsqueeze(1) + offsets  # (N, 2m)
    inside = (offsets.abs() <= radius) & (places >= 0) & (places < n_tokens)
    return torch.where(inside, places, PADDING)
