"""Choosing among several samples: by a vote of their answers, or by a score.

Self-consistency (Wang et al. 2023) samples several ways of reasoning, and takes the
answer that most of them reach. Nothing here knows a model: how a text is sampled, how
its answer is found and what makes it good are functions of the caller.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Answer = TypeVar("Answer", bound=Hashable)
Candidate = TypeVar("Candidate")


@dataclass(frozen=True)
class Vote:
    """The outcome of a vote.

    Args:
        answer: the winner; None when no text had an answer.
        counts: votes by answer, the winner first, then in order of rank.
        n_samples: all samples, those without an answer too.
    """

    answer: Hashable | None
    counts: dict[Hashable, int]
    n_samples: int

    @property
    def share(self) -> float:
        """The winner's votes as a share of all samples: a measure of confidence."""
        return self.counts.get(self.answer, 0) / self.n_samples


def majority_vote(
    answers: Sequence[Answer | None],
    log_probabilities: Sequence[float] | None = None,
) -> Vote:
    """The answer that occurs most often.

    Of equally frequent ones, that with the larger sum of log-probabilities; where
    these are equal or not given, that which came first.

    Args:
        answers: one for each sample; None for a sample without an answer, which has
            no vote.
        log_probabilities: of each sample, in nats.

    Raises:
        ValueError: for no answers, or lists of different lengths.
    """
    if not answers:
        raise ValueError("there are no answers to vote with; give at least one")
    if log_probabilities is None:
        log_probabilities = [0.0] * len(answers)
    if len(log_probabilities) != len(answers):
        raise ValueError(
            f"there are {len(answers)} answers and {len(log_probabilities)} "
            "log-probabilities; give one for each sample"
        )
    counts: dict[Hashable, int] = {}
    totals: dict[Hashable, float] = {}
    for answer, log_probability in zip(answers, log_probabilities, strict=True):
        if answer is not None:
            counts[answer] = counts.get(answer, 0) + 1
            totals[answer] = totals.get(answer, 0.0) + log_probability
    # The order of equals, which is that of their first votes, stays.
    ranked = sorted(counts, key=lambda answer: (-counts[answer], -totals[answer]))
    winner = ranked[0] if ranked else None
    return Vote(winner, {answer: counts[answer] for answer in ranked}, len(answers))


def self_consistency(
    sample: Callable[[int], tuple[str, float]],
    extract: Callable[[str], Hashable | None],
    n_samples: int,
) -> Vote:
    r"""Sample texts, extract their answers, and let them vote.

    The majority estimates $\arg\max_a \sum_r p(r, a)$ over ways of reasoning $r$,
    where greedy decoding takes the one text with a large $p(r, a)$.

    Args:
        sample: maps a seed, 0 to n_samples - 1, to a text and its log-probability.
        extract: finds the answer in a text; None when it has none.
        n_samples: how many texts to sample.

    Raises:
        ValueError: for n_samples below 1.
    """
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, got {n_samples}")
    samples = [sample(seed) for seed in range(n_samples)]
    answers = [extract(text) for text, _ in samples]
    return majority_vote(answers, [log_probability for _, log_probability in samples])


def best_of(
    candidates: Sequence[Candidate], score: Callable[[Candidate], float]
) -> tuple[Candidate, float]:
    """The candidate with the highest score, and the score; of equals, the first.

    Raises:
        ValueError: for no candidates, or a score that is no number.
    """
    if not candidates:
        raise ValueError("there are no candidates to choose from; give at least one")
    scores = [float(score(candidate)) for candidate in candidates]
    for candidate, value in zip(candidates, scores, strict=True):
        if value != value:
            raise ValueError(f"the score of {candidate!r} is not a number")
    best = max(range(len(scores)), key=scores.__getitem__)
    return candidates[best], scores[best]
