"""Cutting a stream: where, how soon, and how much is kept."""

import itertools
import tracemalloc

from llm_notes.data.tokenizers import BytePairTokenizer, word_cache
from llm_notes.data.tokenizers.streaming import complete_parts


def test_parts_end_where_a_cut_is_allowed_and_nothing_is_lost():
    parts = list(complete_parts(["one t", "wo th", "ree"], lambda t: t.rfind(" ") + 1))
    assert parts == ["one ", "two ", "three"]
    assert list(complete_parts(["", "a", ""], lambda _: 0)) == ["a"]
    assert list(complete_parts([], len)) == []


def test_a_text_without_a_cut_is_looked_at_a_logarithmic_number_of_times():
    lengths = []

    def never(text: str) -> int:
        lengths.append(len(text))
        return 0

    n = 10_000
    assert list(complete_parts("x" * n, never)) == ["x" * n]
    assert sum(lengths) < 3 * n


def test_a_long_stream_takes_no_more_memory_than_a_short_one(monkeypatch):
    monkeypatch.setattr(word_cache, "N_WORDS", 500)
    tokenizer = BytePairTokenizer.train("the cat and the hat", 265)

    def peak(n_words: int) -> int:
        chunks = (f"word{i} " for i in range(n_words))
        tracemalloc.start()
        n_tokens = sum(1 for _ in tokenizer.encode_iterable(chunks))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert n_tokens > 5 * n_words
        return used

    peak(2000)  # fills what is filled once
    assert peak(16_000) < 1.2 * peak(2000)


def test_a_full_cache_is_emptied_and_long_words_stay_out(monkeypatch):
    monkeypatch.setattr(word_cache, "N_WORDS", 3)
    encoded = []

    def encode(word: str) -> list[int]:
        encoded.append(word)
        return [len(word)]

    cache = word_cache.WordCache(encode)
    for word in ["a", "bb", "a", "bb", "ccc"]:
        assert cache[word] == [len(word)]
    assert encoded == ["a", "bb", "ccc"]
    assert cache["dddd"] == [4]
    assert set(cache) == {"dddd"}
    long = "x" * (word_cache.LONGEST_WORD + 1)
    assert list(itertools.repeat(cache[long], 2)) == [[101], [101]]
    assert set(cache) == {"dddd"}
    assert cache[long[1:]] == [100]
    assert set(cache) == {"dddd", long[1:]}
