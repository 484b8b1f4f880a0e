"""Tables of counts for a page: the model's probabilities, pruned where asked."""

import numpy as np
import pytest

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.export import (
    NGramTables,
    read_ngram_bundle,
    unpack,
    write_ngram_bundle,
)
from llm_notes.models.ngram import KneserNeyNGram, ModifiedKneserNeyNGram

TEXT = "the cat sat on the mat and the rat sat on the cat that sat on a hat. " * 3
TOKENIZER = CharacterTokenizer.train(TEXT + "xyz")
IDS = np.array(TOKENIZER.encode(TEXT))
HELD_OUT = np.array(TOKENIZER.encode("the hat sat on that xat. zat"))


@pytest.fixture(params=[KneserNeyNGram, ModifiedKneserNeyNGram])
def model(request):
    return request.param(4, TOKENIZER.vocab_size).fit(IDS)


def test_whole_tables_give_the_probabilities_of_the_model(model):
    tables = read_ngram_bundle(write_ngram_bundle(model, TOKENIZER))
    for end in range(len(HELD_OUT)):
        context = HELD_OUT[:end]
        np.testing.assert_allclose(
            tables.probabilities(context), model.probabilities(context), atol=1e-12
        )
    np.testing.assert_allclose(
        tables.log_probabilities(HELD_OUT), model.log_probabilities(HELD_OUT)
    )


@pytest.mark.parametrize("min_count", [4, 7, 1000])
def test_pruned_tables_are_smaller_and_still_sum_to_one(model, min_count):
    whole = NGramTables.from_model(model)
    pruned = NGramTables.from_model(model, min_count)
    assert len(pruned.levels[3]["tokens"]) < len(whole.levels[3]["tokens"])
    assert len(pruned.levels[0]["tokens"]) == len(whole.levels[0]["tokens"])
    for end in range(len(HELD_OUT)):
        p = pruned.probabilities(HELD_OUT[:end])
        assert p.min() > 0
        np.testing.assert_allclose(p.sum(), 1, atol=1e-12)


def test_what_is_kept_was_seen_often_enough(model):
    pruned = NGramTables.from_model(model, 4)
    seen = {tuple(IDS[i : i + 2]): 0 for i in range(len(IDS) - 1)}
    for i in range(len(IDS) - 1):
        seen[tuple(IDS[i : i + 2])] += 1
    first, second = pruned.levels[:2]
    kept = set()
    for place, token in enumerate(first["tokens"]):
        start, end = second["starts"][place : place + 2]
        kept |= {(token, other) for other in second["tokens"][start:end]}
    assert kept == {pair for pair, n in seen.items() if n >= 4}


def test_the_bundle_says_what_it_holds(model):
    header, arrays = unpack(write_ngram_bundle(model, TOKENIZER, 2))
    assert header["architecture"] == "KneserNeyNGram"
    assert header["config"]["min_count"] == 2
    assert header["tokenizer"]["kind"] == "character"
    assert arrays["1.tokens"].dtype == np.uint8


def test_a_count_below_one_is_refused(model):
    with pytest.raises(ValueError, match="1 keeps everything"):
        NGramTables.from_model(model, 0)
