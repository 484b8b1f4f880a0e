"""Small repairs of the theme's pages, made on the finished HTML.

Each repair is a function from text to text that changes nothing when it is applied
again. Does not know Sphinx.
"""

from __future__ import annotations

import re
from pathlib import Path

from figure_numbers import with_numbers

_FONT_PRELOAD = re.compile(r'<link rel="preload" as="font"[^>]*>\s*')
_OLD_ROLE = re.compile(r' role="doc-biblioentry"')
_PART = re.compile(
    r'<(script|style) data-llm-part="[^"]*">.*?</\1>\n?', flags=re.DOTALL
)


def without_font_preloads(html: str) -> str:
    """No early loading of the icon fonts, which the style sheet loads anyway.

    A page that is opened from disk may not load them so, and the browser says it in
    an error for each page.
    """
    return _FONT_PRELOAD.sub("", html)


def without_deprecated_roles(html: str) -> str:
    """Entries of the bibliography are items of its list.

    Their ``doc-biblioentry`` has been dropped from the rules for accessible pages.
    """
    return _OLD_ROLE.sub(' role="listitem"', html)


def without_repeated_parts(html: str) -> str:
    """Scripts and styles that several explorers of a page share, once.

    Each explorer brings all that it needs, because alone it has to stand. The first
    one on the page has left it where the others find it.
    """
    met: set[str] = set()

    def first_only(found: re.Match[str]) -> str:
        part = found[0].rstrip("\n")
        if part in met:
            return ""
        met.add(part)
        return found[0]

    return _PART.sub(first_only, html)


REPAIRS = (without_font_preloads, without_deprecated_roles, without_repeated_parts)


def tidy_folder(folder: Path) -> int:
    """Apply all repairs to the pages under ``folder``; returns how many changed."""
    n_changed = 0
    for page in folder.rglob("*.html"):
        html = before = page.read_text(encoding="utf-8")
        for repair in REPAIRS:
            html = repair(html)
        html = with_numbers(html, page.parent)
        if html != before:
            page.write_text(html, encoding="utf-8")
            n_changed += 1
    return n_changed
