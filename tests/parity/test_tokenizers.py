"""The tokenizers give the ids of the library `tokenizers`."""

import pytest

from llm_notes.parity import tokenizers

pytest.importorskip("tokenizers")

LINES = [tokenizers.byte_pair, tokenizers.word_piece, tokenizers.unigram]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
def test_no_token_differs(line):
    parity = line()
    assert parity.n_compared > 10_000
    assert parity.output_error == 0
    assert parity.gradient_error is None
    assert parity.library.startswith("tokenizers ")


def test_each_differing_or_missing_token_counts(monkeypatch):
    ours = tokenizers.UnigramTokenizer
    n_tokens = tokenizers.unigram().n_compared

    def two_more(self, text):
        return [*encode(self, text), 0, 0]

    encode = ours.encode
    monkeypatch.setattr(ours, "encode", two_more)
    parity = tokenizers.unigram()
    assert parity.output_error == 2
    assert parity.n_compared == n_tokens + 2
