"""How soon the fast recipe is where a plain one stands after two minutes.

    python benchmarks/recipe_race.py
    python benchmarks/recipe_race.py --plain-seconds 120 --json results.json

Same text, characters, layers, width and context. The plain recipe gets its learning
rate tuned: every rate has the whole time, and the best counts. A run is as many steps
as fit into its seconds, since both schedules end with the run; what it took is shown.
Seconds are those of the clock, so nothing else should run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from statistics import median

import torch
from measure import keep, machine, markdown

from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.runtime import count_parameters
from llm_notes.training.evaluation import bits_per_byte
from llm_notes.training.fast_recipe import fast_trainer, plain_trainer
from llm_notes.training.trainer import Trainer

RATES = (1e-3, 2e-3, 4e-3, 8e-3)  # of the plain recipe
SHARES = (1 / 24, 1 / 16, 1 / 8, 1 / 4, 1)  # of its time, for the fast one


def seconds_per_step(trainer: Trainer, n_steps: int = 8) -> float:
    """The median of some steps, the first of which is not counted."""
    trainer.model.train()
    times = []
    for _ in range(n_steps + 1):
        started_at = time.perf_counter()
        trainer.train_step(trainer.batches.next_batch())
        times.append(time.perf_counter() - started_at)
    return median(times[1:])


class Race:
    """One text for all runs."""

    def __init__(self) -> None:
        self.corpus = python_reference()
        self.tokenizer = CharacterTokenizer.train(self.corpus.train)
        self.train_ids = torch.tensor(self.tokenizer.encode(self.corpus.train))

    def run(self, make: Callable[..., Trainer], seconds: float, **settings) -> dict:
        """Train for about so many seconds; what came of it."""
        start = self.train_ids, self.tokenizer.vocab_size
        n_steps = round(seconds / seconds_per_step(make(*start, 100, **settings)))
        trainer = make(*start, max(n_steps, 10), **settings)
        trainer.fit()
        held_out = self.corpus.validation
        return {
            "seconds": trainer.history.seconds,
            "steps": trainer.step,
            "bits_per_byte": bits_per_byte(
                trainer.model.eval(), self.tokenizer, held_out
            ),
            "parameters": count_parameters(trainer.model),
        } | settings

    def runs(self, plain_seconds: float, n_seeds: int) -> Iterator[tuple[str, dict]]:
        """All runs, one after the other: (recipe, figures)."""
        for rate in RATES:
            yield "plain", self.run(plain_trainer, plain_seconds, learning_rate=rate)
        for share in SHARES:
            yield "fast", self.run(fast_trainer, share * plain_seconds)
        for seed in range(1, n_seeds):
            yield "fast", self.run(fast_trainer, plain_seconds / 8, seed=seed)
        # What the tables of n-grams are worth: without them, at an eighth and in full.
        for share in (1 / 8, 1):
            yield "fast", self.run(fast_trainer, share * plain_seconds, orders=())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plain-seconds", type=float, default=120)
    parser.add_argument("--seeds", type=int, default=3, help="of the fast recipe")
    parser.add_argument("--json", metavar="FILE", help="where figures are kept")
    arguments = parser.parse_args()
    facts = machine()
    results = []
    for recipe, figures in Race().runs(arguments.plain_seconds, arguments.seeds):
        results.append({"recipe": recipe} | figures)
        print(recipe, figures, flush=True)
    rows = [
        [
            r["recipe"] + (", no n-grams" if r.get("orders") == () else ""),
            f"{r['learning_rate']:g}" if "learning_rate" in r else "",
            f"{r['parameters']:,}",
            str(r["steps"]),
            f"{r['seconds']:.1f}",
            f"{r['bits_per_byte']:.3f}",
        ]
        for r in results
    ]
    header = ["recipe", "rate", "parameters", "steps", "seconds", "bits per byte"]
    print(markdown(header, rows))
    plain = [r for r in results if r["recipe"] == "plain"]
    best = min(plain, key=lambda r: r["bits_per_byte"])
    ahead = [
        r["seconds"]
        for r in results
        if r["recipe"] == "fast"
        and "orders" not in r
        and r["bits_per_byte"] <= best["bits_per_byte"]
    ]
    bits, seconds = best["bits_per_byte"], best["seconds"]
    print(f"plain at its best rate: {bits:.3f} after {seconds:.0f} s")
    print(f"the fast recipe is there after {min(ahead, default=float('nan')):.1f} s")
    figures = {
        "machine": facts,
        "plain_seconds": best["seconds"],
        "best_plain": best["bits_per_byte"],
        "fast_seconds": min(ahead, default=None),
        "runs": results,
    }
    keep(arguments.json, "recipe_race", figures)


if __name__ == "__main__":
    main()
