"""A real server on a free port of this machine, with a tiny random GPT."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import torch

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.serve.chat import end_ids_of
from llm_notes.inference.serve.engine import Engine
from llm_notes.models.gpt import GPT, GPTConfig

CONTEXT = 96
MARKS = ("<|user|>", "<|assistant|>", "<|end|>")
ALPHABET = "\n abcdefghijklmnopqrstuvwxyz:<|>.U"


def wait_until(condition, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


@dataclass(frozen=True)
class Server:
    """Where it listens, and the engine behind it."""

    port: int
    engine: Engine

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def metric(self, name: str) -> float:
        lines = self.engine.metrics.text().splitlines()
        return sum(float(x.split()[-1]) for x in lines if x.split()[0] == name)

    def wait_until(self, condition) -> bool:
        return wait_until(condition)


@pytest.fixture(scope="session")
def tokenizer():
    return CharacterTokenizer("".join(sorted(ALPHABET)), MARKS)


@pytest.fixture(scope="session")
def tiny_gpt(tokenizer):
    torch.manual_seed(0)
    model = GPT(GPTConfig(tokenizer.vocab_size, CONTEXT, 1, 2, 16, rotary=True)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(6)
    return model


@pytest.fixture(scope="session")
def make_engine(tiny_gpt, tokenizer):
    def make(model=None, **options):
        options = {"n_places": 8, "end_ids": end_ids_of(tokenizer)} | options
        return Engine(model or tiny_gpt, tokenizer, **options)

    return make


@contextmanager
def listening(app, limits=None, send_buffer=None, **options):
    """The port where an app listens, and uvicorn's server in its thread."""
    import uvicorn

    from llm_notes.inference.serve.connection import server_config

    options = {"log_level": "critical", "timeout_graceful_shutdown": 2} | options
    server = uvicorn.Server(server_config(app, limits, **options))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if send_buffer is not None:  # of the system, for each connection
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        assert wait_until(lambda: server.started, 20)
        try:
            yield listener.getsockname()[1], server
        finally:
            server.should_exit = True
            thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope="session")
def serving_app():
    """`with serving_app(app, limits, **options of uvicorn) as (port, server):`."""
    return listening


@pytest.fixture(scope="session")
def serving(make_engine):
    """`with serving(engine, **options of create_app) as server:`."""
    from llm_notes.inference.serve.app import create_app

    @contextmanager
    def serve(engine=None, **options) -> Iterator[Server]:
        engine = engine or make_engine()
        app = create_app(engine, "tiny", **options)
        with listening(app, options.get("limits")) as (port, _):
            yield Server(port, engine)
        assert not engine.is_alive

    return serve


@pytest.fixture(scope="module")
def server(serving):
    with serving() as running:
        yield running


@pytest.fixture
def client(server):
    import openai

    url = f"{server.url}/v1"
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=20) as made:
        yield made


@pytest.fixture
def http(server):
    import httpx

    with httpx.Client(base_url=server.url, timeout=20) as made:
        yield made
