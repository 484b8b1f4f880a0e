"""Cutting a text into words as BERT does: clean, fold case and accents, set apart.

What it drops is dropped for good: white space, control characters and, in the uncased
models, capitals and accents. This module knows no vocabulary.

Source: Devlin et al. (2019) and the basic tokenizer that was released with the paper.
"""

import re
import unicodedata
from functools import cache

# White space that survives the cleaning: other control characters are removed, so that
# the words on their two sides become one.
SEPARATORS = " \t\n\r"

# The blocks of Chinese characters. Japanese kana and Korean Hangul are not among them.
_CHINESE = re.compile(
    "([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df"
    "\U0002a700-\U0002ceaf\U0002f800-\U0002fa1f])"
)


def split_bert_words(text: str, lower_case: bool) -> list[str]:
    """The words of a text: runs without white space, punctuation or Chinese.

    Each punctuation mark and each Chinese character is a word of its own.

    Args:
        lower_case: also fold capitals to small letters, and drop accents (combining
            marks after canonical decomposition), as the uncased models do.
    """
    text = "".join(map(_cleaned, text))
    text = _CHINESE.sub(r" \1 ", text)
    if lower_case:
        decomposed = unicodedata.normalize("NFD", text)
        # Letter by letter: str.lower() of a whole text treats a final Σ differently.
        text = "".join(c.lower() for c in decomposed if unicodedata.category(c) != "Mn")
    return "".join(map(_apart, text)).split()


@cache
def _cleaned(character: str) -> str:
    """White space as one space; nothing for control characters and U+FFFD."""
    if character in SEPARATORS:
        return " "
    invisible = unicodedata.category(character) in ("Cc", "Cf", "Co")
    if character == "\ufffd" or invisible:
        return ""
    return " " if character.isspace() else character


@cache
def _apart(character: str) -> str:
    """A punctuation mark between two spaces, any other character as it is."""
    ascii_sign = "!" <= character <= "~" and not character.isalnum()
    if ascii_sign or unicodedata.category(character)[0] == "P":
        return f" {character} "
    return character
