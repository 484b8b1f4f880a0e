"""The terms under which a text is indexed and searched: words, in lower case.

Names of programs are cut into their words ("getOptionalRelease" and "max_length"), so
that a question in plain words can find code. No stemming and no stop words: BM25 gives
little weight to what stands everywhere. Knows no language.
"""

import re

from llm_notes.data.cleaning.words import words

# Before a capital that begins a word: parseHTML, HTMLParser.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def search_terms(text: str) -> list[str]:
    """The terms of a text, in its order: words in lower case, names cut into theirs.

    A character of Chinese, or of another script without spaces, is a term of its own.
    """
    return [
        term.lower()
        for word in words(text)
        for part in word.split("_")
        for term in _HUMP.split(part)
        if term
    ]
