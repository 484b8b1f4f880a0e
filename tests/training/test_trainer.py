"""The trainer learns, repeats bit for bit, and names the step that went wrong."""

import math

import pytest
import torch

from llm_notes.models.gpt import GPT
from llm_notes.training.schedule import warmup_cosine
from llm_notes.training.trainer import (
    Trainer,
    TrainingConfig,
    TrainingDivergedError,
    adamw,
)

CONFIG = TrainingConfig(
    n_steps=60,
    batch_size=5,
    context_length=12,
    learning_rate=2e-2,
    n_warmup=6,
    eval_every=25,
)


def test_training_gets_close_to_the_entropy_of_the_text(model, text_ids):
    history = Trainer(model, text_ids[:500], text_ids[500:], CONFIG).fit()
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert history.validation_loss[0] == pytest.approx(math.log(7), abs=0.1)
    assert entropy - 0.15 < history.validation_loss[-1] < entropy + 0.35


def test_history_has_one_entry_for_each_step(model, text_ids):
    history = Trainer(model, text_ids[:500], text_ids[500:], CONFIG).fit()
    assert len(history.train_loss) == len(history.gradient_norm) == 60
    assert history.learning_rate == [
        warmup_cosine(step, 60, 6, 2e-2) for step in range(60)
    ]
    assert history.validation_steps == [0, 25, 50, 60]
    assert len(history.validation_loss) == 4
    assert history.seconds > 0


def test_same_seed_gives_the_same_weights_bit_for_bit(text_ids):
    weights = []
    for _ in range(2):
        torch.manual_seed(0)
        model = GPT_like(text_ids)
        Trainer(model, text_ids[:500], text_ids[500:], CONFIG).fit()
        weights.append(torch.cat([p.flatten() for p in model.parameters()]))
    assert weights[0].equal(weights[1])


def GPT_like(text_ids: torch.Tensor) -> GPT:
    from llm_notes.models.gpt import GPTConfig

    return GPT(GPTConfig(int(text_ids.max()) + 1, 12, 1, 2, 8))


def test_one_step_equals_pytorch_written_out(model, text_ids):
    trainer = Trainer(model, text_ids[:500], text_ids[500:], CONFIG)
    twin = GPT(model.config)
    twin.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in twin.parameters() if p.dim() >= 2]},
            {"params": [p for p in twin.parameters() if p.dim() < 2]},
        ],
        lr=CONFIG.learning_rate / CONFIG.n_warmup,  # the first of the warm-up
        betas=CONFIG.betas,
    )
    optimizer.param_groups[0]["weight_decay"] = CONFIG.weight_decay
    optimizer.param_groups[1]["weight_decay"] = 0.0
    x, y = text_ids[:24].view(2, 12), text_ids[1:25].view(2, 12)
    loss = torch.nn.functional.cross_entropy(twin(x).transpose(1, 2), y)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(twin.parameters(), CONFIG.max_grad_norm)
    optimizer.step()

    assert trainer.train_step(x, y) == pytest.approx(loss.item(), abs=1e-5)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_callbacks_see_the_run_at_every_evaluation(model, text_ids):
    seen = []
    trainer = Trainer(
        model,
        text_ids[:500],
        text_ids[500:],
        CONFIG,
        callbacks=[lambda t: seen.append((t.step, len(t.history.validation_loss)))],
    )
    trainer.fit()
    assert seen == [(0, 1), (25, 2), (50, 3), (60, 4)]


def test_divergence_names_the_step_and_keeps_the_weights_before_it(model, text_ids):
    trainer = Trainer(model, text_ids[:500], text_ids[500:], CONFIG)
    x, y = text_ids[:24].view(2, 12), text_ids[1:25].view(2, 12)
    trainer.train_step(x, y)
    model.final_norm.weight.data[0] = math.inf
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(TrainingDivergedError, match=r"step 1: .* learning rate"):
        trainer.train_step(x, y)
    for old, new in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(old, new, atol=0, rtol=0)


def test_weight_decay_spares_gains_and_biases(model):
    decayed, spared = adamw(model, CONFIG).param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
    assert all(p.dim() >= 2 for p in decayed["params"])
    assert all(p.dim() == 1 for p in spared["params"])
    n_grouped = len(decayed["params"]) + len(spared["params"])
    assert n_grouped == len(list(model.parameters()))


def test_text_shorter_than_a_window_is_refused(model, text_ids):
    with pytest.raises(ValueError, match="12"):
        Trainer(model, text_ids[:12], text_ids[500:], CONFIG).fit()
