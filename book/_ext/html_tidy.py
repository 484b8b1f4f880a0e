"""Small repairs of the theme's pages, made on the finished HTML.

Each repair is a function from text to text that changes nothing when it is applied
again. Does not know Sphinx.
"""

from __future__ import annotations

import re
from pathlib import Path

_FONT_PRELOAD = re.compile(r'<link rel="preload" as="font"[^>]*>\s*')
_OLD_ROLE = re.compile(r' role="doc-biblioentry"')


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


REPAIRS = (without_font_preloads, without_deprecated_roles)


def tidy_folder(folder: Path) -> int:
    """Apply all repairs to the pages under ``folder``; returns how many changed."""
    n_changed = 0
    for page in folder.rglob("*.html"):
        html = before = page.read_text(encoding="utf-8")
        for repair in REPAIRS:
            html = repair(html)
        if html != before:
            page.write_text(html, encoding="utf-8")
            n_changed += 1
    return n_changed
