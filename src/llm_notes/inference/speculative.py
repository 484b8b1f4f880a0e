r"""Speculative decoding: a cheap draft proposes tokens, the target checks them at once.

One pass of a Transformer over a few tokens costs little more than over one. So a draft
proposes $\gamma$ tokens, and the target computes its distributions $p$ at all of them
in one pass. A token $x$ that was drawn from the draft's $q$ is accepted with
probability

$$\min\left(1, \frac{p(x)}{q(x)}\right), \qquad \text{else one is drawn from} \quad
  \frac{\max(p - q, 0)}{\sum_{x'} \max(p(x') - q(x'), 0)},$$

and what was proposed after it is dropped. The tokens then have exactly the target's
distribution, whatever the draft is: a bad one costs time, not quality.

Sources: Leviathan, Kalman and Matias (2023); Chen et al. (2023), in parallel. Anything
that gives a distribution can be a draft; nothing here knows how it does.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.inference.generate import check_ends, check_prompt
from llm_notes.inference.sampling import SamplingSettings
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.ngram.base import NGramModel

# Ids (1, T) to logits (1, V) of the next token, or None when it has no idea. The
# logarithms of probabilities are logits.
Draft = Callable[[Tensor], Tensor | None]
# How a random choice is made: probabilities (N,) to one of 0 ... N - 1.
Chooser = Callable[[Tensor], int]


@dataclass(frozen=True)
class Speculation:
    """What speculative decoding wrote, and how well the draft did.

    Args:
        token_ids: (1, T), the prompt and the new tokens.
        n_new: how many of them are new.
        n_proposed, n_accepted: tokens of the draft.
        n_passes: how often the target was called.
    """

    token_ids: Tensor
    n_new: int
    n_proposed: int
    n_accepted: int
    n_passes: int

    @property
    def acceptance_rate(self) -> float:
        r"""The share of proposed tokens that were accepted; 0 when none were.

        What is dropped after a rejection counts as proposed, so this is less than the
        $\alpha$ of `expected_tokens`, unless each pass proposes one token.
        """
        return self.n_accepted / max(self.n_proposed, 1)

    @property
    def tokens_per_pass(self) -> float:
        """New tokens for each call of the target; plain decoding has 1."""
        return self.n_new / self.n_passes


class CachedModel:
    """A causal model that keeps what it has read, and forgets what was taken back.

    Each call gets the whole text. What agrees with the text of the last call is in the
    cache; the rest of the cache is cropped, and the rest of the text is read. A
    language model as draft is `CachedModel(model)`.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._cache = KeyValueCache()
        self._read = torch.empty(1, 0, dtype=torch.long)

    def __call__(self, token_ids: Tensor) -> Tensor | None:
        """Logits (1, V) of the token that follows ids (1, T); None where the model
        cannot read so many."""
        config = getattr(self.model, "config", None)
        longest = getattr(config, "context_length", token_ids.size(1))
        if token_ids.size(1) > longest:
            return None
        return self.last_logits(token_ids, 1)

    @torch.inference_mode()
    def last_logits(self, token_ids: Tensor, n_last: int) -> Tensor:
        """Logits (n_last, V) at the last positions of ids (1, T)."""
        n_both = min(self._read.size(1), token_ids.size(1))
        read = self._read[:, :n_both].to(token_ids.device)
        differ = (read != token_ids[:, :n_both]).nonzero()
        n_kept = int(differ[0, 1]) if len(differ) else n_both
        n_kept = min(n_kept, token_ids.size(1) - n_last)
        self._cache.crop(n_kept)
        logits = self.model(token_ids[:, n_kept:], cache=self._cache)
        self._read = token_ids
        return logits[0, -n_last:]


def ngram_draft(model: NGramModel) -> Draft:
    """An n-gram model as draft: it looks its distribution up."""

    def draft(token_ids: Tensor) -> Tensor:
        context = token_ids[0, -model.order :].tolist()
        probabilities = torch.from_numpy(model.probabilities(context))
        return probabilities.log()[None].to(token_ids.device)

    return draft


def lookup_draft(vocab_size: int, longest: int = 3) -> Draft:
    """A draft without a model: what followed when the last tokens stood there before.

    The latest earlier place of the last `longest` tokens is looked up, else of fewer,
    down to one. The token after it gets probability 1. It helps where a text repeats
    its prompt: summaries, code, quotations (Saxena 2023, "prompt lookup decoding").
    """

    def draft(token_ids: Tensor) -> Tensor | None:
        text = token_ids[0]
        for length in range(min(longest, len(text) - 1), 0, -1):
            windows = text[:-1].unfold(0, length, 1)  # each has a token after it
            places = (windows == text[-length:]).all(dim=1).nonzero()
            if len(places):
                following = text[places[-1] + length]
                logits = torch.full((1, vocab_size), -torch.inf, device=text.device)
                return logits.index_fill(1, following, 0.0)
        return None

    return draft


