import pytest

from llm_notes.inference.retrieval import search_terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The cat's 2 Hats.", ["the", "cat", "s", "2", "hats"]),
        ("getOptionalRelease", ["get", "optional", "release"]),
        ("max_length __init__ _", ["max", "length", "init"]),
        ("HTMLParser parseHTML", ["html", "parser", "parse", "html"]),
        ("utf8Codec", ["utf8", "codec"]),
        ("我们 read", ["我", "们", "read"]),
        ("naïve Ärger", ["naïve", "ärger"]),
        ("...", []),
    ],
)
def test_texts_and_names_fall_into_words(text, terms):
    assert search_terms(text) == terms
