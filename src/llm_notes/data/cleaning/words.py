"""What counts as one word, in any script: the unit of shingles and quality filters.

This is a measure for whole documents and not a tokenizer: it drops what stands between
the words. It knows no language, only Unicode's categories and blocks.
"""

import re
import sys
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import groupby

# Scripts written without spaces, in which a run of letters is a clause and not a word:
# Han and kana, Thai, Lao, Myanmar, Khmer.
_SPACELESS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
)
_SPACELESS_LETTER = re.compile(f"[{_SPACELESS}]")


def words(text: str) -> list[str]:
    """The words of a text, in its order and its spelling.

    A word is a run of letters, digits and underscores, with the marks and joiners
    that belong to its letters (so a Hindi word stays whole). In scripts that put no
    spaces between words, each letter with its marks counts as a word: about 1.5 of
    them make a word of Chinese, and thresholds made for English remain meaningful.
    """
    return _word_pattern().findall(text)


def words_and_marks(text: str) -> list[str]:
    """The words of a text and each other character but white space, in its order."""
    return _token_pattern().findall(text)


def between_words(text: str) -> str:
    """The text with a space for each word: punctuation and symbols, in their order."""
    return _word_pattern().sub(" ", text)


def is_spaceless(word: str) -> bool:
    """Whether a word of `words` is one letter of a script without spaces."""
    return bool(_SPACELESS_LETTER.match(word))


def mostly_spaceless(some_words: Sequence[str]) -> bool:
    """Whether more than half of the words are letters of scripts without spaces."""
    return 2 * sum(map(is_spaceless, some_words)) > len(some_words)


@cache
def _word_pattern() -> re.Pattern[str]:
    """Compiled at first use: reading the categories takes a tenth of a second."""
    # Python's \w has no combining marks, and its `re` no \p{M} to name them.
    code_points = range(sys.maxunicode + 1)
    mark = "\u200c\u200d"  # the joiners of Persian and of Indic scripts
    for kind, run in groupby(code_points, lambda c: unicodedata.category(chr(c))[0]):
        if kind == "M":
            run = list(run)
            mark += f"{chr(run[0])}-{chr(run[-1])}"
    letter = rf"[^\W{_SPACELESS}]"
    return re.compile(
        rf"(?=\w)[{_SPACELESS}][{mark}]*|{letter}(?:{letter}|[{mark}])*",
    )


@cache
def _token_pattern() -> re.Pattern[str]:
    return re.compile(rf"{_word_pattern().pattern}|\S")
