"""The trainer learns, repeats bit for bit, and names the step that went wrong."""

import copy
import math
from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import nn

from llm_notes.data.batching import IGNORE
from llm_notes.data.batching.padding import TensorBatch
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel
from llm_notes.models.transformer import Transformer, TransformerConfig
from llm_notes.training import optimizers
from llm_notes.training.activations import forget_activations
from llm_notes.training.batches import ListBatches, WindowBatches
from llm_notes.training.blocks import blocks_of
from llm_notes.training.callbacks import Evaluate
from llm_notes.training.schedule import warmup_cosine
from llm_notes.training.trainer import (
    Trainer,
    TrainingConfig,
    TrainingDivergedError,
    next_token_loss,
)

CONFIG = TrainingConfig(n_steps=60, learning_rate=2e-2, n_warmup=6)


def make(model, text_ids, config=CONFIG, **options) -> Trainer:
    return Trainer(model, WindowBatches(text_ids[:500], 5, 12), config, **options)


def vector(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.fixture
def batch(text_ids):
    """Seven windows with very different numbers of targets, one of them with none."""
    x, y = text_ids[:84].view(7, 12), text_ids[1:85].view(7, 12).clone()
    for row, length in zip(y, (12, 1, 0, 7, 3, 12, 2), strict=True):
        row[length:] = IGNORE
    return x, y


def test_training_gets_close_to_the_entropy_of_the_text(model, text_ids):
    look = Evaluate(text_ids[500:], 12, every=25)
    history = make(model, text_ids, callbacks=[look]).fit()
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert history.validation_loss[0] == pytest.approx(math.log(7), abs=0.1)
    assert entropy - 0.15 < history.validation_loss[-1] < entropy + 0.35
    assert model.training


def test_history_has_one_entry_for_each_step(model, text_ids):
    history = make(model, text_ids).fit()
    assert len(history.train_loss) == len(history.gradient_norm) == 60
    assert history.learning_rate == [
        warmup_cosine(step, 60, 6, 2e-2) for step in range(60)
    ]
    assert history.targets == 60 * 5 * 12
    assert history.seconds > 0
    assert history.tokens_per_second == history.targets / history.seconds


def test_same_seed_gives_the_same_weights_bit_for_bit(model, text_ids):
    twin = copy.deepcopy(model)
    make(model, text_ids).fit()
    make(twin, text_ids).fit()
    assert vector(model).equal(vector(twin))


def test_one_step_equals_pytorch_written_out(model, text_ids):
    config = TrainingConfig(60, 2e-2, 6, max_grad_norm=0.1)
    trainer = make(model, text_ids, config)
    twin = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in twin.parameters() if p.dim() >= 2]},
            {"params": [p for p in twin.parameters() if p.dim() < 2]},
        ],
        lr=config.learning_rate / config.n_warmup,  # the first of the warm-up
        betas=config.betas,
    )
    optimizer.param_groups[0]["weight_decay"] = config.weight_decay
    optimizer.param_groups[1]["weight_decay"] = 0.0
    x, y = text_ids[:24].view(2, 12), text_ids[1:25].view(2, 12)
    for _ in range(2):  # twice: forgotten gradients would be added up
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(twin(x).transpose(1, 2), y)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(twin.parameters(), config.max_grad_norm)
        optimizer.step()
        optimizer.param_groups[0]["lr"] = optimizer.param_groups[1]["lr"] = 2e-2 / 3
        assert trainer.train_step((x, y)) == pytest.approx(loss.item(), abs=1e-5)
        assert trainer.history.gradient_norm[-1] == pytest.approx(norm.item(), abs=1e-5)
    torch.testing.assert_close(vector(model), vector(twin), atol=1e-5, rtol=0)


@pytest.mark.parametrize("accumulation", [2, 3, 7, 50])
def test_parts_with_unequal_targets_give_the_step_of_the_whole(
    model, text_ids, batch, accumulation
):
    twin = copy.deepcopy(model)
    whole = make(model, text_ids, optimizer=torch.optim.SGD(model.parameters(), 0.5))
    config = TrainingConfig(60, 2e-2, 6, accumulation=accumulation)
    optimizer = torch.optim.SGD(twin.parameters(), 0.5)
    parts = make(twin, text_ids, config, optimizer=optimizer)
    assert parts.train_step(batch) == pytest.approx(whole.train_step(batch), abs=1e-6)
    torch.testing.assert_close(vector(model), vector(twin), atol=1e-6, rtol=0)
    assert parts.history.targets == whole.history.targets == 37


