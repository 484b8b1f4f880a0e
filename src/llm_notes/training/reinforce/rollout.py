"""What a policy writes, and what it earns.

Sampling here is plain: no temperature, no filter, because the gradient needs the
probabilities with which tokens were drawn. Shapes: B answers, P prompt, T length.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.data.batching.padding import IGNORE
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.training.evaluating import evaluating
from llm_notes.training.losses.language import token_log_probs

# reward(prompt ids, answer ids without the end) -> how good the answer is.
Reward = Callable[[list[int], list[int]], float]


@dataclass(frozen=True)
class Rollout:
    """Prompts with the answers that were drawn for them.

    Args:
        inputs: (B, T) what the policy reads.
        targets: (B, T) what it has written next, its end included; IGNORE elsewhere.
        log_probs: (B, T) of the targets when they were drawn; 0 elsewhere.
        prompts, answers: their ids, the latter without the end.
    """

    inputs: Tensor
    targets: Tensor
    log_probs: Tensor
    prompts: list[list[int]]
    answers: list[list[int]]

    @property
    def mask(self) -> Tensor:
        """(B, T) boolean, True where the policy has written."""
        return self.targets != IGNORE


@torch.no_grad()
def roll_out(
    model: nn.Module,
    prompts: Tensor,
    n_new: int,
    eos_id: int | None = None,
    generator: torch.Generator | None = None,
) -> Rollout:
    """Let the model answer each prompt once.

    Args:
        model: a causal language model that takes a cache. It samples in evaluation
            mode: what dropout would change is not what it learns from.
        prompts: (B, P) of equal length; repeat a prompt for several answers.
        n_new: the most tokens of an answer.
        eos_id: ends an answer; None when all have `n_new` tokens.
        generator: draws the tokens.

    Raises:
        ValueError: when prompts are empty, or no token is wanted.
    """
    if prompts.dim() != 2 or not prompts.numel() or n_new < 1:
        raise ValueError(
            f"prompts have the shape {tuple(prompts.shape)} and n_new is {n_new}; "
            "prompts must be (B, P) and not empty, and n_new at least 1"
        )
    cache, read = KeyValueCache(), prompts
    ended = torch.zeros(len(prompts), dtype=torch.bool, device=prompts.device)
    written, log_probs = [], []
    with evaluating(model):
        for _ in range(n_new):
            logits = model(read, cache=cache)[:, -1]  # (B, V)
            drawn = torch.multinomial(logits.softmax(-1), 1, generator=generator)
            drawn = drawn.masked_fill(ended[:, None], IGNORE)
            written.append(drawn)
            log_probs.append(token_log_probs(logits, drawn[:, 0]))
            if eos_id is not None:
                ended = ended | (drawn[:, 0] == eos_id)
                if ended.all():
                    break
            read = drawn.clamp(min=0)  # after the end any id will do: it has no loss

    answers = torch.cat(written, dim=1)  # (B, N), IGNORE after the end
    before = (len(prompts), prompts.size(1) - 1)
    rows = [[t for t in row if t not in (IGNORE, eos_id)] for row in answers.tolist()]
    return Rollout(
        inputs=torch.cat([prompts, answers[:, :-1].clamp(min=0)], dim=1),
        targets=torch.cat([answers.new_full(before, IGNORE), answers], dim=1),
        log_probs=torch.cat(
            [log_probs[0].new_zeros(before), torch.stack(log_probs, dim=1)], dim=1
        ),
        prompts=prompts.tolist(),
        answers=rows,
    )


def score(rollout: Rollout, reward: Reward) -> Tensor:
    """(B,) rewards of the answers, float32.

    Raises:
        ValueError: when a reward is not a finite number.
    """
    pairs: Sequence = list(zip(rollout.prompts, rollout.answers, strict=True))
    rewards = torch.tensor(
        [float(reward(prompt, answer)) for prompt, answer in pairs],
        device=rollout.inputs.device,
    )
    if not rewards.isfinite().all():
        prompt, answer = pairs[int((~rewards.isfinite()).nonzero()[0])]
        raise ValueError(f"the reward of {answer} to {prompt} is not a finite number")
    return rewards