@torch.inference_mode()
def speculate(
    target: nn.Module,
    draft: Draft,
    prompt_ids: Tensor,
    max_new_tokens: int,
    n_draft: int = 4,
    settings: SamplingSettings | None = None,
    generator: torch.Generator | None = None,
    eos_id: int | None = None,
    choose: Chooser | None = None,
) -> Speculation:
    """Continue one prompt as the target would, with fewer passes of the target.

    Args:
        target: `model(ids, cache=...)` gives logits (B, T, V).
        draft: such as `CachedModel(small_model)`, `ngram_draft` or `lookup_draft`.
        prompt_ids: (1, T), T at least 1. Rows of a batch would accept different numbers
            of tokens; decode them one by one.
        max_new_tokens: how many tokens to add.
        n_draft: gamma, the most tokens that are proposed for each pass.
        settings: how tokens are drawn, for draft and target alike. Greedy settings give
            exactly the target's greedy text.
        generator: decides what is drawn; PyTorch's global one when not given.
        eos_id: a token that ends the text; it is kept.
        choose: makes the random choices instead of the generator, such as one that
            goes through all of them.

    Raises:
        ValueError: for a prompt that is not one row, numbers below 1, a text longer
            than the target's context, an end token that it does not have, or a draft
            with another vocabulary.
    """
    check_prompt(target, prompt_ids, max_new_tokens)
    check_ends(target, [] if eos_id is None else [eos_id])
    if prompt_ids.size(0) != 1:
        raise ValueError(
            f"speculation takes one prompt, got {prompt_ids.size(0)}: decode the rows "
            "of a batch one by one"
        )
    if n_draft < 1:
        raise ValueError(f"n_draft must be at least 1, got {n_draft}")
    settings = SamplingSettings() if settings is None else settings
    if choose is None:

        def choose(probabilities: Tensor) -> int:
            return int(torch.multinomial(probabilities, 1, generator=generator))

    reader = CachedModel(target)
    vocab_size = target.config.vocab_size
    n_prompt = prompt_ids.size(1)
    token_ids = prompt_ids
    n_proposed = n_accepted = n_passes = 0
    while (n_left := max_new_tokens + n_prompt - token_ids.size(1)) > 0:
        # One token of each pass is the target's own.
        most = min(n_draft, n_left - 1)
        longer, drafted = _propose(
            draft, vocab_size, token_ids, most, settings, n_prompt, choose
        )
        n_known = token_ids.size(1)
        logits = reader.last_logits(longer, len(drafted) + 1)
        wanted = _target_distributions(logits, longer, settings, n_prompt)
        proposed = longer[0, n_known:].tolist()
        new = verify(proposed, drafted, wanted, choose)
        n_passes += 1
        n_proposed += len(proposed)
        n_from_draft = len(new) - 1
        ended = eos_id in new
        if ended:
            new = new[: new.index(eos_id) + 1]
        n_accepted += min(n_from_draft, len(new))
        added = torch.tensor([new], device=token_ids.device)
        token_ids = torch.cat([token_ids, added], dim=1)
        if ended:
            break
    n_new = token_ids.size(1) - n_prompt
    return Speculation(token_ids, n_new, n_proposed, n_accepted, n_passes)


def verify(
    proposed: list[int], drafted: list[Tensor], wanted: Tensor, choose: Chooser
) -> list[int]:
    """Accept a beginning of what was proposed, and add one token of the target.

    Args:
        proposed: N tokens, the i-th drawn from drafted[i].
        drafted: N distributions (V,) of the draft, q.
        wanted: (N + 1, V) distributions of the target, p.
        choose: makes the random choices.

    Returns:
        the accepted tokens, then one: drawn from the normalised positive part of
        p - q after a rejection, else from the target's last distribution.
    """
    for i, (token_id, q) in enumerate(zip(proposed, drafted, strict=True)):
        p = wanted[i]
        accepted = (p[token_id] / q[token_id]).clamp(max=1.0)
        if not choose(torch.stack([1 - accepted, accepted])):
            left = (p - q).clamp(min=0)
            return [*proposed[:i], choose(left / left.sum())]
    return [*proposed, choose(wanted[-1])]


def expected_tokens(acceptance_rate: float, n_draft: int) -> float:
    r"""New tokens for each pass of the target, on average.

    $$\frac{1 - \alpha^{\gamma + 1}}{1 - \alpha}$$

    where each token is accepted with probability $\alpha$ independently of the others
    (Leviathan et al. 2023, equation 1).
    """
    return sum(acceptance_rate**i for i in range(n_draft + 1))


def _propose(
    draft: Draft,
    vocab_size: int,
    token_ids: Tensor,
    most: int,
    settings: SamplingSettings,
    n_prompt: int,
    choose: Chooser,
) -> tuple[Tensor, list[Tensor]]:
    """Ids (1, T + N) with up to `most` proposed tokens, and their distributions."""
    drafted: list[Tensor] = []
    while len(drafted) < most:
        logits = draft(token_ids)
        if logits is None:
            break
        if logits.size(-1) != vocab_size:
            raise ValueError(
                f"the draft has {logits.size(-1)} tokens and the target {vocab_size}; "
                "both have to use one vocabulary"
            )
        logits = settings.apply(logits.double(), token_ids, n_prompt)
        drafted.append(logits.softmax(dim=-1)[0])
        token_id = torch.tensor([[choose(drafted[-1])]], device=token_ids.device)
        token_ids = torch.cat([token_ids, token_id], dim=1)
    return token_ids, drafted


def _target_distributions(
    logits: Tensor, token_ids: Tensor, settings: SamplingSettings, n_prompt: int
) -> Tensor:
    """(N, V) distributions after the last N beginnings of ids (1, T)."""
    logits = logits.double()
    if settings.needs_counts:  # each beginning has its own tokens to penalise
        n_first = token_ids.size(1) - len(logits) + 1
        rows = [
            settings.apply(row[None], token_ids[:, : n_first + i], n_prompt)
            for i, row in enumerate(logits)
        ]
        logits = torch.cat(rows)
    else:
        logits = settings.apply(logits)
    return logits.softmax(dim=-1)
