"""The command line: load a model, make the app, hand it to uvicorn."""

import argparse
import os
import sys

from llm_notes import runtime
from llm_notes.inference.serve.app import create_app
from llm_notes.inference.serve.chat import end_ids_of
from llm_notes.inference.serve.connection import server_config
from llm_notes.inference.serve.engine import MAX_WAITING, N_PLACES, Engine
from llm_notes.inference.serve.limits import Limits
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.training.checkpoint import (
    Checkpoint,
    CheckpointError,
    architecture_of,
    load_checkpoint,
)
from llm_notes.training.recipes import book_gpt

KEY_VARIABLE = "LLM_NOTES_API_KEY"
SERVED = {"GPT": (GPT, GPTConfig), "Llama": (Llama, LlamaConfig)}
TEACHING = f"""\
The server speaks OpenAI's protocol, so any client of it works:

  python -m llm_notes.inference.serve --port 8000
  curl http://127.0.0.1:8000/v1/completions -H 'Content-Type: application/json' \\
       -d '{{"model": "llm-notes", "prompt": "def ", "max_tokens": 40}}'

Requests share one batch: each joins at the next token and leaves when it is done, so
many clients get far more tokens a second than one after the other (continuous
batching). More --places make the batch larger; each takes memory for the keys and
values of one full context.

It listens on this machine only. Before you give it another --host, set a key in the
environment variable {KEY_VARIABLE}, and put a proxy with TLS in front of it.
"""


def parser() -> argparse.ArgumentParser:
    """All options with their defaults."""
    limits = Limits()
    made = argparse.ArgumentParser(
        prog="python -m llm_notes.inference.serve",
        description="Serve a GPT or a Llama over HTTP, as OpenAI's API.",
        epilog=TEACHING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add(
        "--checkpoint",
        metavar="FOLDER",
        help="a GPT or Llama that save_checkpoint wrote; the book's own GPT when not "
        "given, which is trained first if need be (about a minute)",
    )
    add("--device", help="such as cpu or cuda; the best there is when not given")
    add("--name", default="llm-notes", help="what clients call it (%(default)s)")
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", type=int, default=8000, help="%(default)s; 0 takes a free one")
    add("--places", type=int, default=N_PLACES, help="rows (%(default)s)")
    add(
        "--queue",
        type=int,
        default=MAX_WAITING,
        help="answers that may wait for a place; more get 429 (%(default)s)",
    )
    add(
        "--max-tokens",
        type=int,
        default=limits.max_tokens,
        help="new tokens of one answer at most (%(default)s)",
    )
    add(
        "--timeout",
        type=float,
        default=limits.request_seconds,
        metavar="SECONDS",
        help="for one request (%(default)s)",
    )
    add(
        "--allow-origin",
        action="append",
        default=[],
        metavar="URL",
        help="a web page that may call the server (CORS); none by default",
    )
    return made


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted: 0, or 1 with a line that says what to change."""
    made = parser()
    options = made.parse_args(arguments)
    try:
        import fastapi  # noqa: F401 - `create_app` needs it
        import uvicorn
    except ImportError:
        print("the server needs: pip install 'llm-notes[serve]'", file=sys.stderr)
        return 1
    try:
        limits = Limits(max_tokens=options.max_tokens, request_seconds=options.timeout)
        loaded = load(options.checkpoint)
        engine = Engine(
            loaded.model.to(options.device or runtime.best_device()),
            loaded.tokenizer,
            n_places=options.places,
            max_waiting=options.queue,
            end_ids=end_ids_of(loaded.tokenizer),
        )
    except (CheckpointError, ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    app = create_app(
        engine,
        options.name,
        limits=limits,
        api_key=os.environ.get(KEY_VARIABLE) or None,
        allowed_origins=options.allow_origin,
    )
    config = server_config(
        app,
        limits,
        host=options.host,
        port=options.port,
        timeout_graceful_shutdown=10,  # an answer in work may end; a longer one is cut
    )
    uvicorn.Server(config).run()
    return 0


def load(folder: str | None) -> Checkpoint:
    """The checkpoint in a folder, or the book's GPT. Raises CheckpointError."""
    if folder is None:
        return book_gpt()
    architecture = architecture_of(folder)
    if architecture not in SERVED:
        raise CheckpointError(
            f"{folder} holds a {architecture}; served are {', '.join(SERVED)}"
        )
    return load_checkpoint(folder, *SERVED[architecture])
