"""The runs that several chapters share, each a few constants and one function.

`book_gpt()` is the GPT that the chapter on GPT trains and later chapters use: it is
loaded when this machine has trained it before, and trained when not.
"""

import hashlib
from dataclasses import asdict
from pathlib import Path

import torch

from llm_notes import runtime
from llm_notes.data.corpus import Corpus, python_reference
from llm_notes.data.tokenizers import BytePairTokenizer
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.training.batches import WindowBatches
from llm_notes.training.callbacks import Evaluate, ShowProgress
from llm_notes.training.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    save_checkpoint,
)
from llm_notes.training.trainer import History, Trainer, TrainingConfig

# The shape that reached the fewest bits per byte in about a minute on two cores, among
# two to four layers, vocabularies of 1,024 to 4,096, and both kinds of position.
BOOK_GPT = GPTConfig(
    vocab_size=2048,
    context_length=128,
    n_layers=2,
    n_heads=4,
    d_model=128,
    rotary=True,
    init_std=0.06,
)
BOOK_GPT_TRAINING = TrainingConfig(
    n_steps=1500,
    learning_rate=4e-3,
    n_warmup=100,
    weight_decay=0.2,
    dtype="float32",
)
BOOK_GPT_BATCH_SIZE = 4  # windows in each step
BOOK_GPT_SEED = 0


def book_gpt_path() -> Path:
    """Where the shared GPT is kept; see `runtime.home`."""
    return runtime.home() / "checkpoints" / "book_gpt"


def book_gpt() -> Checkpoint:
    """The GPT of the book: model, tokenizer and history.

    Loads what an earlier run of the same recipe on the same text has saved; otherwise
    says that it trains, trains (about a minute on two cores) and saves.
    """
    corpus = python_reference()
    try:
        checkpoint = load_checkpoint(book_gpt_path(), GPT, GPTConfig)
        if checkpoint.history.get("recipe") == _recipe(corpus):
            return checkpoint
        reason = "it was made by another recipe or from another text"
    except CheckpointError as error:
        reason = str(error)
    print(f"Training the book's GPT anew: {reason}")
    tokenizer = BytePairTokenizer.train(corpus.train, BOOK_GPT.vocab_size)
    trainer = book_gpt_trainer(corpus, tokenizer)
    history = trainer.fit()
    save_book_gpt(trainer.model, tokenizer, history)
    return load_checkpoint(book_gpt_path(), GPT, GPTConfig)


def book_gpt_trainer(corpus: Corpus, tokenizer: BytePairTokenizer) -> Trainer:
    """A fresh model and its trainer, exactly as the recipe says."""
    runtime.seed_everything(BOOK_GPT_SEED)
    train_ids = torch.tensor(tokenizer.encode(corpus.train))
    length = BOOK_GPT.context_length
    return Trainer(
        GPT(BOOK_GPT).to(runtime.best_device()),
        WindowBatches(train_ids, BOOK_GPT_BATCH_SIZE, length, BOOK_GPT_SEED),
        BOOK_GPT_TRAINING,
        callbacks=[
            Evaluate.on_text(corpus.validation, tokenizer, length, every=250),
            ShowProgress(),
        ],
    )


def save_book_gpt(model: GPT, tokenizer: BytePairTokenizer, history: History) -> Path:
    """Keep a model that was trained by this recipe for the chapters that use it.

    Seconds are left out: two runs of one recipe make the same file, byte for byte.
    """
    kept = history.as_dict() | {"recipe": _recipe(python_reference())}
    del kept["seconds"]
    return save_checkpoint(book_gpt_path(), model, tokenizer, kept)


def _recipe(corpus: Corpus) -> dict[str, object]:
    """All that decides the weights, as JSON gives it back (lists, not tuples)."""
    text = f"{corpus.train}\0{corpus.validation}".encode()
    training = asdict(BOOK_GPT_TRAINING)
    training["betas"] = list(training["betas"])
    return {
        "model": asdict(BOOK_GPT),
        "training": training,
        "batch_size": BOOK_GPT_BATCH_SIZE,
        "seed": BOOK_GPT_SEED,
        "text_sha256": hashlib.sha256(text).hexdigest(),
    }
