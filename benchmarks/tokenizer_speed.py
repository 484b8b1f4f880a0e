"""How fast byte-pair encoding is, beside the library `tokenizers` (Rust).

    python benchmarks/tokenizer_speed.py            # against the library
    python benchmarks/tokenizer_speed.py --naive    # also against recounting

Both sides use one thread. Runs alternate, and the processor's time is counted, not the
clock's, so that other programs on the machine disturb little; the ratio is taken run by
run. Every figure is a median. Both sides have to give the same ids.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

# Before the library is imported: it reads them once.
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from pydoc_data.topics import topics

import tokenizers

from llm_notes.data.tokenizers import BytePairTokenizer
from llm_notes.data.tokenizers.byte_pair import BYTES
from llm_notes.data.tokenizers.pre_tokenisation import split_words
from llm_notes.parity.tokenizers import merges_of, trained_byte_pair


def seconds(function: Callable[..., Any], *arguments: Any) -> float:
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def library_ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer.encode(text).ids


def library_ids_without_offsets(tokenizer: Any, text: str) -> list[int]:
    return tokenizer.encode_batch_fast([text])[0].ids


def streamed_ids(tokenizer: BytePairTokenizer, text: str) -> list[int]:
    return list(tokenizer.encode_iterable(text.splitlines(keepends=True)))


def recounted_merges(text: str, n_merges: int) -> list[tuple[int, int]]:
    """The definition: count every pair of every word of the text before each merge."""
    words = [
        [BYTES.index(byte) for byte in word.encode()] for word in split_words(text)
    ]
    merges: list[tuple[int, int]] = []
    while len(merges) < n_merges:
        counts: Counter[tuple[int, int]] = Counter()
        for word in words:
            counts.update(pairwise(word))
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        for word in words:
            place = 0
            while place < len(word) - 1:
                if (word[place], word[place + 1]) == best:
                    word[place : place + 2] = [255 + len(merges)]
                place += 1
    return merges


def train(text: str, vocab_size: int, n_runs: int) -> None:
    ours, theirs = [], []
    for _ in range(n_runs):
        theirs.append(seconds(trained_byte_pair, text, vocab_size))
        ours.append(seconds(BytePairTokenizer.train, text, vocab_size))
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    print(
        f"train, V = {vocab_size:5}: ours {median(ours):.3f} s, "
        f"tokenizers {median(theirs):.3f} s, ratio {ratio:.2f} "
        f"(least {min(ours):.3f} and {min(theirs):.3f} s)"
    )


def encode(text: str, vocab_size: int, n_runs: int) -> None:
    library = trained_byte_pair(text, vocab_size)
    merges = merges_of(library)
    megabytes = len(text.encode()) / 1e6
    times: dict[str, list[float]] = {}

    def note(name: str, function: Callable[..., Any], *arguments: Any) -> None:
        times.setdefault(name, []).append(seconds(function, *arguments))

    for _ in range(n_runs):
        theirs = tokenizers.Tokenizer.from_str(library.to_str())
        bare = tokenizers.Tokenizer.from_str(library.to_str())
        ours = BytePairTokenizer(merges)
        for cache in ("cold", "warm"):
            note(f"theirs, {cache}", library_ids, theirs, text)
            note(f"bare, {cache}", library_ids_without_offsets, bare, text)
            note(f"ours, {cache}", ours.encode, text)
        note("stream", streamed_ids, ours, text)
    assert ours.encode(text) == theirs.encode(text).ids
    for cache in ("cold", "warm"):
        mine = times[f"ours, {cache}"]
        print(f"encode, V = {vocab_size:5}, cache {cache}: ", end="")
        print(f"ours {megabytes / median(mine):.1f} MB/s", end="")
        for name, label in (("theirs", "encode"), ("bare", "encode_batch_fast")):
            other = times[f"{name}, {cache}"]
            ratio = median(b / a for a, b in zip(mine, other, strict=True))
            print(
                f"; {label} {megabytes / median(other):.1f} MB/s, x{ratio:.1f}", end=""
            )
        print()
    streamed = megabytes / median(times["stream"])
    print(f"encode_iterable by lines, V = {vocab_size:5}: {streamed:.1f} MB/s")


def naive(text: str, vocab_size: int) -> None:
    start = time.process_time()
    merges = recounted_merges(text, vocab_size - 256)
    slow = time.process_time() - start
    fast = seconds(BytePairTokenizer.train, text, vocab_size)
    assert merges == BytePairTokenizer.train(text, vocab_size).merges
    print(f"recounting, V = {vocab_size:5}: {slow:.1f} s, {slow / fast:.0f} times ours")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--naive", action="store_true", help="takes minutes")
    arguments = parser.parse_args()
    text = "\n\n".join(topic for _, topic in sorted(topics.items()))
    print(f"{len(text.encode()) / 1e6:.3f} MB, tokenizers {tokenizers.__version__}")
    split_words(text)  # compiles the pattern, which happens once
    for vocab_size in (1024, 4096):
        train(text, vocab_size, arguments.runs)
    for vocab_size in (1024, 4096):
        encode(text, vocab_size, arguments.runs)
    if arguments.naive:
        for vocab_size in (1024, 4096):
            naive(text, vocab_size)


if __name__ == "__main__":
    main()
