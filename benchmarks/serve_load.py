"""The server under load against the same model called one request at a time.

    python benchmarks/serve_load.py
    python benchmarks/serve_load.py --clients 1 8 50 --json serve.json

A real server runs in a thread of this process; clients are asyncio tasks of another
thread, and each sends its next request when it has its answer. So server, clients and
model share the processor, and the figures are a lower bound. Weights are random: what
the texts say does not change the time.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import threading
import time

import httpx
import numpy as np
import torch
import uvicorn
from measure import keep, machine, markdown

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.generate import generate
from llm_notes.inference.serve.app import create_app
from llm_notes.inference.serve.engine import Engine
from llm_notes.models.gpt import GPT, GPTConfig

PROMPT = "the quick brown fox "


def row(name: str, seconds: list[float], wall: float, n_tokens: int) -> dict:
    """Throughput, and how long one request takes."""
    return {
        "clients": name,
        "requests": len(seconds),
        "tokens/s": len(seconds) * n_tokens / wall,
        "p50 (s)": float(np.percentile(seconds, 50)),
        "p95 (s)": float(np.percentile(seconds, 95)),
    }


async def load(url: str, n_clients: int, n_requests: int, n_tokens: int) -> list[float]:
    """Seconds of each request, when `n_clients` send them as fast as they can."""
    seconds: list[float] = []
    waiting = iter(range(n_requests))

    async def client(http: httpx.AsyncClient) -> None:
        for seed in waiting:
            body = {"model": "bench", "prompt": PROMPT, "seed": seed}
            started_at = time.perf_counter()
            answer = await http.post(
                "/v1/completions", json=body | {"max_tokens": n_tokens}
            )
            answer.raise_for_status()
            seconds.append(time.perf_counter() - started_at)

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as http:
        await asyncio.gather(*(client(http) for _ in range(n_clients)))
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 50])
    parser.add_argument("--requests", type=int, default=100, help="in each run")
    parser.add_argument("--tokens", type=int, default=64, help="new ones a request")
    parser.add_argument("--places", type=int, default=50)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--d-model", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    facts = machine()
    torch.manual_seed(0)
    tokenizer = CharacterTokenizer.train(PROMPT + "abcdefghijklmnopqrstuvwxyz")
    config = GPTConfig(
        tokenizer.vocab_size, 256, options.layers, 4, options.d_model, rotary=True
    )
    model = GPT(config).eval()
    n_tokens, rows = options.tokens, []

    prompt = torch.tensor([tokenizer.encode(PROMPT)])
    generate(model, prompt, n_tokens)  # not counted
    seconds = []
    for seed in range(max(5, options.requests // 5)):
        generator = torch.Generator().manual_seed(seed)
        started_at = time.perf_counter()
        generate(model, prompt, n_tokens, generator=generator)
        seconds.append(time.perf_counter() - started_at)
    rows.append(row("none: generate() in turn", seconds, sum(seconds), n_tokens))

    engine = Engine(model, tokenizer, n_places=options.places, max_waiting=1000)
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(engine, "bench")
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the server ended before it had begun")
            time.sleep(0.05)
        for n_clients in options.clients:
            asyncio.run(load(url, n_clients, n_clients, 4))  # not counted
            n_requests = max(options.requests, n_clients)
            if n_clients == 1:
                n_requests = max(5, options.requests // 5)
            started_at = time.perf_counter()
            seconds = asyncio.run(load(url, n_clients, n_requests, n_tokens))
            wall = time.perf_counter() - started_at
            rows.append(row(str(n_clients), seconds, wall, n_tokens))
    finally:
        server.should_exit = True
        thread.join()
    cells = [
        [f"{v:.3g}" if isinstance(v, float) else str(v) for v in r.values()]
        for r in rows
    ]
    print(markdown(list(rows[0]), cells))
    keep(options.json, "serve_load", {"machine": facts, "rows": rows})


if __name__ == "__main__":
    main()
