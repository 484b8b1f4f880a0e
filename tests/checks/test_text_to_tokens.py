"""The chapter's answers agree with the package."""

import pytest

from llm_notes.checks import text_to_tokens as check
from llm_notes.data.corpus import PARAGRAPH_BREAK, leaked_share
from llm_notes.data.tokenizers import BytePairTokenizer

TEXT = "turn return returned returning a turning return of the turns " * 3


@pytest.mark.parametrize("word", ["return", "turning", "untürned", "aaaa"])
def test_the_encoder_cuts_as_the_package_does(word):
    tokenizer = BytePairTokenizer.train(TEXT, 280)
    all_ids = range(tokenizer.vocab_size)
    names = [tokenizer.token_bytes(i).decode("latin-1") for i in all_ids]
    merges = [(names[a], names[b]) for a, b in tokenizer.merges]
    symbols = list(word.encode().decode("latin-1"))
    wanted = [names[i] for i in tokenizer.encode(word)]
    assert check.encode.solution(symbols, merges) == wanted


@pytest.mark.parametrize("probe", check.leak.probes)
def test_the_leak_is_the_package_s(probe):
    train, held_out = map(PARAGRAPH_BREAK.join, probe)
    assert check.leak.solution(*probe) == pytest.approx(leaked_share(train, held_out))


def test_two_digits_are_near_enough():
    assert check.same_scale((1.15, 1.12)).is_right
    assert not check.same_scale((1.17, 1.12)).is_right