def test_examples_weigh_alike_for_other_losses(model, text_ids):
    """Without a count of its own, a loss is a mean over examples."""

    def loss(model, batch):
        return model(batch["ids"]).square().mean()

    twin = copy.deepcopy(model)
    ids = {"ids": text_ids[:60].view(5, 12)}
    for one, accumulation in ((model, 1), (twin, 3)):
        config = TrainingConfig(60, 2e-2, 6, accumulation=accumulation)
        optimizer = torch.optim.SGD(one.parameters(), 0.5)
        make(one, text_ids, config, loss=loss, optimizer=optimizer).train_step(ids)
    torch.testing.assert_close(vector(model), vector(twin), atol=1e-6, rtol=0)


def test_a_batch_without_targets_costs_nothing(model, text_ids):
    x = text_ids[:12].view(1, 12)
    assert next_token_loss(model, (x, torch.full_like(x, IGNORE))) == 0


def test_groups_keep_the_ratio_of_their_rates(model, text_ids):
    slow, fast = list(model.parameters())[:3], list(model.parameters())[3:]
    optimizer = torch.optim.SGD(
        [{"params": slow, "lr": 0.1}, {"params": fast, "lr": 0.4}]
    )
    config = TrainingConfig(n_steps=4, learning_rate=0.2, n_warmup=2)
    make(model, text_ids, config, optimizer=optimizer).fit()
    last = warmup_cosine(3, 4, 2, 0.2)
    rates = [group["lr"] for group in optimizer.param_groups]
    assert rates == pytest.approx([last / 2, last * 2])


def test_a_second_run_has_the_rates_of_the_first(model, text_ids):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    config = TrainingConfig(4, 0.2, 1, final_learning_rate=0.001)
    histories = [
        make(model, text_ids, config, optimizer=optimizer).fit() for _ in range(2)
    ]
    last = warmup_cosine(3, 4, 1, 0.2, 0.001)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(last)
    assert histories[0].learning_rate == histories[1].learning_rate


def test_an_endless_gradient_without_clipping_is_named_where_it_began(model, text_ids):
    def steep(model, batch):
        return next_token_loss(model, batch) + math.inf * model.final_norm.bias.sum()

    config = TrainingConfig(4, 0.2, 1, max_grad_norm=math.inf)
    trainer = make(model, text_ids, config, loss=steep)
    with pytest.raises(TrainingDivergedError, match=r"gradients .*: final_norm.bias\."):
        trainer.train_step(trainer.batches.next_batch())


@dataclass(frozen=True)
class Windows(TensorBatch):
    x: torch.Tensor
    y: torch.Tensor


def test_batches_of_the_data_package_are_batches(model, text_ids):
    def loss_of_windows(model, windows):
        return next_token_loss(model, (windows.x, windows.y))

    config = TrainingConfig(3, 2e-2, 1, accumulation=2)
    weights = []
    for kind, loss in ((lambda *xy: xy, next_token_loss), (Windows, loss_of_windows)):
        torch.manual_seed(0)
        model = GPT(GPTConfig(7, 12, 1, 2, 8))

        def collate(rows, kind=kind):
            x = torch.stack(rows)
            return kind(x[:, :-1], x[:, 1:])

        windows = list(text_ids[: 13 * 8].view(8, 13))
        Trainer(model, ListBatches(windows, 4, collate), config, loss=loss).fit()
        weights.append(vector(model))
    torch.testing.assert_close(weights[0], weights[1], atol=1e-6, rtol=0)


def test_blocks_of_encoder_and_decoder_are_forgotten_alike():
    gradients = []
    for forgets in (False, True):
        torch.manual_seed(0)
        model = Transformer(TransformerConfig(9, 12, 2, 2, 8, 16, dropout=0.2))
        assert len(blocks_of(model)) == 4
        if forgets:
            forget_activations(model)
        ids = torch.tensor([[3, 1, 2, 4]])
        model(ids, ids).square().sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert gradients[0].equal(gradients[1])


def test_checkpointing_changes_neither_gradients_nor_names(text_ids):
    models, counts = [], []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        model = GPT(GPTConfig(7, 12, n_layers=2, n_heads=2, d_model=8, dropout=0.2))
        config = TrainingConfig(5, 2e-2, 1, checkpointing=checkpointing)
        trainer = make(model, text_ids, config)
        calls = []
        model.blocks[0].attention.register_forward_hook(lambda *_, c=calls: c.append(1))
        trainer.fit()
        models.append(model)
        counts.append(len(calls))
    assert vector(models[0]).equal(vector(models[1]))
    assert models[0].state_dict().keys() == models[1].state_dict().keys()
    assert counts == [5, 10]  # computed again in each backward pass


def test_a_second_trainer_does_not_checkpoint_twice(model, text_ids):
    config = TrainingConfig(1, 2e-2, 0, checkpointing=True)
    make(model, text_ids, config)
    once = model.blocks[0].forward
    make(model, text_ids, config)
    assert model.blocks[0].forward is once


