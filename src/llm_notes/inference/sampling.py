"""From logits to a token: pure functions that reshape a distribution, then a draw.

Each filter maps logits (..., V) to logits (..., V); a token that is ruled out gets
minus infinity, which is probability zero. They can be chained in any order; the usual
one, that of `SamplingSettings`, is: penalties, temperature, top-k, top-p, min-p,
typical. Nothing here knows a model.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from llm_notes.inference.penalties import penalise_counts, penalise_repetition

COLD = 1e-3


def apply_temperature(logits: Tensor, temperature: float) -> Tensor:
    r"""Sharpen (below 1) or flatten (above 1) a distribution: $z / \tau$.

    Temperature 0 is the limit: everything but the largest logit is ruled out (the
    first of equals is kept), so sampling becomes greedy.

    Raises:
        ValueError: for a temperature that is negative or not finite.
    """
    if not 0 <= temperature < math.inf:
        raise ValueError(f"temperature must be 0 or above, got {temperature}")
    if temperature < torch.finfo(logits.dtype).tiny:  # what is 0 in this dtype as well
        best = logits.argmax(dim=-1, keepdim=True)
        return torch.full_like(logits, -torch.inf).scatter(-1, best, 0.0)
    # Quotients would be infinite; differences stay below 0.
    if temperature < (1 if logits.dtype == torch.float16 else COLD):
        logits = logits - logits.amax(dim=-1, keepdim=True)
    return logits / temperature


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k likeliest tokens (Fan, Lewis, Dauphin 2018); ties with the last stay.

    Raises:
        ValueError: for k below 1.
    """
    if k < 1:
        raise ValueError(f"top_k must be at least 1, got {k}")
    kth_best = logits.topk(min(k, logits.size(-1))).values[..., -1:]  # (..., 1)
    return logits.masked_fill(logits < kth_best, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the smallest set of likeliest tokens that holds probability p.

    This is nucleus sampling (Holtzman et al. 2020): the token that crosses p is kept,
    so at least one always is.

    Raises:
        ValueError: for p outside (0, 1].
    """
    if not 0 < p <= 1:
        raise ValueError(f"top_p must lie in (0, 1], got {p}")
    if p == 1:  # where rounded sums reach 1 early, tokens would be lost
        return logits
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    probabilities = ordered.softmax(dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities  # held by likelier tokens
    beyond = before >= p
    beyond[..., 0] = False  # a p below the smallest float still keeps one
    ruled_out = torch.zeros_like(beyond).scatter(-1, order, beyond)
    return logits.masked_fill(ruled_out, -torch.inf)


def keep_min_p(logits: Tensor, p: float) -> Tensor:
    r"""Keep tokens at least p times as likely as the likeliest (Nguyen et al. 2024).

    $$\text{keep } v \text{ where } P(v) \ge p\, \max_u P(u)$$

    The bar rises where the model is sure. The likeliest token always stays.

    Raises:
        ValueError: for p outside [0, 1].
    """
    if not 0 <= p <= 1:
        raise ValueError(f"min_p must lie in [0, 1], got {p}")
    probabilities = logits.softmax(dim=-1)
    bar = p * probabilities.amax(dim=-1, keepdim=True)
    return logits.masked_fill(probabilities < bar, -torch.inf)


def keep_typical(logits: Tensor, p: float) -> Tensor:
    r"""Keep the tokens whose surprise is nearest to the expected one, up to mass p.

    $$\epsilon_v = \big| H - (-\log P(v)) \big|, \qquad
      H = -\textstyle\sum_u P(u) \log P(u)$$

    Locally typical sampling (Meister et al. 2023, section 4): the set with the
    smallest epsilon that holds probability p, and all that equal its last. The
    likeliest token is left out where it is too little surprising.

    Raises:
        ValueError: for p outside (0, 1].
    """
    if not 0 < p <= 1:
        raise ValueError(f"typical_p must lie in (0, 1], got {p}")
    if p == 1:  # where rounded sums reach 1 early, tokens would be lost
        return logits
    log_probabilities = logits.log_softmax(dim=-1)
    probabilities = log_probabilities.exp()
    # 0 log 0 is 0: nansum leaves out what an earlier filter has ruled out.
    entropy = -(probabilities * log_probabilities).nansum(dim=-1, keepdim=True)
    epsilon = (-log_probabilities - entropy).abs()
    ordered, order = epsilon.sort(dim=-1)
    held = probabilities.gather(-1, order).cumsum(dim=-1)
    last = (held < p).sum(dim=-1, keepdim=True).clamp(max=logits.size(-1) - 1)
    return logits.masked_fill(epsilon > ordered.gather(-1, last), -torch.inf)


def filter_logits(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    """Temperature, top-k, top-p in this order; None leaves one out."""
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = keep_top_k(logits, top_k)
    if top_p is not None:
        logits = keep_top_p(logits, top_p)
    return logits


@dataclass(frozen=True)
class SamplingSettings:
    """How the next token is drawn; None (or a penalty that does nothing) leaves out.

    Args:
        temperature: see `apply_temperature`; 0 is greedy.
        top_k, top_p, min_p, typical_p: see the filters `keep_...`.
        repetition_penalty: see `penalise_repetition`.
        frequency_penalty, presence_penalty: see `penalise_counts`, in nats.

    Raises:
        ValueError: when a number is out of its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0

    def __post_init__(self) -> None:
        # One token is enough for each function to refuse what it does not take.
        self.apply(torch.zeros(1, 1), torch.zeros(1, 1, dtype=torch.long))

    @property
    def is_greedy(self) -> bool:
        """Whether the likeliest token is always taken."""
        return self.temperature == 0

    @property
    def needs_counts(self) -> bool:
        """Whether the ids so far matter."""
        penalties = self.frequency_penalty, self.presence_penalty
        return self.repetition_penalty != 1 or penalties != (0, 0)

    def apply(
        self, logits: Tensor, token_ids: Tensor | None = None, n_prompt: int = 0
    ) -> Tensor:
        """All that is set, in the order of the module's first lines.

        Args:
            logits: (B, V).
            token_ids: (B, T), prompt and text so far, for the penalties; negative ids
                are padding. Without it there is nothing to penalise.
            n_prompt: how many of the T are the prompt, which frequency and presence
                do not count.
        """
        if token_ids is not None and self.needs_counts:
            if self.repetition_penalty != 1:
                logits = penalise_repetition(logits, token_ids, self.repetition_penalty)
            new_ids = token_ids[:, n_prompt:]
            frequency, presence = self.frequency_penalty, self.presence_penalty
            logits = penalise_counts(logits, new_ids, frequency, presence)
        logits = filter_logits(logits, self.temperature, self.top_k, self.top_p)
        if self.min_p is not None:
            logits = keep_min_p(logits, self.min_p)
        if self.typical_p is not None:
            logits = keep_typical(logits, self.typical_p)
        return logits


def sample(logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw one token from each distribution: logits (B, V) to ids (B, 1)."""
    return torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)
