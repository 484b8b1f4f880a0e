"""A plain recipe and a fast one, for the same text, tokens, layers and width.

The plain one is GPT-2's: learned positions, GELU, AdamW, warm-up and a cosine. The fast
one changes what makes short runs learn more in a second: the n-grams and the other
parts of `NgramGPT`, Muon for the hidden matrices, a rate for each kind of parameter,
smaller batches, and a rate that falls in a line to zero. `benchmarks/recipe_race.py`
measures both.
"""

import torch
from torch import Tensor

from llm_notes import runtime
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.ngram_gpt import NgramGPT, NgramGPTConfig
from llm_notes.training.batches import WindowBatches
from llm_notes.training.config import TrainingConfig
from llm_notes.training.optim import CombinedOptimizer, Muon, hidden_matrices
from llm_notes.training.trainer import Trainer

CONTEXT_LENGTH = 128
SHAPE = {"n_layers": 4, "n_heads": 4, "d_model": 128}


def plain_trainer(
    train_ids: Tensor,
    vocab_size: int,
    n_steps: int,
    learning_rate: float = 4e-3,
    seed: int = 0,
) -> Trainer:
    """A GPT-2 and its usual training (Radford et al. 2019; Brown et al. 2020).

    Args:
        train_ids: (N,) the text.
        vocab_size: V.
        n_steps: the cosine falls to a tenth of the rate in so many steps.
        learning_rate: of AdamW.
        seed: of the weights and of the windows.
    """
    runtime.seed_everything(seed)
    model = GPT(GPTConfig(vocab_size, CONTEXT_LENGTH, **SHAPE))
    config = TrainingConfig(
        n_steps=n_steps,
        learning_rate=learning_rate,
        n_warmup=min(100, n_steps // 5),
        final_learning_rate=learning_rate / 10,
        betas=(0.9, 0.99),
    )
    batches = WindowBatches(train_ids, 16, CONTEXT_LENGTH, seed)
    return Trainer(model.to(runtime.best_device()), batches, config)


def fast_trainer(
    train_ids: Tensor,
    vocab_size: int,
    n_steps: int,
    seed: int = 0,
    orders: tuple[int, ...] = (2, 3, 4, 5, 6),
) -> Trainer:
    """An n-gram GPT of the same layers and width, and its training.

    Args:
        train_ids: (N,) the text.
        vocab_size: V.
        n_steps: the rate falls to zero in so many steps.
        seed: of the weights and of the windows.
        orders: lengths of the n-grams that have a table.
    """
    runtime.seed_everything(seed)
    sizes = NgramGPTConfig(vocab_size, CONTEXT_LENGTH, **SHAPE, orders=orders)
    model = NgramGPT(sizes)
    config = TrainingConfig(
        n_steps=n_steps,
        learning_rate=0.02,
        n_warmup=min(10, n_steps // 5),
        schedule="warmup_linear",
        max_grad_norm=float("inf"),  # Muon's steps have one length anyway
    )
    return Trainer(
        model.to(runtime.best_device()),
        WindowBatches(train_ids, 8, CONTEXT_LENGTH, seed),
        config,
        optimizer=ngram_gpt_optimizer,
    )


def ngram_gpt_optimizer(model: NgramGPT) -> torch.optim.Optimizer:
    """Muon for the hidden matrices, AdamW with two rates for all the rest.

    Tables are read in a few rows at a time and move at the rate of the matrices; the
    head, which all tokens share, takes half of it. Rates are those of the peak.
    """
    hidden, _ = hidden_matrices(model, weight_decay=0.1)
    chosen = {id(p) for group in hidden for p in group["params"]}
    head = list(model.head.parameters())
    chosen |= {id(p) for p in head}
    others = [p for p in model.parameters() if id(p) not in chosen]
    adamw = torch.optim.AdamW(
        [{"params": others, "lr": 0.02}, {"params": head, "lr": 0.01}],
        betas=(0.9, 0.99),
        weight_decay=0.0,
        fused=True,
    )
    muon = Muon(hidden, lr=0.02, momentum=0.9, adjust_lr_fn="original")
    return CombinedOptimizer([muon, adamw])