def test_checkpointing_is_refused_for_a_model_without_blocks(text_ids):
    model = RNNLanguageModel(RNNConfig(7, 8))
    with pytest.raises(ValueError, match="RNNLanguageModel has none; switch it off"):
        make(model, text_ids, TrainingConfig(1, 0.1, 0, checkpointing=True))


def test_bfloat16_rounds_products_and_keeps_weights_in_float32(model, text_ids):
    kinds = []
    model.blocks[0].feed_forward.register_forward_hook(
        lambda module, inputs, output: kinds.append(output.dtype)
    )
    trainer = make(model, text_ids, TrainingConfig(60, 2e-2, 6, dtype="bfloat16"))
    history = trainer.fit()
    assert set(kinds) == {torch.bfloat16}
    assert vector(model).dtype == torch.float32
    assert history.train_loss[-1] < 1.0
    assert not trainer.scaler.is_enabled()


def test_float16_leaves_out_a_step_that_overflows(model, text_ids):
    trainer = make(model, text_ids, TrainingConfig(60, 2e-2, 6, dtype="float16"))
    trainer.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    before = vector(model)
    batch = trainer.batches.next_batch()
    trainer.train_step(batch)
    assert vector(model).equal(before)
    assert not math.isfinite(trainer.history.gradient_norm[0])
    assert trainer.scaler.get_scale() == 2.0**39


def test_float16_unscales_before_it_clips(model, text_ids):
    twin = copy.deepcopy(model)
    for one, dtype in ((model, "float16"), (twin, "float32")):
        config = TrainingConfig(60, 2e-2, 6, dtype=dtype, max_grad_norm=0.1)
        optimizer = torch.optim.SGD(one.parameters(), 2e-2)
        trainer = make(one, text_ids, config, optimizer=optimizer)
        trainer.train_step(trainer.batches.next_batch())
    torch.testing.assert_close(vector(model), vector(twin), atol=2e-5, rtol=0)
    assert not vector(model).equal(vector(twin))


def test_float16_that_overflows_at_the_smallest_scale_has_diverged(model, text_ids):
    trainer = make(model, text_ids, TrainingConfig(60, 2e-2, 6, dtype="float16"))
    trainer.scaler = torch.amp.GradScaler("cpu", init_scale=1.0)
    model.blocks[0].feed_forward.up_proj.bias.register_hook(lambda g: g * math.inf)
    with pytest.raises(TrainingDivergedError, match=r"step 0: .* gradient norm"):
        trainer.train_step(trainer.batches.next_batch())


