"""A reward model: a language model that says how good an answer is, in one number."""

import torch
from torch import Tensor, nn

from llm_notes.models.hidden import logits_and_hidden
from llm_notes.training.evaluating import evaluating
from llm_notes.training.losses.preference import reward_model_loss


class RewardModel(nn.Module):
    r"""A backbone with a scalar head (Ouyang et al. 2022, section 3.5).

    $$r(x, y) = w^\top h_T$$

    where h_T is the backbone's last vector at the last real token, which has seen the
    whole answer. The head begins at zero: all answers are equally good.

    Args:
        backbone: a causal language model with a `final_norm` and a `config.d_model`.
            It is trained too; freeze it, or adapt it with LoRA, to train less.
    """

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.reward_head = nn.Linear(backbone.config.d_model, 1, bias=False)
        nn.init.zeros_(self.reward_head.weight)

    def forward(self, token_ids: Tensor, lengths: Tensor) -> Tensor:
        """Rewards of whole answers.

        Args:
            token_ids: (B, T) prompts and answers, padded on the right.
            lengths: (B,) the number of real ids of each row.

        Returns:
            (B,).

        Raises:
            ValueError: when a length is not between 1 and T.
        """
        n_ids = token_ids.size(1)
        if int(lengths.min()) < 1 or int(lengths.max()) > n_ids:
            raise ValueError(
                f"lengths go from {int(lengths.min())} to {int(lengths.max())}; they "
                f"must lie between 1 and {n_ids}"
            )
        _, hidden = logits_and_hidden(self.backbone, token_ids)  # (B, T, D)
        rows = torch.arange(len(token_ids), device=token_ids.device)
        return self.reward_head(hidden[rows, lengths - 1]).squeeze(-1)


def pair_rewards(model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Rewards of the better and of the worse answers, (B,) each, in one pass."""
    rewards = model(
        torch.cat([batch["chosen_ids"], batch["rejected_ids"]]),
        torch.cat([batch["chosen_length"], batch["rejected_length"]]),
    )
    return tuple(rewards.chunk(2))


def pairwise_reward_loss(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """A loss for the `Trainer`, with batches of `collate_pairs_of_answers`.

    The mean over pairs of `losses.reward_model_loss`; a "margin" (B,) in the batch is
    taken into account.
    """
    return reward_model_loss(*pair_rewards(model, batch), batch.get("margin", 0.0))


@torch.no_grad()
def reward_accuracy(model: nn.Module, batch: dict[str, Tensor]) -> float:
    """The share of pairs whose better answer has the higher reward."""
    with evaluating(model):
        chosen, rejected = pair_rewards(model, batch)
    return (chosen > rejected).float().mean().item()
