"""Learning from preferences: a reward model, and DPO, which needs none.

`batches` turns pairs of answers into tensors; `reward_model` and `dpo` give losses for
the `Trainer`. The formulas are in `losses.preference`.
"""

from llm_notes.training.preference.batches import (
    EncodedPair,
    collate_pairs_of_answers,
    encode_preferences,
)
from llm_notes.training.preference.dpo import DPOLoss, answer_log_probs, dpo_accuracy
from llm_notes.training.preference.reward_model import (
    RewardModel,
    pairwise_reward_loss,
    reward_accuracy,
)

__all__ = [
    "DPOLoss",
    "EncodedPair",
    "RewardModel",
    "answer_log_probs",
    "collate_pairs_of_answers",
    "dpo_accuracy",
    "encode_preferences",
    "pairwise_reward_loss",
    "reward_accuracy",
]
