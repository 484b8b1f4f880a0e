"""Cutting a text that comes in chunks, so that no cut changes a token.

The caller says where a text may be cut. This module knows no tokenizer.
"""

from collections.abc import Callable, Iterable, Iterator


def complete_parts(
    chunks: Iterable[str], last_cut: Callable[[str], int]
) -> Iterator[str]:
    """Join chunks and cut them again, only where the caller allows it.

    Each part is given out as soon as a cut is found. What is kept is the text after the
    last cut, at most twice: a cut is looked for again when the text has doubled, which
    keeps the work linear in the length of the text, however small the chunks are.

    Args:
        chunks: pieces of a text, cut anywhere.
        last_cut: the last place at which a text may be cut, whatever follows it; 0
            when there is none.
    """
    text = ""
    wanted = 1
    for chunk in chunks:
        text += chunk
        if len(text) < wanted:
            continue
        cut = last_cut(text)
        if cut:
            yield text[:cut]
            text = text[cut:]
        wanted = 2 * len(text)
    if text:
        yield text