def test_a_compiled_run_makes_the_same_steps(text_ids, monkeypatch):
    """The graph is really captured; only the code for it is not written, for speed."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    weights = []
    for compiles in (False, True):
        torch.manual_seed(0)
        model = GPT(GPTConfig(7, 12, n_layers=1, n_heads=2, d_model=8))
        config = TrainingConfig(3, 2e-2, 0, compile=compiles)
        trainer = make(model, text_ids, config)
        trainer.fit()
        weights.append(vector(model))
        assert bool(graphs) == compiles
    torch.testing.assert_close(weights[0], weights[1], atol=1e-6, rtol=0)


def test_divergence_names_the_step_and_keeps_the_weights_before_it(model, text_ids):
    trainer = make(model, text_ids)
    x, y = text_ids[:24].view(2, 12), text_ids[1:25].view(2, 12)
    trainer.train_step((x, y))
    model.final_norm.weight.data[0] = math.inf
    before = vector(model)
    message = r"step 1: .*weights that are not finite: final_norm.weight; gradients .*"
    with pytest.raises(TrainingDivergedError, match=message):
        trainer.train_step((x, y))
    assert before.equal(vector(model))
    assert trainer.step == len(trainer.history.train_loss) == 1


def test_a_gradient_that_is_no_number_is_noticed_too(model, text_ids):
    """A loss may be finite while its gradient is not: the root of zero, for one."""

    def root(model, batch):
        zero = (model.final_norm.bias * 0).sum()
        return next_token_loss(model, batch) + zero.sqrt()

    trainer = make(model, text_ids, loss=root)
    before = vector(model)
    match = r"step 0: loss 1.9.*, gradient norm nan; gradients .*: final_norm.bias\."
    with pytest.raises(TrainingDivergedError, match=match):
        trainer.train_step(trainer.batches.next_batch())
    assert before.equal(vector(model))


def test_a_loss_that_is_no_number_is_noticed_before_its_gradient(model, text_ids):
    """What is added to a loss need not have a gradient."""
    trainer = make(model, text_ids, loss=lambda m, b: next_token_loss(m, b) + math.nan)
    with pytest.raises(TrainingDivergedError, match=r"step 0: loss nan, gradient norm"):
        trainer.train_step(trainer.batches.next_batch())


class Witness:
    """Notes what it is told."""

    def __init__(self, name="", log=None, stop_at=None):
        self.name, self.stop_at = name, stop_at
        self.log = [] if log is None else log

    def on_start(self, trainer):
        self.log.append((self.name, "start", trainer.step))

    def on_step(self, trainer):
        if trainer.step == self.stop_at:
            trainer.stop("enough")

    def on_end(self, trainer):
        self.log.append((self.name, "end", trainer.step))


def test_callbacks_end_in_the_reverse_order(model, text_ids):
    first = Witness("a")
    second = Witness("b", first.log)
    config = TrainingConfig(2, 2e-2, 0)
    make(model, text_ids, config, callbacks=[first, second]).fit()
    assert first.log == [
        ("a", "start", 0), ("b", "start", 0), ("b", "end", 2), ("a", "end", 2),
    ]  # fmt: skip


def test_a_callback_stops_the_run_after_its_step_and_it_goes_on_later(model, text_ids):
    trainer = make(model, text_ids, callbacks=[Witness(stop_at=7)])
    trainer.fit()
    assert (trainer.step, trainer.stopped) == (7, "enough")
    trainer.fit()
    assert (trainer.step, trainer.stopped) == (60, None)
    assert len(trainer.history.train_loss) == 60


def test_callbacks_see_the_end_of_a_run_that_fails(model, text_ids):
    class Broken(Witness):
        def on_step(self, trainer):
            raise RuntimeError("broken")

        def on_end(self, trainer):
            super().on_end(trainer)
            assert isinstance(trainer.error, RuntimeError)

    witness = Broken()
    with pytest.raises(RuntimeError, match="broken"):
        make(model, text_ids, callbacks=[witness]).fit()
    assert witness.log[-1] == ("", "end", 1)


def test_an_error_keeps_what_it_happened_in(model, text_ids):
    class Clumsy:
        def on_step(self, trainer):
            try:
                raise KeyError("cause")
            except KeyError:
                raise RuntimeError("broken")  # noqa: B904 - as others write it

    with pytest.raises(RuntimeError, match="broken") as caught:
        make(model, text_ids, callbacks=[Clumsy()]).fit()
    assert isinstance(caught.value.__context__, KeyError)
    assert not caught.value.__suppress_context__


def test_a_function_is_called_after_each_look_at_held_out_data(model, text_ids):
    seen = []

    def look(trainer):
        seen.append((trainer.step, len(trainer.history.validation_loss)))

    evaluate = Evaluate(text_ids[500:], 12, every=25)
    trainer = make(model, text_ids, callbacks=[evaluate, look])
    trainer.fit()
    expected = [(0, 1), (25, 2), (50, 3), (60, 4)]
    assert seen == expected
    trainer.fit()  # there is nothing to do, and no new look
    assert seen == expected


def test_weight_decay_spares_gains_and_biases(model):
    decayed, spared = optimizers.adamw(model, CONFIG).param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
    assert all(p.dim() >= 2 for p in decayed["params"])
    assert all(p.dim() == 1 for p in spared["params"])
    n_grouped = len(decayed["params"]) + len(spared["params"])
    assert n_grouped == len(list(model.parameters()))


@pytest.mark.parametrize(
    ("name", "rate"),
    [("adamw", 2e-2), ("adam", 2e-2), ("lion", 5e-3), ("muon", 2e-2), ("sgd", 1.0)],
)
def test_every_optimizer_that_can_be_named_learns(model, text_ids, name, rate):
    config = TrainingConfig(60, rate, 6, weight_decay=0.01)
    make_optimizer = getattr(optimizers, name)
    history = make(
        model, text_ids, config, optimizer=lambda m: make_optimizer(m, config)
    ).fit()
    assert history.train_loss[-1] < 1.2 < history.train_loss[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_steps": 0}, "n_steps is 0"),
        ({"accumulation": 0}, "accumulation is 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be above 0"),
        ({"dtype": "int8"}, "dtype is 'int8'; known are auto"),
        ({"max_grad_norm": 0}, "max_grad_norm is 0"),
        ({"schedule": "math"}, "no schedule 'math'"),
        ({"schedule": "_require_run"}, "no schedule '_require_run'"),
        ({"n_warmup": 60}, "n_warmup = 60 must lie between"),
    ],
)
def test_impossible_settings_are_refused_before_any_work(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**({"n_steps": 60, "learning_rate": 0.1} | settings))


def test_schedules_without_an_end_are_called_with_what_they_take():
    config = TrainingConfig(60, 0.2, 10, schedule="warmup_constant")
    assert (config.rate(4), config.rate(40)) == (pytest.approx(0.1), 0.2)
    config = TrainingConfig(60, 0.2, 10, 0.1, schedule="warmup_linear")
    assert config.rate(35) == pytest.approx(0.15)
