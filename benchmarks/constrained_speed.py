"""What a constraint costs: constrained against plain generation by the same model.

    python benchmarks/constrained_speed.py
    python benchmarks/constrained_speed.py --json constrained.json

Both sides draw the same number of tokens from the same untrained GPT with a cache, in
rounds that take turns; figures are medians, ratios are taken round by round. A first
call, which also computes the masks of the states that it meets, is shown apart from the
later ones.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from measure import keep, machine, markdown, ratio, take_turns

from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import BytePairTokenizer, CharacterTokenizer, Tokenizer
from llm_notes.inference.constrained import (
    Automaton,
    Constraint,
    generate_constrained,
    json_schema,
    regular_expression,
)
from llm_notes.inference.generate import complete
from llm_notes.models.gpt import GPT, GPTConfig

PROMPT = "The "
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 40},
        "year": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "parts": {"type": "array", "items": {"$ref": "#"}},
    },
    "required": ["name", "tags"],
}


def measure(
    name: str, make: Callable[[], Automaton], tokenizer: Tokenizer, n: int, rounds: int
) -> dict[str, float | str]:
    torch.manual_seed(0)
    config = GPTConfig(tokenizer.vocab_size, 256, n_layers=4, n_heads=4, d_model=128)
    model = GPT(config).eval()
    start = time.perf_counter()
    automaton = make()
    built = time.perf_counter()
    # Without an end token, and with texts that can go on, both sides draw n tokens.
    constraint = Constraint(automaton, tokenizer)
    ready = time.perf_counter()

    def constrained() -> None:
        generate_constrained(model, tokenizer, PROMPT, constraint, n, close=False)

    def plain() -> None:
        complete(model, tokenizer, PROMPT, n)

    constrained()
    first = time.perf_counter() - ready
    times = take_turns({"plain": plain, "constrained": constrained}, rounds)
    plain_s, constrained_s = times["plain"], times["constrained"]
    return {
        "constraint": name,
        "V": tokenizer.vocab_size,
        "states": len(automaton.table),
        "automaton, s": built - start,
        "distances, s": ready - built,
        "first text, s": first,
        "plain, tokens/s": n / median(plain_s),
        "constrained, tokens/s": n / median(constrained_s),
        "constrained/plain": ratio(plain_s, constrained_s)[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=200, help="new tokens a text")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--vocab-size", type=int, default=4096, help="of the bytes")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", help="write the figures to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    facts = machine()
    corpus = python_reference()
    text = corpus.train
    tokenizers = [
        CharacterTokenizer(corpus.alphabet),
        BytePairTokenizer.train(text, arguments.vocab_size),
    ]
    cases = {
        r"[a-z ]+": lambda: regular_expression(r"[a-z ]+"),
        "strings": lambda: json_schema({"items": {"type": "string"}, "minItems": 99}),
    }
    rows = [
        measure(name, make, tokenizer, arguments.tokens, arguments.rounds)
        for tokenizer in tokenizers
        for name, make in cases.items()
    ]
    cells = [
        [f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()]
        for row in rows
    ]
    print(markdown(list(rows[0]), cells))
    for tokenizer in tokenizers:
        start = time.perf_counter()
        automaton = json_schema(SCHEMA)
        constraint = Constraint(automaton, tokenizer)
        print(
            f"\nA schema that refers to itself, V = {tokenizer.vocab_size}: "
            f"{len(automaton.table)} states, ready after "
            f"{time.perf_counter() - start:.2f} s, "
            f"shortest text {constraint.shortest} tokens"
        )
    keep(arguments.json, "constrained", {"machine": facts, "rows": rows})


if __name__ == "__main__":
    main()
