"""Speculative against plain decoding by the same target, with drafts of several kinds.

    python benchmarks/speculative_speed.py
    python benchmarks/speculative_speed.py --layers 8 --json speculative.json

The target and a draft of one layer are trained for a while on the characters of the
Python reference, since untrained models agree about nothing; an n-gram model and
prompt lookup are drafts that need no training. Plain and speculative decoding take
turns, and the ratios are taken round by round. Speculation reads several tokens at a
time through the model's modules and a growing cache; so does "plain". What `generate`
uses for a small GPT, one flat step for each token, is shown beside it.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np
import torch
from measure import keep, machine, markdown, ratio, take_turns
from torch import Tensor

from llm_notes.data.batching import sample_windows
from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.decoder import CachedDecoder
from llm_notes.inference.generate import generate
from llm_notes.inference.sampling import SamplingSettings
from llm_notes.inference.speculative import (
    CachedModel,
    Speculation,
    lookup_draft,
    ngram_draft,
    speculate,
)
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.ngram import KneserNeyNGram
from llm_notes.training.next_token import next_token_loss

CONTEXT, BATCH = 256, 16


def train(config: GPTConfig, token_ids: Tensor, seconds: float) -> tuple[GPT, float]:
    """A GPT after some seconds of AdamW, and its last loss in nats."""
    torch.manual_seed(0)
    model = GPT(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    generator = torch.Generator().manual_seed(0)
    end, losses = time.monotonic() + seconds, []
    length = CONTEXT // 2
    while time.monotonic() < end:
        batch = sample_windows(token_ids, BATCH, length, generator)
        loss = next_token_loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return model.eval(), float(np.mean(losses[-20:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=6, help="of the target")
    parser.add_argument("--d-model", type=int, default=256)
    parser.add_argument("--draft-width", type=int, default=128)
    parser.add_argument("--train-seconds", type=float, default=90.0)
    parser.add_argument("--tokens", type=int, default=120, help="new tokens a text")
    parser.add_argument("--n-draft", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", help="write the figures to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    facts = machine()

    corpus = python_reference()
    tokenizer = CharacterTokenizer(corpus.alphabet)
    vocab_size, n = tokenizer.vocab_size, arguments.tokens
    token_ids = torch.tensor(tokenizer.encode(corpus.train))
    width = arguments.d_model
    config = GPTConfig(vocab_size, CONTEXT, arguments.layers, 4, width, rotary=True)
    small = GPTConfig(vocab_size, CONTEXT, 1, 4, arguments.draft_width, rotary=True)
    target, target_loss = train(config, token_ids, arguments.train_seconds)
    draft_model, draft_loss = train(small, token_ids, arguments.train_seconds / 3)
    ngram = KneserNeyNGram(5, vocab_size).fit(token_ids.numpy())
    print(f"target: {target_loss:.2f} nats a character, draft: {draft_loss:.2f}\n")
    prompt = torch.tensor([tokenizer.encode(corpus.validation[:100])])

    rows = []
    for temperature in (0.0, 1.0):
        settings = SamplingSettings(temperature=temperature)
        results: dict[str, Speculation] = {}

        def plain(decoder=None, temperature: float = temperature) -> None:
            generator = torch.Generator().manual_seed(0)
            generate(
                target,
                prompt,
                n,
                temperature=temperature,
                generator=generator,
                decoder=decoder,
            )

        def contestant(name, make_draft, n_draft, settings=settings, results=results):
            def run() -> None:
                generator = torch.Generator().manual_seed(0)
                results[name] = speculate(
                    target, make_draft(), prompt, n, n_draft, settings, generator
                )

            return run

        drafts = {
            "GPT of one layer": lambda: CachedModel(draft_model),
            "5-gram": lambda: ngram_draft(ngram),
            "prompt lookup": lambda: lookup_draft(vocab_size),
        }
        contestants = {
            "plain": lambda p=plain: p(CachedDecoder(target, KeyValueCache())),
            "plain, flat step": plain,
        }
        for kind, make_draft in drafts.items():
            for n_draft in arguments.n_draft:
                name = f"{kind}, {n_draft} tokens"
                contestants[name] = contestant(name, make_draft, n_draft)
        times = take_turns(contestants, arguments.rounds)
        for name, seconds in times.items():
            row = {
                "temperature": temperature,
                "draft": name,
                "tokens/s": n / median(seconds),
                "speculative/plain": ratio(times["plain"], seconds)[1],
            }
            if name in results:
                made = results[name]
                row["acceptance"] = made.acceptance_rate
                row["tokens/pass"] = made.tokens_per_pass
            rows.append(row)
    header = list(rows[-1])
    cells = [
        [f"{v:.3g}" if isinstance(v, float) else v for v in row.values()]
        + [""] * (len(header) - len(row))
        for row in rows
    ]
    print(markdown(header, cells))
    keep(arguments.json, "speculative", {"machine": facts, "rows": rows})


if __name__ == "__main__":
    main()
