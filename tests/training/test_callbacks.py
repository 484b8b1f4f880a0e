"""Callbacks look on: they note, show and stop, and do not change the run."""

import io
import math

import pytest
import torch

from llm_notes.data.batching import IGNORE
from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.training import progress as progress_module
from llm_notes.training.batches import WindowBatches
from llm_notes.training.callbacks import (
    EarlyStopping,
    Evaluate,
    EvaluateLoss,
    Samples,
    ShowCurves,
    ShowProgress,
    StopWhenDiverging,
)
from llm_notes.training.divergence import TrainingDivergedError
from llm_notes.training.evaluation import bits_per_byte, token_nats
from llm_notes.training.trainer import Trainer, TrainingConfig, next_token_loss
from llm_notes.viz.live import LiveFigure

CONFIG = TrainingConfig(n_steps=10, learning_rate=2e-2, n_warmup=2)


def make(model, text_ids, callbacks, config=CONFIG) -> Trainer:
    batches = WindowBatches(text_ids[:500], 5, 12)
    return Trainer(model, batches, config, callbacks=callbacks)


def test_looks_come_first_every_few_steps_and_last(model, text_ids):
    trainer = make(model, text_ids, [Evaluate(text_ids[500:], 12, every=4)])
    history = trainer.fit()
    assert history.validation_steps == [0, 4, 8, 10]
    expected = token_nats(model, text_ids[500:], 12).mean().item()
    assert history.validation_loss[-1] == expected
    assert history.bits_per_byte == []
    trainer.fit()  # nothing is left to do, and nothing is looked at twice
    assert history.validation_steps == [0, 4, 8, 10]


def test_bits_per_byte_are_those_of_the_evaluation():
    text = "añb" * 20
    tokenizer = CharacterTokenizer.train(text)
    torch.manual_seed(0)
    model = GPT(GPTConfig(tokenizer.vocab_size, 12, 1, 1, 4))
    ids = torch.tensor(tokenizer.encode(text))
    look = Evaluate.on_text(text, tokenizer, 12, every=3)
    history = Trainer(model, WindowBatches(ids, 2, 12), CONFIG, callbacks=[look]).fit()
    assert len(history.bits_per_byte) == len(history.validation_steps) == 5
    expected = bits_per_byte(model, tokenizer, text, 12)
    assert history.bits_per_byte[-1] == pytest.approx(expected, abs=1e-6)


def test_a_size_without_a_vocabulary_is_refused(text_ids):
    with pytest.raises(ValueError, match="give n_bytes and vocab_size, or neither"):
        Evaluate(text_ids, 12, n_bytes=5)


def test_losses_of_batches_are_weighed_by_their_targets(text_ids):
    torch.manual_seed(0)
    model = GPT(GPTConfig(7, 12, 1, 2, 8, dropout=0.5))
    batches = [
        (text_ids[:12].view(1, 12), text_ids[1:13].view(1, 12)),
        (text_ids[20:56].view(3, 12), text_ids[21:57].view(3, 12)),
    ]
    trainer = make(model, text_ids, [EvaluateLoss(batches, every=5)])
    history = trainer.fit()
    assert history.validation_steps == [0, 5, 10]
    assert model.training
    model.eval()
    with torch.no_grad():
        whole = tuple(torch.cat(pair) for pair in zip(*batches, strict=True))
        expected = next_token_loss(model, whole).item()
    assert history.validation_loss[-1] == pytest.approx(expected, abs=1e-5)
    with pytest.raises(ValueError, match="no held-out batches"):
        EvaluateLoss([])


def test_looking_on_does_not_change_the_run(text_ids):
    weights = []
    ids = text_ids[:12].view(1, 12)
    looks_at = Evaluate(text_ids[500:], 12, every=1), EvaluateLoss([(ids, ids)], 1)
    for look in (None, *looks_at):
        torch.manual_seed(0)
        model = GPT(GPTConfig(7, 12, 1, 2, 8, dropout=0.2))
        callbacks = [
            look,
            Samples(lambda m: str(m(ids).argmax().item()), every=1),
            ShowProgress(),
            ShowCurves(every=1),
            StopWhenDiverging(),
            EarlyStopping(patience=100, keep_best=False),
        ]
        history = make(model, text_ids, callbacks if look else []).fit()
        assert len(history.validation_loss) == (11 if look else 0)
        weights.append(torch.cat([p.flatten() for p in model.parameters()]))
    assert weights[0].equal(weights[1])
    assert weights[0].equal(weights[2])


