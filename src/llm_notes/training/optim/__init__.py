"""Optimisers, written from their formulas: gradients in, better weights out.

Each rule has its module and is equal to PyTorch's where PyTorch has it: `sgd`, `adam`
(Adam and AdamW), `lion`, `muon`. `combined` lets several rules work as one optimiser,
`groups` says which parameters go where, `clipping` bounds gradients. All of them are
`torch.optim.Optimizer`s, so `state_dict` and schedules work as usual.
"""

from llm_notes.training.optim.adam import Adam, AdamW
from llm_notes.training.optim.clipping import clip_by_norm, clip_by_value
from llm_notes.training.optim.combined import CombinedOptimizer, muon_with_adamw
from llm_notes.training.optim.groups import hidden_matrices, parameter_groups
from llm_notes.training.optim.lion import Lion
from llm_notes.training.optim.muon import Muon, orthogonalise
from llm_notes.training.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "CombinedOptimizer",
    "Lion",
    "Muon",
    "clip_by_norm",
    "clip_by_value",
    "hidden_matrices",
    "muon_with_adamw",
    "orthogonalise",
    "parameter_groups",
]
