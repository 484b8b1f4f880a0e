"""How fast text is made: our decoders beside `transformers`, in one process.

    python benchmarks/generation_speed.py
    python benchmarks/generation_speed.py --rounds 9 --json results.json

The same weights, prompts and greedy rule; both sides have to write the same tokens.
Also: what a cache gains by length, and beam search on both sides.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from measure import keep, machine, markdown, ratio, take_turns
from torch import Tensor

from llm_notes.inference.beam import beam_search
from llm_notes.inference.decoder import CachedDecoder, UncachedDecoder
from llm_notes.inference.generate import generate
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.layers.cache import KeyValueCache, StaticKeyValueCache
from llm_notes.models.pretrained.gpt2 import gpt2_from_hugging_face

VOCAB_SIZE, CONTEXT, N_LAYERS, N_HEADS, D_MODEL = 100, 512, 4, 4, 128
N_PROMPT, N_NEW = 16, 256
LENGTHS = (32, 64, 128, 256, 496)
THEIRS, OURS = "transformers, its cache", "ours, static cache, flat step"
MODULES, GROWING = "ours, static cache, modules", "ours, growing cache, modules"
UNCACHED = "ours, no cache"


def models() -> tuple[Any, GPT]:
    """GPT-2 of `transformers` and ours, with the same weights, far from uniform."""
    import transformers

    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=VOCAB_SIZE,
        n_positions=CONTEXT,
        n_embd=D_MODEL,
        n_layer=N_LAYERS,
        n_head=N_HEADS,
        initializer_range=0.2,  # near ties would be broken by rounding
        bos_token_id=None,
        eos_token_id=None,
    )
    theirs = transformers.GPT2LMHeadModel(config).eval()
    ours = GPT(GPTConfig(VOCAB_SIZE, CONTEXT, N_LAYERS, N_HEADS, D_MODEL)).eval()
    ours.load_state_dict(gpt2_from_hugging_face(theirs.state_dict()))
    return theirs, ours


def prompts(n_rows: int) -> Tensor:
    return torch.randint(
        VOCAB_SIZE, (n_rows, N_PROMPT), generator=torch.Generator().manual_seed(1)
    )


def contestants(theirs: Any, ours: GPT, n_rows: int) -> dict[str, Callable]:
    """Each maps nothing to ids (B, T)."""
    ids, length = prompts(n_rows), N_PROMPT + N_NEW

    def by(decoder: Callable) -> Callable[[], Tensor]:
        return lambda: generate(ours, ids, N_NEW, temperature=0, decoder=decoder())

    @torch.inference_mode()
    def their_turn() -> Tensor:
        return theirs.generate(
            ids,
            # Or it takes each 0 of a prompt for padding.
            attention_mask=torch.ones_like(ids),
            max_new_tokens=N_NEW,
            do_sample=False,
            pad_token_id=0,
        )

    return {
        THEIRS: their_turn,
        OURS: lambda: generate(ours, ids, N_NEW, temperature=0),
        MODULES: by(lambda: CachedDecoder(ours, StaticKeyValueCache(length))),
        GROWING: by(lambda: CachedDecoder(ours, KeyValueCache())),
        UNCACHED: by(lambda: UncachedDecoder(ours)),
    }


@torch.no_grad()
def require_equal(turns: dict[str, Callable], ours: GPT) -> None:
    """All have to write the same tokens before anything is timed.

    Rows may part only where two tokens are equally likely up to rounding.
    """
    expected = turns[THEIRS]()
    for name, turn in turns.items():
        for row, wanted in zip(turn(), expected, strict=True):
            if row.equal(wanted):
                continue
            place = int((row != wanted).nonzero()[0])
            logits = ours(wanted[None, :place])[0, -1]
            gap = abs(logits[row[place]] - logits[wanted[place]]).item()
            if gap > 1e-4:
                raise AssertionError(f"{name} writes other tokens than {THEIRS}")
            print(f"note: {name} parts from {THEIRS} at a tie ({gap:.0e} nats)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", metavar="FILE", help="where figures are kept")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {"machine": machine(), "rounds": arguments.rounds}
    theirs, ours = models()
    rows = []
    for n_rows in (1, 16):
        turns = contestants(theirs, ours, n_rows)
        if n_rows > 1:
            del turns[UNCACHED]  # minutes, and it says nothing new
        require_equal(turns, ours)
        seconds = take_turns(turns, arguments.rounds)
        batch = figures[f"batch {n_rows}"] = {}
        for name in turns:
            low, middle, high = ratio(seconds[THEIRS], seconds[name])
            rate = n_rows * N_NEW / median(seconds[name])
            batch[name] = {
                "tokens_per_second": rate,
                "times_theirs": middle,
                "lowest": low,
                "highest": high,
            }
            rows.append(
                [
                    str(n_rows),
                    name,
                    f"{rate:,.0f}",
                    f"{middle:.2f} ({low:.2f}-{high:.2f})",
                ]
            )
    print(markdown(["batch", "generation", "tokens/s", "times theirs"], rows))

    figures["gain_of_the_cache"] = curve = []
    for n_new in LENGTHS:
        seconds = take_turns(
            {
                "with": lambda n=n_new: generate(ours, prompts(1), n, temperature=0),
                "without": lambda n=n_new: generate(
                    ours, prompts(1), n, temperature=0, use_cache=False
                ),
            },
            5,
        )
        gain = ratio(seconds["without"], seconds["with"])[1]
        curve.append({"new_tokens": n_new, "gain": gain})
    rows = [[str(p["new_tokens"]), f"{p['gain']:.1f}"] for p in curve]
    print(markdown(["new tokens", "cached is so many times as fast"], rows))

    @torch.inference_mode()
    def their_beam() -> Tensor:
        ids = prompts(1)
        return theirs.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=64,
            num_beams=4,
            do_sample=False,
            pad_token_id=0,
        )

    beams = {
        "transformers": their_beam,
        "ours": lambda: beam_search(ours, prompts(1), 64, n_beams=4),
    }
    if not beams["ours"]()[0].token_ids.equal(beams["transformers"]()[0]):
        print("note: the two beam searches find other texts")
    seconds = take_turns(beams, arguments.rounds)
    low, middle, high = ratio(seconds["transformers"], seconds["ours"])
    figures["beam"] = {"times_theirs": middle, "lowest": low, "highest": high}
    print(f"beam search, 4 beams, 64 tokens: {middle:.2f} times theirs")
    keep(arguments.json, "generation_speed", figures)


if __name__ == "__main__":
    main()