def test_two_that_look_would_mix_their_losses(model, text_ids):
    first = Evaluate(text_ids[500:], 12, every=5)
    second = EvaluateLoss([(text_ids[None, :12], text_ids[None, 1:13])], every=3)
    with pytest.raises(ValueError, match="Evaluate and EvaluateLoss would write into"):
        make(model, text_ids, [first, second]).fit()


def test_held_out_batches_without_targets_count_for_nothing(model, text_ids):
    x, y = text_ids[None, :12], text_ids[None, 1:13]
    empty = (x, torch.full_like(x, IGNORE))
    histories = [
        make(
            model, text_ids, [EvaluateLoss(held_out)], TrainingConfig(1, 1e-9, 0)
        ).fit()
        for held_out in ([(x, y)], [(x, y), empty])
    ]
    losses = [history.validation_loss for history in histories]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    with pytest.raises(ValueError, match="no target of the held-out batches counts"):
        make(model, text_ids, [EvaluateLoss([empty])]).fit()


def test_curves_are_drawn_while_the_run_goes_on(model, text_ids, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        LiveFigure, "show_training", lambda self, *args: drawn.append(args)
    )
    look = Evaluate(text_ids[500:], 12, every=5)
    curves = ShowCurves(every=4, bytes_per_token=2.0)
    history = make(model, text_ids, [look, curves]).fit()
    assert len(drawn) == 3  # after steps 4, 8 and 10
    assert drawn[-1] == (
        history.train_loss,
        history.validation_steps,
        history.validation_loss,
        2.0,
    )


def test_samples_come_in_evaluation_mode_and_are_shown(model, text_ids):
    shown, modes = [], []

    def write(model):
        modes.append(model.training)
        return f"text {len(modes)}"

    samples = Samples(write, every=4, show=lambda *pair: shown.append(pair))
    make(model, text_ids, [samples]).fit()
    expected = [(0, "text 1"), (4, "text 2"), (8, "text 3"), (10, "text 4")]
    assert samples.texts == shown == expected
    assert not any(modes) and model.training
    other = Samples(write)
    other.load_state_dict(samples.state_dict())
    assert other.texts == samples.texts


def test_the_line_says_loss_and_speed(model, text_ids, monkeypatch):
    pipe, now = io.StringIO(), [100.0]
    monkeypatch.setattr(progress_module.sys, "stderr", pipe)
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])

    class Clock:
        def on_step(self, trainer):
            now[0] += 2.0

    callbacks = [Evaluate(text_ids[500:], 12), Clock(), ShowProgress()]
    history = make(model, text_ids, callbacks).fit()
    loss, held_out = history.train_loss[-1], history.validation_loss[-1]
    assert pipe.getvalue() == (
        f"step 10/10 · loss {loss:.3f} · validation {held_out:.3f} · "
        "30 tokens/s · done in 20 s\n"
    )


def test_the_line_of_a_run_that_goes_on_counts_its_own_steps(
    model, text_ids, monkeypatch
):
    pipe, now = io.StringIO(), [100.0]
    pipe.isatty = lambda: True
    monkeypatch.setattr(progress_module.sys, "stderr", pipe)
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])

    class Clock:
        def on_step(self, trainer):
            now[0] += 2.0
            if trainer.step == 6:
                trainer.stop("enough")

    trainer = make(model, text_ids, [Clock(), ShowProgress()])
    trainer.fit()
    assert "step 6/10" in pipe.getvalue() and "stopped after 12 s" in pipe.getvalue()
    pipe.truncate(0)
    trainer.fit()
    lines = pipe.getvalue().split("\r")
    assert "step 7/10" in lines[1]
    assert "30 tokens/s · 6 s left" in lines[1]


def fake_run(model, text_ids, losses, callback):
    """A run whose held-out losses are given, with weights that tell the step."""
    trainer = make(model, text_ids, [], TrainingConfig(100, 2e-2, 0))
    for step, loss in enumerate(losses):
        trainer.step = step
        model.final_norm.bias.data.fill_(step)
        trainer.history.validation_steps.append(step)
        trainer.history.validation_loss.append(loss)
        callback.on_step(trainer)
        if trainer.stopped:
            break
    return trainer


