"""The command line: load a model, make the app, hand it to uvicorn."""

import argparse
import os
import sys

from llm_notes.inference.serve.app import create_app
from llm_notes.inference.serve.chat import end_ids_of
from llm_notes.inference.serve.engine import Engine
from llm_notes.inference.serve.limits import Limits
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.training.checkpoint import Checkpoint, CheckpointError, load_checkpoint
from llm_notes.training.recipes import book_gpt

KEY_VARIABLE = "LLM_NOTES_API_KEY"
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
        description="Serve a GPT over HTTP, as OpenAI's API.",
        epilog=TEACHING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add(
        "--checkpoint",
        metavar="FOLDER",
        help="a GPT that save_checkpoint wrote; the book's own when not given, which "
        "is trained first if need be (about a minute)",
    )
    add("--name", default="llm-notes", help="what clients call it (%(default)s)")
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", type=int, default=8000, help="%(default)s; 0 takes a free one")
    add("--places", type=int, default=limits.max_running, help="rows (%(default)s)")
    add(
        "--queue",
        type=int,
        default=limits.max_waiting,
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
        import uvicorn
    except ImportError:
        print("the server needs: pip install 'llm-notes[serve]'", file=sys.stderr)
        return 1
    try:
        limits = Limits(
            max_running=options.places,
            max_waiting=options.queue,
            max_tokens=options.max_tokens,
            request_seconds=options.timeout,
        )
        loaded = load(options.checkpoint)
    except (CheckpointError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    engine = Engine(
        loaded.model,
        loaded.tokenizer,
        n_places=limits.max_running,
        max_waiting=limits.max_waiting,
        end_ids=end_ids_of(loaded.tokenizer),
    )
    app = create_app(
        engine,
        options.name,
        limits=limits,
        api_key=os.environ.get(KEY_VARIABLE) or None,
        allowed_origins=options.allow_origin,
    )
    # An answer in work may end; one that takes longer is cut.
    uvicorn.run(app, host=options.host, port=options.port, timeout_graceful_shutdown=10)
    return 0


def load(folder: str | None) -> Checkpoint:
    """The checkpoint in a folder, or the book's GPT. Raises CheckpointError."""
    return book_gpt() if folder is None else load_checkpoint(folder, GPT, GPTConfig)
