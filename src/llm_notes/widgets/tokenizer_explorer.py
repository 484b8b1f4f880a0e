"""Tokenizers side by side: the same text, cut by each, in the page.

Without a kernel the twins in `static/tokenizers/` cut the text; in a kernel the
tokenizers themselves do. Knows no kind of tokenizer; the drawing is
`static/explorers/tokenizer.js`.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.data.tokenizers.files import read_tokenizer_file
from llm_notes.data.tokenizers.text import require_encodable
from llm_notes.widgets.page import PageWidget, WidgetTooLargeError, as_json
from llm_notes.widgets.token_pieces import KNOWN_TOKENIZERS, pieces_of
from llm_notes.widgets.unicode_classes import unicode_classes

TOKENIZER_SCRIPTS = tuple(
    f"tokenizers/{name}.js"
    for name in ("unicode", "text", "words", "listed", "byte_level", "read")
)
_VIEW_SCRIPTS = (
    "tokenizers/cutting.js",
    "tokenizers/merge_steps.js",
    "tokenizers/chips.js",
    "tokenizers/rung.js",
    "explorers/tokenizer.js",
)
MAX_CHARACTERS = 50_000  # of a text; more of it is not read
MAX_TOKENS = 300  # drawn of each tokenizer


def tokenizer_explorer(
    tokenizers: Mapping[str, Tokenizer],
    texts: Sequence[str],
    *,
    title: str = "One text, several tokenizers",
    max_bytes: int = 600_000,
) -> PageWidget:
    """Any text, cut by several tokenizers: their tokens side by side.

    Args:
        tokenizers: the tokenizers by the name that is shown, in the order shown.
        texts: examples to choose from; the first is shown first.
        title: the explorer's name for those who hear the page.
        max_bytes: the most that all tokenizer files together may take in the page. A
            vocabulary of 2,048 tokens is about 20 to 80 kB.

    Raises:
        ValueError: without a tokenizer or a text, for a tokenizer of an unknown kind,
            and for a text that is empty, too long or has a lone surrogate.
        WidgetTooLargeError: when the tokenizers are larger than allowed.
    """
    _require_known(tokenizers, texts)
    contents = [
        {"name": name, "file": _file_content(tokenizer)}
        for name, tokenizer in tokenizers.items()
    ]
    size = _require_small(contents, max_bytes)
    data = {
        "tokenizers": contents,
        "classes": unicode_classes(),
        "texts": list(texts),
        "size": f"{size / 1000:,.0f} kB",
        "maxTokens": MAX_TOKENS,
        "maxCharacters": MAX_CHARACTERS,
    }
    own = list(tokenizers.values())
    return PageWidget(
        "tokenizer",
        data,
        title=title,
        description=_description(tokenizers, texts[0]),
        scripts=(*TOKENIZER_SCRIPTS, *_VIEW_SCRIPTS),
        styles=("explorers/tokenizer.css",),
        answer=lambda request: _answer(own, request),
        max_bytes=max_bytes + 1_000_000,
    )


def _answer(tokenizers: Sequence[Tokenizer], request: Mapping[str, Any]) -> dict:
    """The tokens of {text: ...}: all ids, and where those that are drawn lie."""
    text = request.get("text")
    if not isinstance(text, str) or len(text) > MAX_CHARACTERS:
        raise ValueError(f"send a text of at most {MAX_CHARACTERS:,} characters")
    found = [pieces_of(tokenizer, text) for tokenizer in tokenizers]
    return {
        "rungs": [
            {"ids": [piece[0] for piece in pieces], "pieces": pieces[:MAX_TOKENS]}
            for pieces in found
        ]
    }


def _file_content(tokenizer: Tokenizer) -> dict[str, Any]:
    """What `save` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        tokenizer.save(path)
        return read_tokenizer_file(path)


def _require_known(tokenizers: Mapping[str, Tokenizer], texts: Sequence[str]) -> None:
    if not tokenizers or not texts or isinstance(texts, str):
        raise ValueError("the explorer needs tokenizers by name and a list of texts")
    for name, tokenizer in tokenizers.items():
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"a tokenizer is named {name!r}; give it a text")
        if not isinstance(tokenizer, KNOWN_TOKENIZERS):
            kinds = ", ".join(known.__name__ for known in KNOWN_TOKENIZERS)
            raise ValueError(
                f"{name} is a {type(tokenizer).__name__}; the page knows {kinds}"
            )
    for text in texts:
        if not 0 < len(text) <= MAX_CHARACTERS:
            raise ValueError(
                f"a text has {len(text):,} characters; allowed are 1 to "
                f"{MAX_CHARACTERS:,}"
            )
        require_encodable(text)


def _require_small(contents: Sequence[Mapping[str, Any]], max_bytes: int) -> int:
    sizes = {
        content["name"]: len(as_json(content["file"]).encode()) for content in contents
    }
    size = sum(sizes.values())
    if size > max_bytes:
        each = ", ".join(f"{name} {n:,}" for name, n in sizes.items())
        raise WidgetTooLargeError(
            f"the tokenizers take {size:,} bytes ({each}); at most {max_bytes:,} are "
            "allowed. Train them with a smaller vocab_size, show fewer, or raise "
            "max_bytes"
        )
    return size


def _description(tokenizers: Mapping[str, Tokenizer], text: str) -> str:
    shown = text if len(text) <= 80 else text[:80] + "…"
    counts = []
    for name, tokenizer in tokenizers.items():
        pieces = pieces_of(tokenizer, text)
        unknown_id = getattr(tokenizer, "unknown_id", None)
        unknown = sum(token_id in (None, unknown_id) for token_id, _, _ in pieces)
        lost = f", {unknown} of them unknown" if unknown else ""
        counts.append(
            f"{name}, of {tokenizer.vocab_size:,} tokens, cuts it into "
            f"{len(pieces):,}{lost}"
        )
    return (
        f"The text {json.dumps(shown, ensure_ascii=False)} has {len(text):,} "
        f"characters and {len(text.encode()):,} bytes. {'; '.join(counts)}."
    )