def test_a_run_without_gain_stops_and_its_best_weights_come_back(model, text_ids):
    stopping = EarlyStopping(patience=2, min_delta=0.1)
    losses = [3.0, 2.0, 1.95, 1.8, 1.75, 1.71, 1.0]
    trainer = fake_run(model, text_ids, losses, stopping)
    assert trainer.step == 5
    assert "no better than 1.800 of step 3 in 2 looks" in trainer.stopped
    stopping.on_end(trainer)
    assert model.final_norm.bias.tolist() == [3.0] * 8


def test_early_stopping_remembers_across_a_restart(model, text_ids):
    first = EarlyStopping(patience=2)
    fake_run(model, text_ids, [3.0, 2.0, 2.5], first)
    second = EarlyStopping(patience=2)
    second.load_state_dict(first.state_dict())
    assert (second.best_step, second.best_loss) == (1, 2.0)
    trainer = make(model, text_ids, [])
    second.on_end(trainer)
    assert model.final_norm.bias.tolist() == [1.0] * 8


def test_steps_without_a_look_do_not_count_as_worse(model, text_ids):
    stopping = EarlyStopping(patience=2, keep_best=False)
    trainer = fake_run(model, text_ids, [3.0, 3.5], stopping)
    for step in range(2, 9):
        trainer.step = step
        stopping.on_step(trainer)
    assert trainer.stopped is None
    before = model.final_norm.bias.clone()
    stopping.on_end(trainer)
    assert model.final_norm.bias.equal(before)


def watch_losses(model, text_ids, losses, guard):
    trainer = make(model, text_ids, [])
    for loss in losses:
        trainer.step += 1
        trainer.history.train_loss.append(loss)
        guard.on_step(trainer)


def test_a_loss_that_stays_high_ends_the_run_and_names_the_step(model, text_ids):
    guard = StopWhenDiverging(factor=2.0, window=5, patience=3)
    match = r"step 6: since then .* above 2.000; it was 1.000 before, and now is 9"
    with pytest.raises(TrainingDivergedError, match=match):
        watch_losses(model, text_ids, [1.0] * 6 + [4.0, 8.0, 9.0], guard)


def test_losses_below_zero_diverge_by_the_same_distance(model, text_ids):
    guard = StopWhenDiverging(factor=2.0, window=5, patience=3)
    watch_losses(model, text_ids, [-1.0] * 30, guard)
    with pytest.raises(TrainingDivergedError, match=r"above 0\.000; it was -1\.000"):
        watch_losses(model, text_ids, [0.5] * 3, guard)


def test_a_spike_is_borne(model, text_ids):
    guard = StopWhenDiverging(factor=2.0, window=5, patience=3)
    watch_losses(model, text_ids, ([1.0] * 6 + [4.0, 8.0]) * 3, guard)


def test_a_slow_rise_or_a_wild_start_is_no_divergence(model, text_ids):
    guard = StopWhenDiverging(factor=2.0, window=5, patience=2)
    watch_losses(model, text_ids, [1.0, 9.0, 9.0, 9.0, 9.0], guard)
    guard = StopWhenDiverging(factor=2.0, window=5, patience=2)
    watch_losses(model, text_ids, [math.exp(i / 20) for i in range(99)], guard)


def test_the_guard_remembers_across_a_restart(model, text_ids):
    first = StopWhenDiverging(factor=2.0, window=5, patience=3)
    watch_losses(model, text_ids, [1.0] * 6 + [4.0, 8.0], first)
    second = StopWhenDiverging(factor=2.0, window=5, patience=3)
    second.load_state_dict(first.state_dict())
    with pytest.raises(TrainingDivergedError):
        watch_losses(model, text_ids, [9.0], second)


@pytest.mark.parametrize(
    "make_callback",
    [
        lambda: Evaluate(torch.zeros(9), 4, every=0),
        lambda: Samples(str, every=0),
        lambda: EarlyStopping(patience=0),
        lambda: StopWhenDiverging(window=0),
        lambda: StopWhenDiverging(factor=1.0),
    ],
)
def test_impossible_callbacks_are_refused(make_callback):
    with pytest.raises(ValueError, match=r"at least 1|above 1"):
        make_callback()
