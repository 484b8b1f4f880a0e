"""Snapshots look at a model while it trains, and the run is the same without them."""

import random

import numpy as np
import pytest
import torch

from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.training.batches import WindowBatches
from llm_notes.training.callbacks import Evaluate
from llm_notes.training.callbacks.snapshots import Snapshot, Snapshots, log_steps
from llm_notes.training.trainer import Trainer, TrainingConfig


def noisy_model() -> GPT:
    """A model with dropout: its run depends on every global draw."""
    torch.manual_seed(0)
    return GPT(GPTConfig(7, 12, n_layers=2, n_heads=3, d_model=12, dropout=0.3))


def train(text_ids, callbacks, n_steps=20) -> GPT:
    model = noisy_model()
    torch.manual_seed(1)
    config = TrainingConfig(n_steps=n_steps, learning_rate=1e-2, n_warmup=2)
    Trainer(model, WindowBatches(text_ids, 4, 12), config, callbacks=callbacks).fit()
    return model


def careless_writer(model):
    """Draws from every global generator, as a careless writer would."""
    noise = random.random() + np.random.rand() + torch.rand(()).item()  # noqa: NPY002
    return f"{noise:.3f} {model.training}"


def snapshots(**more) -> Snapshots:
    return Snapshots(
        n_frames=6,
        evaluate=lambda model: model(torch.zeros(1, 5, dtype=torch.long)).std().item(),
        write=careless_writer,
        token_ids=torch.tensor([1, 2, 3, 4, 5]),
        matrix=lambda model: model.token_embedding.weight[:4, :6],
        **more,
    )


def test_the_run_is_the_same_bit_for_bit_with_and_without_snapshots(text_ids):
    plain = train(text_ids, [])
    watched = train(text_ids, [snapshots()])
    for name, weight in plain.state_dict().items():
        assert torch.equal(weight, watched.state_dict()[name]), name


def test_a_snapshot_holds_the_model_as_it_was(text_ids):
    taken = snapshots()
    model = train(text_ids, [taken])
    steps = [frame.step for frame in taken.frames]
    assert steps == log_steps(20, 6)
    first, last = taken.frames[0], taken.frames[-1]
    assert torch.equal(first.matrix, noisy_model().token_embedding.weight[:4, :6])
    assert torch.equal(last.matrix, model.token_embedding.weight[:4, :6])
    model.eval()
    with torch.no_grad():
        _, weights = model(torch.tensor([[1, 2, 3, 4, 5]]), return_weights=True)
    torch.testing.assert_close(last.attention, torch.stack(weights)[:, 0])
    assert last.attention.shape == (2, 3, 5, 5)
    assert first.train_loss is None
    assert last.train_loss is not None
    assert last.text.endswith("False")  # in evaluation mode


def test_a_look_of_another_callback_counts_at_its_step(text_ids):
    look = Evaluate(text_ids[500:], 12, every=4)
    taken = Snapshots(steps=[0, 3, 4])
    model = noisy_model()
    config = TrainingConfig(n_steps=8, learning_rate=1e-2, n_warmup=2)
    batches = WindowBatches(text_ids[:500], 4, 12)
    history = Trainer(model, batches, config, callbacks=[look, taken]).fit()
    found = {frame.step: frame.validation_loss for frame in taken.frames}
    expected = dict(zip(history.validation_steps, history.validation_loss, strict=True))
    assert found == {0: expected[0], 3: None, 4: expected[4], 8: expected[8]}


def test_steps_lie_ever_farther_apart():
    steps = log_steps(1000, 12)
    assert steps[:3] == [0, 1, 2]
    assert steps[-1] == 1000
    assert len(steps) in (11, 12)
    gaps = np.diff(steps)
    assert (np.diff(gaps) >= 0).all()
    assert log_steps(3, 50) == [0, 1, 2, 3]
    assert log_steps(9, 1) == [9]
    with pytest.raises(ValueError, match="n_frames is 0"):
        log_steps(9, 0)


def test_a_run_that_is_stopped_early_has_its_last_picture(text_ids):
    class Stop:
        def on_step(self, trainer):
            if trainer.step == 6:
                trainer.stop("enough")

    taken = Snapshots(steps=[0, 5], matrix=lambda model: model.token_embedding.weight)
    train(text_ids, [taken, Stop()])
    assert [frame.step for frame in taken.frames] == [0, 5, 6]


def test_frames_are_remembered_when_a_run_goes_on(text_ids):
    taken = snapshots()
    train(text_ids, [taken])
    again = snapshots()
    again.load_state_dict(taken.state_dict())
    assert [f.step for f in again.frames] == [f.step for f in taken.frames]
    assert isinstance(again.frames[0], Snapshot)
    assert torch.equal(again.frames[-1].attention, taken.frames[-1].attention)


def test_a_batch_is_no_fixed_text():
    with pytest.raises(ValueError, match="must be \\(T,\\), one text"):
        Snapshots(token_ids=torch.zeros(2, 3, dtype=torch.long))
