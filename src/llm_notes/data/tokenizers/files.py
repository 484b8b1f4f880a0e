"""The plain JSON file that a tokenizer is kept in, and the check of its header.

A file holds one JSON object with the keys `format`, `version` and `kind`, beside what
the kind of tokenizer needs. This module knows no kind.
"""

import json
from pathlib import Path
from typing import Any

FILE_FORMAT = "llm_notes.tokenizer"
FILE_VERSION = 1


class TokenizerFileError(ValueError):
    """The file is cut short, damaged, or does not hold this kind of tokenizer."""


def write_tokenizer_file(path: str | Path, kind: str, content: dict[str, Any]) -> None:
    """Write the header and the content as one JSON object, UTF-8, one line."""
    header = {"format": FILE_FORMAT, "version": FILE_VERSION, "kind": kind}
    text = json.dumps(header | content, ensure_ascii=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def read_tokenizer_file(path: str | Path) -> dict[str, Any]:
    """The JSON object in a tokenizer file, its header checked."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise TokenizerFileError(
            f"{path} is not JSON, or is cut short ({error}); save the tokenizer anew"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FILE_FORMAT:
        raise TokenizerFileError(
            f"{path} is JSON, but no tokenizer of this package "
            f'(it lacks "format": "{FILE_FORMAT}")'
        )
    if content.get("version") != FILE_VERSION:
        raise TokenizerFileError(
            f"{path} is written in version {content.get('version')!r} of the format; "
            f"this package reads version {FILE_VERSION}"
        )
    if not isinstance(content.get("kind"), str):
        raise TokenizerFileError(f'{path} does not say its "kind" of tokenizer')
    return content
