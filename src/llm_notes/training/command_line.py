"""`python -m llm_notes.training`: from words on a command line to a trained model."""

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

import llm_notes
from llm_notes import runtime
from llm_notes.data.corpus import Corpus
from llm_notes.data.tokenizers import Tokenizer, load_tokenizer
from llm_notes.training import optimizers
from llm_notes.training.architectures import Sizes, make_model
from llm_notes.training.arguments import parser, training_config
from llm_notes.training.batches import WindowBatches
from llm_notes.training.callbacks import (
    EarlyStopping,
    Evaluate,
    Samples,
    ShowProgress,
    StopWhenDiverging,
)
from llm_notes.training.checkpoint import save_checkpoint
from llm_notes.training.durable import new_file
from llm_notes.training.parallel import SingleProcess
from llm_notes.training.run_files import RunStateError, saved_steps
from llm_notes.training.run_state import SaveRun, resume
from llm_notes.training.texts import make_tokenizer, read_corpus
from llm_notes.training.trainer import Trainer, TrainingDivergedError

CONFIG = "config.json"
SAMPLE_LENGTH = 80  # tokens
TEMPERATURE = 0.8  # below 1: samples that a reader can judge early in a run


def main(argv: Sequence[str] | None = None) -> int:
    """Train as the command line says; returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    whole = parser()
    arguments = whole.parse_args(argv)
    try:
        with _processes(arguments) as parallel:
            return _train(arguments, argv, parallel)
    except (TrainingDivergedError, RunStateError, OSError, ValueError) as error:
        print(f"{whole.prog}: {error}", file=sys.stderr)
        return 1


def _processes(
    arguments: argparse.Namespace,
) -> AbstractContextManager[SingleProcess]:
    """One process, or those that torchrun has started."""
    if arguments.parallel is None and not torch.distributed.is_torchelastic_launched():
        return nullcontext(SingleProcess())
    from llm_notes.training.distributed import started

    return started(arguments.parallel, _device(arguments))


def _train(
    arguments: argparse.Namespace, argv: list[str], parallel: SingleProcess
) -> int:
    out = Path(arguments.out)
    config = training_config(arguments)
    corpus = read_corpus(arguments.data, arguments.seed)
    tokenizer = _tokenizer(out, arguments, corpus)
    sizes = Sizes(
        tokenizer.vocab_size,
        arguments.context_length,
        arguments.layers,
        arguments.heads,
        arguments.width,
        arguments.dropout,
    )
    runtime.seed_everything(arguments.seed)
    model = make_model(arguments.model, sizes).to(_device(arguments))
    save_run = SaveRun(out, arguments.save_every, arguments.keep)
    trainer = Trainer(
        model,
        WindowBatches(
            torch.tensor(tokenizer.encode(corpus.train)),
            arguments.batch_size,
            arguments.context_length,
            arguments.seed,
        ),
        config,
        optimizer=lambda m: getattr(optimizers, arguments.optimizer)(m, config),
        callbacks=[*_onlookers(arguments, corpus, tokenizer), save_run],
        parallel=parallel,
    )
    if arguments.resume == "auto":
        step = resume(out, trainer)
        if parallel.is_main and step is not None:
            print(f"going on from step {step}", flush=True)
            _say_what_changed(out, arguments, step)
    save_run.require_free(trainer)
    if parallel.is_main:
        text = json.dumps(_description(arguments, model, trainer, corpus), indent=1)
        print(text, flush=True)
        with new_file(out / CONFIG) as draft:
            draft.write_text(text + "\n", encoding="utf-8")
        with new_file(out / "tokenizer.json") as draft:
            tokenizer.save(draft)

    with _StopsOnSignal(trainer):
        trainer.fit()
    is_cut_short = trainer.step < config.n_steps
    if is_cut_short and parallel.is_main:
        # Of a word that is said twice, the last counts.
        words = [*argv, "--resume", "auto"]
        if any(isinstance(c, EarlyStopping) and c.is_over for c in trainer.callbacks):
            words += ["--patience", str(2 * arguments.patience)]
        print(
            f"stopped after step {trainer.step} ({trainer.stopped}); saved. To go on:\n"
            f"  python -m llm_notes.training {shlex.join(words)}"
        )
    _save_model(out / "model", arguments.model, sizes, tokenizer, trainer)
    return 130 if is_cut_short and trainer.stopped == _StopsOnSignal.REASON else 0


def _say_what_changed(out: Path, arguments: argparse.Namespace, step: int) -> None:
    """Name what another command line said, and keep what it was."""
    try:
        before = json.loads((out / CONFIG).read_text(encoding="utf-8"))["arguments"]
    except (OSError, ValueError, KeyError):
        return  # the run itself is whole; only its description is not
    now = json.loads(json.dumps(vars(arguments)))
    changed = [
        f"--{name.replace('_', '-')} {before[name]} is now {now[name]}"
        for name in now
        if name not in ("resume", "out") and before.get(name, now[name]) != now[name]
    ]
    if changed:
        kept = out / f"config-until-step-{step}.json"
        (out / CONFIG).replace(kept)
        lines = "\n  ".join([f"unlike before (see {kept.name}):", *changed])
        print(lines, file=sys.stderr, flush=True)


def _onlookers(
    arguments: argparse.Namespace, corpus: Corpus, tokenizer: Tokenizer
) -> list[Any]:
    length = arguments.context_length
    prompt = tokenizer.encode(corpus.validation[:20])[: length // 2 or 1]

    def write(model: nn.Module) -> str:
        return _continuation(model, tokenizer, prompt, length, arguments.seed)

    def show(step: int, text: str) -> None:
        print(f"--- step {step} ---\n{text}", flush=True)

    onlookers = [
        Evaluate.on_text(corpus.validation, tokenizer, length, arguments.eval_every),
        StopWhenDiverging(),
        Samples(write, arguments.sample_every, show),
        ShowProgress(),
    ]
    if arguments.patience is not None:
        onlookers.insert(1, EarlyStopping(arguments.patience))
    return onlookers


@torch.no_grad()
def _continuation(
    model: nn.Module, tokenizer: Tokenizer, prompt: list[int], length: int, seed: int
) -> str:
    """A prompt and what the model writes after it; `inference` does this better."""
    generator = torch.Generator().manual_seed(seed)
    ids, device = list(prompt), next(model.parameters()).device
    for _ in range(SAMPLE_LENGTH):
        logits = model(torch.tensor([ids[-length:]], device=device))[0, -1]
        p = (logits.float().cpu() / TEMPERATURE).softmax(-1)
        ids.append(int(torch.multinomial(p, 1, generator=generator)))
    return tokenizer.decode(ids)


def _tokenizer(out: Path, arguments: argparse.Namespace, corpus: Corpus) -> Tokenizer:
    """The tokenizer of the run that goes on, or a new one."""
    file = out / "tokenizer.json"
    if arguments.resume == "auto" and saved_steps(out) and file.is_file():
        return load_tokenizer(file)
    return make_tokenizer(arguments.tokenizer, corpus, arguments.vocab_size)


def _device(arguments: argparse.Namespace) -> torch.device:
    if arguments.device == "auto":
        return runtime.best_device()
    return torch.device(arguments.device)


def _description(
    arguments: argparse.Namespace, model: nn.Module, trainer: Trainer, corpus: Corpus
) -> dict[str, Any]:
    """All that decides the run, as JSON."""
    return {
        "arguments": vars(arguments),
        "model": {
            "architecture": trainer.parallel.kind(model).__name__,
            **asdict(model.config),
        },
        "parameters": runtime.count_parameters(model),
        "training": asdict(trainer.config),
        "device": str(trainer.device),
        "dtype": str(trainer.dtype).removeprefix("torch."),
        "processes": trainer.parallel.size,
        "bytes": {"train": corpus.train_bytes, "validation": corpus.validation_bytes},
        "versions": {"llm_notes": llm_notes.__version__, "torch": torch.__version__},
    }


def _save_model(
    path: Path, name: str, sizes: Sizes, tokenizer: Tokenizer, trainer: Trainer
) -> None:
    """Save the finished model; several processes put its tensors together first."""
    weights = trainer.parallel.weights(trainer.model)
    if trainer.parallel.is_main:
        whole = make_model(name, sizes)
        whole.load_state_dict(weights)
        history = trainer.history
        save_checkpoint(path, whole, tokenizer, history.as_dict())
        best = [c.best_step for c in trainer.callbacks if isinstance(c, EarlyStopping)]
        looks = dict(zip(history.validation_steps, history.bits_per_byte, strict=True))
        step = best[0] if best else max(looks)
        print(
            f"{looks[step]:.3f} bits per byte on held-out text at step {step}; the "
            f"model of step {step if best else trainer.step} is in {path}"
        )


class _StopsOnSignal:
    """Ctrl-C, or a polite kill, ends the run after the step; a second Ctrl-C at once.

    Between two steps everything is in order and can be saved.
    """

    REASON = "interrupted"
    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer

    def __enter__(self) -> None:
        self._before = [signal.signal(s, self._stop) for s in self.SIGNALS]

    def __exit__(self, *_: object) -> None:
        for number, handler in zip(self.SIGNALS, self._before, strict=True):
            signal.signal(number, handler)

    def _stop(self, *_: object) -> None:
        self._trainer.stop(self.REASON)
        # torchrun passes each Ctrl-C on, so its processes get two at a time; it ends
        # them by itself when they are not done after 30 seconds.
        if self._trainer.parallel.size == 1:
            self.__exit__()
