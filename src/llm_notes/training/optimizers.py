"""The optimisers that a run can ask for by name, made for a model from the settings.

All of them decay matrices and spare vectors: gains and biases set a scale, and pulling
them to zero would remove it; a matrix that shrinks only says less.
"""

import torch
from torch import nn

from llm_notes.training import optim
from llm_notes.training.config import TrainingConfig

MOMENTUM = 0.9  # of SGD; Muon's own default is 0.95


def adamw(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """PyTorch's AdamW (Loshchilov & Hutter 2019), one fused call for all tensors."""
    groups = optim.parameter_groups(model, config.weight_decay)
    return torch.optim.AdamW(
        groups, lr=config.learning_rate, betas=config.betas, fused=True
    )


def adam(model: nn.Module, config: TrainingConfig) -> optim.Adam:
    """Adam (Kingma & Ba 2015): the decay goes through the averages."""
    groups = optim.parameter_groups(model, config.weight_decay)
    return optim.Adam(groups, lr=config.learning_rate, betas=config.betas)


def lion(model: nn.Module, config: TrainingConfig) -> optim.Lion:
    """Lion (Chen et al. 2023); it wants a tenth of AdamW's rate."""
    groups = optim.parameter_groups(model, config.weight_decay)
    return optim.Lion(groups, lr=config.learning_rate, betas=config.betas)


def muon(model: nn.Module, config: TrainingConfig) -> optim.CombinedOptimizer:
    """Muon (Jordan et al. 2024) for hidden matrices, AdamW for the rest."""
    return optim.muon_with_adamw(
        model,
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        betas=config.betas,
    )


def sgd(model: nn.Module, config: TrainingConfig) -> optim.SGD:
    """Stochastic gradient descent with momentum; it wants a hundred times the rate."""
    groups = optim.parameter_groups(model, config.weight_decay)
    return optim.SGD(groups, lr=config.learning_rate, momentum=MOMENTUM)
