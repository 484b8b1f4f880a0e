"""Small repairs of the theme's pages, made on the finished HTML.

Each repair is a function from text to text that changes nothing when it is applied
again. Does not know Sphinx.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from figure_numbers import with_numbers

_SIDEBAR = re.compile(r'<div class="bd-sidebar-primary bd-sidebar([^"]*)">')
_FONT_PRELOAD = re.compile(r'<link rel="preload" as="font"[^>]*>\s*')
_OLD_ROLE = re.compile(r' role="doc-biblioentry"')
_ICON_SCRIPT = re.compile(r'<script src="[^"]*/fontawesome/[^"]*"></script>\s*')
_MATHS_SCRIPT = re.compile(r'<script[^>]* src="[^"]*/mathjax/[^"]*"></script>\s*')
_FORMULA = re.compile(r'class="[^"]*\bmath\b')
_FILE = re.compile(
    r'(?P<opening><script type="application/json" data-llm-file="[^"]*")>'
    r"(?P<text>[^<]+)</script>"
)
SMALL_FILE = 20_000  # characters; less is not worth a file
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


def with_sidebar_as_landmark(html: str) -> str:
    """The sidebar is a part of the page with a name, which holds logo and search too.

    Programs that read pages aloud jump from one such part to the next; what lies in
    none of them is passed by.
    """
    part = 'role="complementary" aria-label="Contents and search"'
    return _SIDEBAR.sub(rf'<div class="bd-sidebar-primary bd-sidebar\1" {part}>', html)


def without_icon_script(html: str) -> str:
    """No script that draws the icons a second time: 1.5 MB less on each page.

    The theme names Font Awesome's style sheet with its fonts, which draws them all,
    and a script with all icons as pictures.
    """
    return _ICON_SCRIPT.sub("", html)


def without_unused_maths(html: str) -> str:
    """No MathJax where there is no formula: 1.2 MB less."""
    return html if _FORMULA.search(html) else _MATHS_SCRIPT.sub("", html)


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


REPAIRS = (
    without_font_preloads,
    without_deprecated_roles,
    with_sidebar_as_landmark,
    without_icon_script,
    without_unused_maths,
    without_repeated_parts,
)


def with_files_beside(html: str, page: Path, root: Path) -> str:
    """The page with its large files in scripts of their own, under ``_static/files``.

    A reader who only reads need not load a model, and pages that show the same model
    load it once. A script, because a page opened from disk may load nothing else.
    """

    def beside(found: re.Match[str]) -> str:
        text = found["text"]
        if len(text) < SMALL_FILE:
            return found[0]
        name = hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
        file = root / "_static" / "files" / f"{name}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.write_text(f'llmNotes.deliver("{name}", {text});', encoding="utf-8")
        source = os.path.relpath(file, page.parent).replace(os.sep, "/")
        opening = found["opening"]
        return f'{opening} data-name="{name}" data-source="{source}"></script>'

    return _FILE.sub(beside, html)


def tidy_folder(folder: Path) -> int:
    """Apply all repairs to the pages under ``folder``; returns how many changed."""
    n_changed = 0
    for page in folder.rglob("*.html"):
        html = before = page.read_text(encoding="utf-8")
        for repair in REPAIRS:
            html = repair(html)
        html = with_numbers(html, page.parent)
        html = with_files_beside(html, page, folder)
        if html != before:
            page.write_text(html, encoding="utf-8")
            n_changed += 1
    return n_changed
