"""Tables of counts as a file: short, exact, and pruned by what is lost."""

from itertools import pairwise

import numpy as np
import pytest

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.export import (
    BundleError,
    pack,
    read_ngram_bundle,
    write_ngram_bundle,
)
from llm_notes.inference.export.ngram_tables import NGramTables, gains
from llm_notes.inference.export.web_ngram import as_varints, from_varints
from llm_notes.models.ngram import KneserNeyNGram, ModifiedKneserNeyNGram

# "q" stands at the beginning alone: no token precedes it, so its adjusted count is 0.
TEXT = "q: she sells sea shells; the shells she sells are sea shells, surely. " + (
    "so if she sells shells on the sea shore, the shells are sea shore shells. " * 3
)
TOKENIZER = CharacterTokenizer.train(TEXT + "xyz")
V = TOKENIZER.vocab_size
IDS = np.array(TOKENIZER.encode(TEXT))
HELD_OUT = np.array(TOKENIZER.encode("q: he sells q: shore sea xylo"[:27]))
KINDS = [KneserNeyNGram, ModifiedKneserNeyNGram]


@pytest.fixture(params=KINDS)
def model(request):
    return request.param(5, V).fit(IDS)


def n_kept(tables):
    return [len(level["tokens"]) for level in tables.levels]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", [1, 2, 5])
def test_whole_tables_are_the_model(kind, order):
    model = kind(order, V).fit(IDS)
    tables = read_ngram_bundle(write_ngram_bundle(model, TOKENIZER))
    for end in range(len(HELD_OUT)):
        np.testing.assert_allclose(
            tables.probabilities(HELD_OUT[:end]),
            model.probabilities(HELD_OUT[:end]),
            atol=1e-14,
        )
    np.testing.assert_allclose(
        tables.log_probabilities(HELD_OUT), model.log_probabilities(HELD_OUT)
    )


def test_what_nothing_precedes_takes_nothing_from_others(model):
    assert (model.adjusted_counts(2) == 0).any()
    context = TOKENIZER.encode("q")
    p = NGramTables.from_model(model).probabilities(context)
    np.testing.assert_allclose(p, model.probabilities(context), atol=1e-14)
    assert p.min() > 0


def test_a_file_gives_the_tables_back(model):
    tables = NGramTables.from_model(model, 2, 0.5)
    again = read_ngram_bundle(write_ngram_bundle(model, TOKENIZER, 2, 0.5))
    assert again.discounts == tables.discounts
    for level, other in zip(tables.levels, again.levels, strict=True):
        for name, numbers in level.items():
            np.testing.assert_array_equal(numbers, other[name])


@pytest.mark.parametrize(("min_count", "min_gain"), [(2, 0), (1, 1.5), (3, 4), (1, 99)])
def test_pruned_tables_sum_to_one_and_score_as_they_predict(model, min_count, min_gain):
    whole = NGramTables.from_model(model)
    tables = NGramTables.from_model(model, min_count, min_gain)
    assert n_kept(tables)[0] == n_kept(whole)[0]
    assert n_kept(tables)[2] < n_kept(whole)[2]
    logs = tables.log_probabilities(HELD_OUT)
    for end, token in enumerate(HELD_OUT):
        p = tables.probabilities(HELD_OUT[:end])
        assert p.min() > 0
        np.testing.assert_allclose(p.sum(), 1, atol=1e-12)
        np.testing.assert_allclose(logs[end], np.log(p[token]), atol=1e-12)


def test_a_gain_is_what_the_longest_ngrams_add(model):
    """From the model's own probabilities: p less what the n-gram itself brings."""
    worth = gains(model)[-1]
    discounts = np.atleast_1d(model.discounts[-1])
    found = {}
    for start in range(len(IDS) - 4):
        ngram = IDS[start : start + 5]
        count = model.count(ngram)
        followers = [model.count([*ngram[:4], token]) for token in range(V)]
        kept = count - discounts[min(count, len(discounts)) - 1]
        p = model.probabilities(ngram[:4])[ngram[4]]
        without = p - kept / sum(followers)
        found[tuple(ngram)] = count * np.log(p / without)
    np.testing.assert_allclose(sorted(found.values()), np.sort(worth), rtol=1e-7)


def test_a_higher_bar_keeps_less_and_no_bar_keeps_all(model):
    kept = [n_kept(NGramTables.from_model(model, min_gain=g)) for g in (0, 1, 3, 9)]
    assert kept[0] == [model.distinct(n) for n in range(1, 6)]
    for more, less in pairwise(kept):
        assert all(a >= b for a, b in zip(more, less, strict=True))
        assert sum(more) > sum(less)


def test_the_beginning_of_what_stays_stays(model):
    """A long n-gram may gain much where its beginning gains little."""
    worth = gains(model)
    tables = NGramTables.from_model(model, min_gain=2.0)
    for n in range(2, 6):
        assert n_kept(tables)[n - 1] >= (worth[n - 1] >= 2).sum()


@pytest.mark.parametrize("seed", range(3))
def test_numbers_come_back_from_their_bytes(seed):
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 2 ** rng.integers(1, 36, size=200))
    ends = [0, 127, 128, 16383, 16384, 2**35 - 1]
    for given in (numbers, np.array(ends), np.zeros(0, int), np.array([0])):
        data = as_varints(given)
        assert data.dtype == np.uint8
        np.testing.assert_array_equal(from_varints(data), given)
    assert len(as_varints([127])) == 1 and len(as_varints([128])) == 2
    assert as_varints([300]).tolist() == [0xAC, 0x02]  # Protocol Buffers' example


def test_a_number_without_an_end_is_refused():
    with pytest.raises(BundleError, match="has no end"):
        from_varints(np.array([1, 128], np.uint8))


def test_the_tokenizer_has_to_be_the_models(model):
    with pytest.raises(ValueError, match="pass the tokenizer whose ids"):
        write_ngram_bundle(model, CharacterTokenizer.train("ab"))


def test_a_bundle_of_another_model_is_refused():
    with pytest.raises(BundleError, match="holds a GPT"):
        read_ngram_bundle(pack({"architecture": "GPT"}, {}))


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_gain_below_zero_is_refused(model, bad):
    with pytest.raises(ValueError, match="0 keeps everything"):
        NGramTables.from_model(model, min_gain=bad)


def test_ids_outside_the_vocabulary_are_refused(model):
    with pytest.raises(ValueError, match="encode again"):
        NGramTables.from_model(model).log_probabilities([0, V])
