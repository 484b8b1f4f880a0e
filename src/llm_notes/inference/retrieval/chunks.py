"""Long texts into passages that overlap: what a search finds and a generator reads.

A passage is counted in words, sentences or paragraphs, and keeps its place, so that an
answer can be shown where it stands. Passages overlap, so that what stands at the end
of one is read with what follows. Knows no tokenizer: a model's limit in tokens has to
be left some room.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from llm_notes.data.cleaning.words import is_spaceless

_PARAGRAPH_END = re.compile(r"\n[^\S\n]*\n\s*")
# Of the Latin, Greek and Cyrillic scripts, among others; `re` has no name for them.
_SMALL = "".join(filter(str.islower, map(chr, range(0x590))))
# A mark with what closes, before a blank that no small letter follows; a full-width
# mark needs no blank; and the end of a paragraph ends its last sentence.
_SENTENCE_END = re.compile(
    rf"[.!?…]+[\"'”’)\]]*\s+(?![{_SMALL}\s])|[。！？]+[”’」』）]*\s*|\n[^\S\n]*\n\s*"
)


@dataclass(frozen=True)
class Chunk:
    """A passage, which is text[start:stop] of the text that it was cut from."""

    start: int
    stop: int
    text: str


def chunk_text(
    text: str,
    size: int = 200,
    overlap: int = 40,
    unit: Literal["words", "sentences", "paragraphs"] = "words",
) -> list[Chunk]:
    """Passages of `size` units, each of which repeats the last `overlap` of the one
    before.

    Each character that is not white space is in a passage; the last passage may be
    shorter. A blank text has none.

    Args:
        size: the number of units in a passage.
        overlap: the number of units that neighbours share.
        unit: "words": what white space separates, and each character of a script
            without spaces, such as Chinese, with the punctuation after it;
            "sentences": up to a full stop and a blank, unless a small letter follows
            (abbreviations are not known), or up to a full-width mark; "paragraphs":
            up to an empty line.

    Raises:
        ValueError: when size < 1, overlap is negative or not below size, or the unit
            is another word.
    """
    units: dict[str, Callable[[str], Iterator[int]]] = {
        "words": _word_starts,
        "sentences": lambda text: _starts_after(_SENTENCE_END, text),
        "paragraphs": lambda text: _starts_after(_PARAGRAPH_END, text),
    }
    if unit not in units:
        raise ValueError(f"unit is {unit!r}; there are {', '.join(units)}")
    if size < 1 or not 0 <= overlap < size:
        raise ValueError(
            f"size = {size} and overlap = {overlap}; a passage has at least one unit, "
            "and shares from 0 to size - 1 of them"
        )
    if not text.strip():
        return []
    starts = list(units[unit](text))
    chunks = []
    for first in range(0, len(starts), size - overlap):
        last = first + size
        end = starts[last] if last < len(starts) else len(text)
        passage = text[starts[first] : end]
        start = starts[first] + len(passage) - len(passage.lstrip())
        passage = passage.strip()
        chunks.append(Chunk(start, start + len(passage), passage))
        if last >= len(starts):  # the next one would only repeat this one's end
            break
    return chunks


def _starts_after(end: re.Pattern[str], text: str) -> Iterator[int]:
    start = len(text) - len(text.lstrip())
    yield start
    for match in end.finditer(text, start):
        if match.end() < len(text):
            yield match.end()


def _word_starts(text: str) -> Iterator[int]:
    for run in re.finditer(r"\S+", text):
        yield run.start()
        if run[0].isascii():
            continue
        after_spaceless = is_spaceless(run[0][0])
        for place in range(run.start() + 1, run.end()):
            character = text[place]
            # Punctuation and marks (vowels of Thai) stay with the letter before them.
            if not character.isalnum():
                continue
            here = is_spaceless(character)
            if here or after_spaceless:
                yield place
            after_spaceless = here
