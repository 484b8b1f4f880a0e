"""The built files themselves, without a browser: links, launch buttons, other hosts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

pytestmark = pytest.mark.book

ROOT = Path(__file__).resolve().parents[2]
# Attributes that make a browser load something.
LOADS = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "img": ("src", "srcset"),
    "input": ("src",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "video": ("src", "poster"),
}
# Links in the head that load nothing.
ONLY_SAYS = {"canonical", "next", "prev", "search", "index", "author", "license"}
FOREIGN = re.compile(r"\s*(https?:)?//", re.IGNORECASE)
FOREIGN_STYLE = re.compile(
    r"""(url\(\s*|@import\s+)["']?\s*(https?:)?//""", re.IGNORECASE
)
FOREIGN_SCRIPT = re.compile(
    r"""(\bimport\s*\(?|\bfrom|\bimportScripts\(|\bfetch\()\s*["'`](https?:)?//"""
)


class Page(HTMLParser):
    """What a page loads, where it links to, and the names it can be linked by."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self.styles: list[str] = []
        self._in_style = False
        self.feed(text)

    def handle_starttag(self, tag, attributes) -> None:
        values = {name: value or "" for name, value in attributes}
        self.names |= {values[key] for key in ("id", "name") if key in values}
        self.loads += [values[key] for key in LOADS.get(tag, ()) if key in values]
        if tag == "link" and not ONLY_SAYS & set(values.get("rel", "").split()):
            self.loads.append(values.get("href", ""))
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if "style" in values:
            self.styles.append(values["style"])
        self._in_style = tag == "style"

    def handle_data(self, data) -> None:
        if self._in_style:
            self.styles.append(data)
        self._in_style = False


@pytest.fixture(scope="module")
def pages(book) -> dict[Path, Page]:
    return {
        path: Page(path.read_text(encoding="utf-8"))
        for path in sorted(book.rglob("*.html"))
        if "_static" not in path.relative_to(book).parts
    }


def test_pages_load_nothing_from_other_hosts(pages):
    for path, page in pages.items():
        assert not [url for url in page.loads if FOREIGN.match(url)], path
        assert not [text for text in page.styles if FOREIGN_STYLE.search(text)], path


def test_style_sheets_load_nothing_from_other_hosts(book):
    sheets = sorted(book.rglob("*.css"))
    assert sheets
    for path in sheets:
        found = FOREIGN_STYLE.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path}: {found}"


def test_scripts_that_pages_use_load_nothing_from_other_hosts(pages):
    used = {
        (path.parent / unquote(urlsplit(url).path)).resolve()
        for path, page in pages.items()
        for url in page.loads
        if urlsplit(url).path.endswith(".js")
    }
    assert used
    for path in sorted(used):
        found = FOREIGN_SCRIPT.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path}: {found}"


def test_links_inside_the_book_lead_somewhere(pages, book):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (
                (path.parent / unquote(parts.path)).resolve() if parts.path else path
            )
            if not target.exists():
                broken.append(f"{path.relative_to(book)} -> {link}")
            elif parts.fragment and target in pages:
                names = pages[target].names
                if unquote(parts.fragment) not in names:
                    broken.append(f"{path.relative_to(book)} -> {link}")
    assert not broken, "\n".join(broken)


def test_launch_buttons_open_this_notebook(pages, book, notebook_page):
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    repository = config["repository"]
    owner_and_name = urlsplit(repository["url"]).path.strip("/")
    branch, file = repository["branch"], f"{notebook_page}.ipynb"
    assert (ROOT / file).is_file()
    links = pages[book / f"{notebook_page}.html"].links
    binder = f"https://mybinder.org/v2/gh/{owner_and_name}/{branch}"
    assert f"{binder}?urlpath=lab/tree/{file}" in links
    colab = f"https://colab.research.google.com/github/{owner_and_name}/blob/{branch}"
    assert f"{colab}/{file}" in links


def test_measured_seconds_stand_on_their_page(pages, book, notebook_pages):
    text = (book / "book" / "how_long.html").read_text(encoding="utf-8")
    for name in notebook_pages:
        assert f"../{name}.html" in text
    seconds = re.findall(r"<td><p>(\d+\.\d)</p></td>", text)
    assert len(seconds) == len(notebook_pages) + 1
    *each, total = map(float, seconds)
    assert total == pytest.approx(sum(each), abs=0.05 * len(seconds))


def test_links_to_other_hosts_are_safe_or_plain(pages):
    """Only https: a page must not send a reader over an open line."""
    insecure = {
        link
        for page in pages.values()
        for link in page.links
        if link.startswith("http://")
    }
    assert not insecure
