"""Reinforcement learning from rewards that can be checked.

`rollout` lets the policy write, `grpo` and `ppo` make what was rewarded likelier by
steps of `update`. The formulas are in `losses.grpo` and `losses.ppo`. A reward is any
function of token ids.
"""

from llm_notes.training.reinforce.grpo import GRPO, GRPOConfig
from llm_notes.training.reinforce.ppo import PPO, ActorCritic, PPOConfig
from llm_notes.training.reinforce.rollout import Rollout, roll_out, score
from llm_notes.training.reinforce.update import Round

__all__ = [
    "GRPO",
    "PPO",
    "ActorCritic",
    "GRPOConfig",
    "PPOConfig",
    "Rollout",
    "Round",
    "roll_out",
    "score",
]
