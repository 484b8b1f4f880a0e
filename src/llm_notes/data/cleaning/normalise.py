"""One form for text that Unicode says is the same: normal form, line ends, controls.

It takes out what has no picture and no meaning, and nothing that a reader can see.
White space and punctuation stay as they are, since code, verse and tables live by them.
It knows no language and no document but the one it is given.
"""

import re
import unicodedata
from collections import Counter

# Where Unicode says that a line must end (UAX 14), in any of its seven ways, and the
# separators of files, groups and records, which end a line for Python too.
_LINE_END = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Controls but tab and line feed; the byte-order mark, at the start or left behind where
# files were joined; and noise of old encodings that no font draws.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x9f\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Zero-width space, both joiners and word joiner with nothing but ASCII around them.
_IDLE_JOINERS = re.compile(
    "(?<![^\x00-\x7f])[\u200b-\u200d\u2060]+(?![^\x00-\x7f])",
)


def normalise(text: str, form: str = "NFC") -> str:
    r"""One form for all texts that Unicode defines to be the same; idempotent.

    1. Every mandatory line break (UAX 14: CR LF, CR, VT, FF, NEL, U+2028, U+2029)
       becomes ``\n``, and so do the separators of files, groups and records
       (U+001C to U+001E). The separator of units (U+001F) becomes a space.
    2. Control characters other than tab and line feed, and byte-order marks, go.
       Two halves of a surrogate pair become their character, and half of one becomes
       U+FFFD: it has no UTF-8 form.
    3. Unicode form NFC (UAX 15): "e" + "´" becomes the one character "é".
    4. Joiners and zero-width spaces go where only ASCII stands on both sides. Beside
       any other character they stay: they hold emoji together, choose the shape of
       Persian and Indic letters, and separate words of Thai and Khmer.

    The form is NFC and not NFKC. NFC replaces only what is defined to be the same
    text. NFKC also replaces what is merely similar, for good: x² becomes x2, ½ becomes
    1⁄2, and the full-width comma of Chinese becomes an ASCII one.
    `compatibility_losses` counts what that would take away.

    Args:
        text: any text.
        form: "NFC", or "NFKC" for those who compare or search rather than generate.

    Raises:
        ValueError: for another form.
    """
    if form not in ("NFC", "NFKC"):
        raise ValueError(f'form is {form!r}; allowed are "NFC" and "NFKC"')
    text = _LINE_END.sub("\n", text)
    text = _INVISIBLE.sub("", text.replace("\x1f", " "))
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = unicodedata.normalize(form, text)
    # Last: the forms turn some characters into ASCII (the Kelvin sign into K).
    return _IDLE_JOINERS.sub("", text)


def compatibility_losses(text: str) -> Counter[tuple[str, str]]:
    """What NFKC would replace and NFC keeps: (character, replacement) -> times."""
    text = unicodedata.normalize("NFC", text)
    return Counter(
        (character, replacement)
        for character in text
        if (replacement := unicodedata.normalize("NFKC", character)) != character
    )
