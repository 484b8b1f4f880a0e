"""Faults planted in the training loop and what looks on: each must make a test fail."""

BATCHES = "training/batches.py"
CONFIG = "training/config.py"
DIVERGENCE = "training/divergence.py"
EVALUATION = "training/callbacks/evaluation.py"
LOSS = "training/next_token.py"
MOMENTS = "training/callbacks/moments.py"
OPTIMIZERS = "training/optimizers.py"
PARALLEL = "training/parallel.py"
PROGRESS = "training/progress.py"
SHOWING = "training/callbacks/showing.py"
STOPPING = "training/callbacks/stopping.py"
TRAINER = "training/trainer.py"

TESTS = [
    "tests/training/test_trainer.py",
    "tests/training/test_batches.py",
    "tests/training/test_callbacks.py",
    "tests/training/test_progress.py",
]

FAULTS = [
    (LOSS, 'reduction="sum"', 'reduction="mean"', "divided by the targets twice"),
    (LOSS, "(y != IGNORE).sum()", "y.new_tensor(y.numel())", "ignored targets count"),
    (LOSS, ".clamp(min=1)", "", "0 / 0 where nothing is scored"),
    (
        TRAINER,
        "self.optimizer.zero_grad(set_to_none=True)",
        "pass",
        "gradients of all steps added up",
    ),
    (
        TRAINER,
        "self._forward(self.runner, part) * share",
        "self._forward(self.runner, part) / len(parts)",
        "parts weighed alike, whatever they score",
    ),
    (
        TRAINER,
        "self._forward(self.runner, part) * share",
        "self._forward(self.runner, part)",
        "parts added instead of averaged",
    ),
    (TRAINER, "loss += nats.detach()", "loss = nats.detach()", "loss of the last part"),
    (
        TRAINER,
        "self.scaler.unscale_(self.optimizer)",
        "pass",
        "scaled gradients clipped",
    ),
    (TRAINER, "self.scaler.update()", "pass", "the loss scale never moves"),
    (
        TRAINER,
        "self.config.rate(self.step)",
        "self.config.rate(self.step + 1)",
        "schedule one step ahead",
    ),
    (TRAINER, "rate * ratio", "rate", "all groups get one rate"),
    (
        TRAINER,
        "self.history.targets += self.count(batch)",
        "self.history.targets += len(batch[0])",
        "examples counted as tokens",
    ),
    (
        TRAINER,
        "enabled=self.dtype == torch.float16",
        "enabled=self.dtype == torch.bfloat16",
        "the wrong type is scaled",
    ),
    (
        TRAINER,
        "is_mixed = self.dtype != torch.float32",
        "is_mixed = False",
        "mixed precision never on",
    ),
    (
        TRAINER,
        "torch.compile(runner) if config.compile else runner",
        "runner",
        "the switch for torch.compile does nothing",
    ),
    (
        TRAINER,
        "ends.callback(callback.on_end, self)",
        "pass",
        "callbacks never see the end",
    ),
    (
        "training/evaluating.py",
        "module.training = mode",
        "pass",
        "evaluation mode stays on",
    ),
    (
        "training/evaluating.py",
        "    model.eval()\n",
        "",
        "dropout while looking on",
    ),
    (
        TRAINER,
        'g.setdefault("initial_lr", g["lr"])',
        'g["lr"]',
        "a second run begins at the rate where the first ended",
    ),
    (
        TRAINER,
        "len(looks) > n_before",
        "looks",
        "functions called at each step",
    ),
    (
        TRAINER,
        "self.stopped = self.error = None",
        "self.error = None",
        "a run that was stopped never goes on",
    ),
    (
        TRAINER,
        "count_targets if loss is next_token_loss else count_examples",
        "count_examples",
        "parts weighed by examples, not targets",
    ),
    (
        "training/activations.py",
        'if "forward" not in vars(block):',
        "if True:",
        "checkpointed twice by two trainers",
    ),
    (
        PARALLEL,
        "count(part) / n_scored",
        "count(part) / n_scored * len(parts)",
        "shares of the parts do not add up to one",
    ),
    (
        PARALLEL,
        "nn.utils.clip_grads_with_norm_(parameters, max_norm, known)",
        "pass",
        "no clipping",
    ),
    (
        PARALLEL,
        "norm.nan_to_num(nan=0.0, posinf=0.0)",
        "norm",
        "a norm that is no number hides its origin",
    ),
    (
        DIVERGENCE,
        "math.isfinite(loss) and (",
        "(",
        "a loss that is no number goes unnoticed",
    ),
    (
        DIVERGENCE,
        "(math.isfinite(norm) or may_overflow)",
        "True",
        "a gradient that is no number goes unnoticed",
    ),
    (DIVERGENCE, "math.isfinite(norm) or may_overflow", "True", "overflow for ever"),
    (CONFIG, '"peak": self.learning_rate', '"peak": 1.0', "rate ignored"),
    (CONFIG, '"floor": self.final_learning_rate', '"floor": 0.0', "floor ignored"),
    (
        CONFIG,
        'self.schedule.startswith("_") or not callable(schedule)',
        "schedule is None",
        "modules and private functions are schedules",
    ),
    (
        OPTIMIZERS,
        "groups = optim.parameter_groups(model, config.weight_decay)\n    return torch",
        "groups = [{'params': list(model.parameters())}]\n    return torch",
        "gains decay",
    ),
    (
        BATCHES,
        "torch.Generator().manual_seed(seed)",
        "torch.Generator().manual_seed(0)",
        "seed of windows ignored",
    ),
    (
        BATCHES,
        "np.random.default_rng((self._seed, self.epoch))",
        "np.random.default_rng(self._seed)",
        "the same order in each epoch",
    ),
    (
        BATCHES,
        "np.random.default_rng((self._seed, self.epoch))",
        "np.random.default_rng(self._seed + self.epoch)",
        "seeds share their orders",
    ),
    (
        BATCHES,
        'self.epoch, self.position = state["epoch"], state["position"]\n'
        "        self._order = self._shuffled()",
        'self.epoch, self.position = state["epoch"], state["position"]',
        "old order after a restart",
    ),
    (
        BATCHES,
        'self.epoch, self.position = state["epoch"], state["position"]',
        'self.epoch, self.position = state["epoch"], 0',
        "an epoch begins anew after a restart",
    ),
    (
        BATCHES,
        "self.epoch, self.position = self.epoch + 1, 0",
        "self.epoch, self.position = self.epoch + 1, 1",
        "an example skipped in each epoch",
    ),
    (
        BATCHES,
        "n_used -= n_used % batch_size",
        "pass",
        "the small batch is not dropped",
    ),
    (
        BATCHES,
        '            _set_generator_state(self._generator, state["generator"])\n\n'
        "    def _shuffled",
        "            pass\n\n    def _shuffled",
        "the generator of a collate function is forgotten",
    ),
    (
        BATCHES,
        "ends = [n_examples * i // n_parts for i in range(n_parts + 1)]",
        "ends = [n_examples // n_parts * i for i in range(n_parts + 1)]",
        "the last examples in no part",
    ),
    (
        BATCHES,
        "(batch[1] != IGNORE).sum()",
        "batch[1].numel()",
        "ignored targets counted",
    ),
    (
        EVALUATION,
        "total = charge_first_token(nats, self.vocab_size)",
        "total = nats.sum().item()",
        "the first token is free",
    ),
    (
        EVALUATION,
        "sum(loss * n for loss, n in pairs if n) / sum(counts)",
        "sum(losses) / len(losses)",
        "batches weigh alike, whatever they score",
    ),
    (
        EVALUATION,
        "return nats.mean().item()",
        "return nats.sum().item()",
        "sum instead of mean",
    ),
    (
        MOMENTS,
        "trainer.step % every == 0 or trainer.step >= trainer.config.n_steps",
        "trainer.step % every == 0",
        "no look at the end",
    ),
    (
        "training/history.py",
        "step in self.validation_steps[-1:]",
        "bool(self.validation_steps)",
        "an old look taken for a new one",
    ),
    (
        STOPPING,
        "self.best_loss - self.min_delta",
        "self.best_loss + self.min_delta",
        "a worse look is a new best",
    ),
    (
        STOPPING,
        "t.detach().clone() for name",
        "t.detach() for name",
        "the best weights go on changing",
    ),
    (
        STOPPING,
        "n_worse >= self.patience",
        "n_worse > self.patience",
        "patience off by one",
    ),
    (
        STOPPING,
        "step > self.best_step for",
        "step >= self.best_step for",
        "the best look counts as worse",
    ),
    (
        STOPPING,
        "trainer.step - self._n_high",
        "trainer.step",
        "names the step that noticed, not the one that began",
    ),
    (
        STOPPING,
        "[*self._usual, loss][-self.window :]\n            self._n_high = 0",
        "[*self._usual, loss][-self.window :]",
        "spikes are added up",
    ),
    (
        STOPPING,
        "len(self._usual) < self.window or loss",
        "loss",
        "a wild start is taken for divergence",
    ),
    (
        STOPPING,
        "[*self._usual, loss][-self.window :]",
        "[*self._usual, loss]",
        "the median of the whole run",
    ),
    (
        SHOWING,
        "with evaluating(trainer.model):",
        "if True:",
        "samples written with dropout",
    ),
    (
        EVALUATION,
        "if len(looking) > 1:",
        "if False:",
        "two that look mix their losses",
    ),
    (
        STOPPING,
        "median + (self.factor - 1) * abs(median)",
        "self.factor * median",
        "losses below zero are always high",
    ),
    (
        "training/batches.py",
        'self._seed = state["seed"]',
        "pass",
        "orders of another seed",
    ),
    (
        SHOWING,
        "tokens=history.targets - self._targets",
        "tokens=history.targets",
        "tokens of all steps counted at each",
    ),
    (
        SHOWING,
        "first_step=trainer.step",
        "first_step=0",
        "a run that goes on shows the wrong step",
    ),
    (
        PROGRESS,
        "seconds / (self.step - self.first_step)",
        "seconds / self.step",
        "time left of a run that goes on",
    ),
    (
        PROGRESS,
        "self.tokens += tokens",
        "self.tokens = tokens",
        "speed of the last step over the whole time",
    ),
]
