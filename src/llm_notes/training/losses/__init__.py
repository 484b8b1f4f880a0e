"""Training objectives: tensors in, one number out.

`language` has what models of text learn from (causal, masked, span corruption),
`contrastive` sentence vectors, `distillation` a student, `preference` reward models and
DPO, `ppo` and `grpo` policies. No function here knows a model, an optimiser or a text.
"""

from llm_notes.training.losses.contrastive import info_nce
from llm_notes.training.losses.distillation import (
    distillation_loss,
    forward_kl,
    reverse_kl,
)
from llm_notes.training.losses.grpo import group_advantages, grpo_loss, kl_estimate
from llm_notes.training.losses.language import (
    causal_lm_loss,
    cross_entropy,
    masked_lm_loss,
    span_corruption_loss,
    token_log_probs,
)
from llm_notes.training.losses.masked import masked_mean
from llm_notes.training.losses.ppo import (
    entropy,
    generalised_advantages,
    ppo_policy_loss,
    ppo_value_loss,
)
from llm_notes.training.losses.preference import (
    dpo_loss,
    dpo_margins,
    reward_model_loss,
    sequence_log_probs,
)

__all__ = [
    "causal_lm_loss",
    "cross_entropy",
    "distillation_loss",
    "dpo_loss",
    "dpo_margins",
    "entropy",
    "forward_kl",
    "generalised_advantages",
    "group_advantages",
    "grpo_loss",
    "info_nce",
    "kl_estimate",
    "masked_lm_loss",
    "masked_mean",
    "ppo_policy_loss",
    "ppo_value_loss",
    "reverse_kl",
    "reward_model_loss",
    "sequence_log_probs",
    "span_corruption_loss",
    "token_log_probs",
]
