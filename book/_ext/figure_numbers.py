"""What stands in a figure, as text: for readers who cannot see it, and for all.

The figures of ``llm_notes.viz`` carry a description that was made from their data, as
JSON in the ``<desc>`` of the SVG. Here it becomes the picture's alternative text where
the author gave none, and a table behind one click. Does not know Sphinx.
"""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape, unescape
from pathlib import Path

_IMAGE = re.compile(r"<img\b[^>]*>")
_SOURCE = re.compile(r'\bsrc="([^":]+\.svg)"')
_ALT = re.compile(r'\balt="([^"]*)"')
_DESCRIPTION = re.compile(r"<svg\b[^>]*>\s*<desc>(.*?)</desc>", flags=re.DOTALL)
_NOT_SAID = re.compile(r"^$|\.(svg|png)$")
MARK = '<details class="notes-numbers">'


def with_numbers(html: str, folder: Path) -> str:
    """The page with a table behind each figure that carries its numbers.

    ``folder`` is where the page lies: its pictures are found from there. A page that
    has its tables already stays as it is.
    """

    def described(found: re.Match[str]) -> str:
        image = found[0]
        source = _SOURCE.search(image)
        if source is None or html.startswith(MARK, found.end()):
            return image
        panels = _panels(folder / unescape(source[1]))
        if not panels:
            return image
        text = " ".join(panel["text"] for panel in panels)
        alt = _ALT.search(image)
        if alt is None or _NOT_SAID.search(alt[1]):
            image = _ALT.sub("", image).replace("<img", f'<img alt="{escape(text)}"', 1)
        tables = "".join(_table(panel) for panel in panels)
        return (
            f"{image}{MARK}<summary>The numbers</summary>"
            f"<p>{escape(text)}</p>{tables}</details>"
        )

    return _IMAGE.sub(described, html)


@cache
def _panels(picture: Path) -> list[dict]:
    """The descriptions in a picture, one for each of its panels."""
    if not picture.is_file():
        return []
    found = _DESCRIPTION.search(picture.read_text(encoding="utf-8"))
    if found is None:
        return []
    try:
        content = json.loads(unescape(found[1]))
    except json.JSONDecodeError:  # somebody else's description
        return []
    panels = content if isinstance(content, list) else [content]
    return [
        p for p in panels if isinstance(p, dict) and {"text", "head", "rows"} <= {*p}
    ]


def _table(panel: dict) -> str:
    def row(tag: str, texts: list) -> str:
        cells = (f'<{tag} dir="auto">{escape(str(text))}</{tag}>' for text in texts)
        return f"<tr>{''.join(cells)}</tr>"

    if not panel["rows"]:
        return ""
    body = "".join(row("td", texts) for texts in panel["rows"])
    head = row("th", panel["head"])
    # A box that scrolls has to be reachable by keys.
    return (
        '<div class="notes-numbers-table" tabindex="0" role="region" '
        f'aria-label="{escape(panel["text"][:80])}">'
        f"<table><thead>{head}</thead><tbody>{body}</tbody></table></div>"
    )
