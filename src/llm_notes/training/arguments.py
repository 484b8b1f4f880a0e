"""What can be asked of `python -m llm_notes.training`, and what each word means."""

import argparse
from dataclasses import fields

from llm_notes.training import architectures
from llm_notes.training.config import DTYPES, TrainingConfig

DESCRIPTION = """\
Train a language model from nothing, on this machine.

A text is cut into tokens, a model learns to predict each token from those before it,
and a held-out tenth of the text tells how well: in bits per byte, which do not depend
on the tokenizer (8 is knowing nothing; about 2 is good for a small model).
"""
EXAMPLES = """\
examples:
  a small GPT on characters of the Python reference, a few minutes on two cores:
      python -m llm_notes.training --out runs/gpt

  it was interrupted, or the machine went down: the same line, and it goes on
      python -m llm_notes.training --out runs/gpt --resume auto

  a Llama on byte pairs of your own text, with Muon:
      python -m llm_notes.training --model llama --data novel.txt --out runs/novel \\
          --tokenizer byte-pairs --vocab-size 2048 --optimizer muon

  too little memory? The same steps in four parts each, and fewer activations:
      python -m llm_notes.training --out runs/gpt --accumulation 4 --checkpointing

  two processes, which make the same steps as one:
      torchrun --standalone --nproc-per-node 2 -m llm_notes.training --out runs/two

what is left in the folder:
  config.json          everything that was asked for
  step-.../            the newest steps of the run, for --resume
  model/               the model for `llm_notes.training.checkpoint.load_checkpoint`
"""
DEFAULTS = {"n_steps": 2000, "learning_rate": 3e-3}  # those without one of their own
HELP = {
    "n_steps": "optimiser steps",
    "learning_rate": "highest rate; too high a one shows as a loss that jumps",
    "n_warmup": "steps in which the rate climbs to its highest",
    "final_learning_rate": "where the rate ends",
    "schedule": "warmup_cosine, warmup_linear, warmup_stable_decay, warmup_constant, "
    "warmup_inverse_sqrt: how the rate goes on after it has climbed",
    "weight_decay": "how strongly matrices are pulled to zero",
    "betas": "memory of the optimiser's two averages",
    "max_grad_norm": "longer gradients are shortened to this; inf for never",
    "accumulation": "parts of a batch, one after the other: less memory, same steps",
    "dtype": "of matrix products; auto is the fastest that is safe on the device",
    "compile": "let torch.compile rewrite the model first",
    "checkpointing": "compute activations twice instead of keeping them: less memory",
}
OPTIMIZERS = ("adamw", "adam", "lion", "muon", "sgd")


class _Formatter(
    argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter
):
    """Keeps line breaks of the examples and shows defaults."""


def parser() -> argparse.ArgumentParser:
    """The command line, with groups, defaults and examples."""
    whole = argparse.ArgumentParser(
        prog="python -m llm_notes.training",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=_Formatter,
    )
    _add_what(whole)
    _add_model(whole)
    _add_training(whole)
    _add_run(whole)
    return whole


def training_config(arguments: argparse.Namespace) -> TrainingConfig:
    """The settings of the trainer. Raises ValueError as `TrainingConfig` does."""
    values = {f.name: getattr(arguments, f.name) for f in fields(TrainingConfig)}
    return TrainingConfig(**values | {"betas": tuple(values["betas"])})


def _add_what(whole: argparse.ArgumentParser) -> None:
    group = whole.add_argument_group("text")
    group.add_argument(
        "--data",
        default="python-docs",
        metavar="NAME|FILE",
        help="python-docs (prose, 0.35 MB), python-source (code, 10 MB), or a file",
    )
    group.add_argument(
        "--tokenizer",
        choices=("characters", "byte-pairs"),
        default="characters",
        help="one token for each character, or for frequent pieces of words",
    )
    group.add_argument(
        "--vocab-size", type=int, default=1024, help="tokens, for byte-pairs"
    )


def _add_model(whole: argparse.ArgumentParser) -> None:
    group = whole.add_argument_group("model")
    group.add_argument(
        "--model",
        choices=architectures.NAMES,
        default="gpt",
        help="gpt and llama are Transformers, ngram-gpt is handed its n-grams; rnn, "
        "lstm and gru are recurrent",
    )
    for name, default, text in (
        ("--layers", 4, "blocks or cells on top of each other"),
        ("--heads", 4, "attention heads; the width must be divisible by them"),
        ("--width", 128, "of the vectors that stand for tokens"),
        ("--context-length", 128, "tokens that are read at once"),
    ):
        group.add_argument(name, type=int, default=default, help=text)
    group.add_argument(
        "--dropout", type=float, default=0.0, help="share of units left out at random"
    )


def _add_training(whole: argparse.ArgumentParser) -> None:
    group = whole.add_argument_group("training")
    group.add_argument(
        "--batch-size", type=int, default=16, help="windows in each step"
    )
    group.add_argument(
        "--optimizer",
        choices=OPTIMIZERS,
        default="adamw",
        help="lion wants a tenth of adamw's rate, sgd about a hundred times as much",
    )
    for f in fields(TrainingConfig):
        flag = "--" + f.name.replace("_", "-")
        default = DEFAULTS.get(f.name, f.default)
        options = {"default": default, "help": HELP[f.name]}
        if isinstance(default, bool):
            options["action"] = argparse.BooleanOptionalAction
        elif isinstance(default, tuple):
            options |= {"type": float, "nargs": len(default), "default": list(default)}
        elif f.name == "dtype":
            options["choices"] = DTYPES
        else:
            options["type"] = type(default)
        group.add_argument(flag, **options)


def _add_run(whole: argparse.ArgumentParser) -> None:
    group = whole.add_argument_group("run")
    group.add_argument(
        "--out", default="runs/gpt", metavar="FOLDER", help="what is kept goes here"
    )
    group.add_argument(
        "--resume",
        choices=("never", "auto"),
        default="never",
        help="auto goes on with what is saved in the folder, or begins",
    )
    group.add_argument("--seed", type=int, default=0, help="of weights and of windows")
    group.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or mps; auto is the fastest"
    )
    group.add_argument(
        "--parallel",
        choices=("ddp", "fsdp"),
        help="under torchrun: a whole model in each process (ddp), or a slice (fsdp)",
    )
    for name, default, text in (
        ("--eval-every", 100, "steps between looks at held-out text"),
        ("--save-every", 200, "steps between saves of the run"),
        ("--keep", 2, "saves that stay"),
        ("--sample-every", 500, "steps between texts that the model writes"),
    ):
        group.add_argument(name, type=int, default=default, help=text)
    group.add_argument(
        "--patience",
        type=int,
        help="end after so many looks without a gain, and keep the best weights",
    )
