"""Visits to the built pages: each once in each theme and width, and what was seen.

A visit is made when the first test asks for it and kept, so that many tests about one
page cost one page load.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from serve import server

ROOT = Path(__file__).resolve().parents[2]
WIDTHS = {"desktop": (1280, 900), "phone": (360, 780)}

# What is asked of a page once it has come to rest.
FACTS = """() => {
  const seen = (e) => e.getClientRects().length > 0;
  const name = (e) => e.outerHTML.slice(0, 160);
  const math = [...document.querySelectorAll("span.math, div.math")];
  const prose = document.querySelector("article, main").cloneNode(true);
  prose.querySelectorAll("pre, code, script, style, mjx-container, .llm-explore, "
    + ".llm-widget, .notes-numbers")
    .forEach((e) => e.remove());
  return {
    scrollWidth: document.scrollingElement.scrollWidth,
    clientWidth: document.documentElement.clientWidth,
    h1: [...document.querySelectorAll("h1")].filter(seen).map((e) => e.textContent),
    nMath: math.length,
    mathNotDrawn: math.filter((e) => !e.querySelector("mjx-container")).map(name),
    mathErrors: [...document.querySelectorAll("mjx-merror")].map((e) => e.textContent),
    rawMath: (prose.textContent.match(/\\$\\$|\\\\\\(|\\\\\\[|\\\\begin\\{/g) || []),
    images: [...document.images].map((e) => ({
      name: name(e), alt: e.getAttribute("alt"), shown: seen(e),
      loaded: e.complete && e.naturalWidth > 0,
    })),
    theme: document.documentElement.dataset.theme,
    background: getComputedStyle(document.body).backgroundColor,
    // Elements that stick out of the window without a scrolling box around them.
    wide: [...document.querySelectorAll("article *")].filter((e) => {
      if (!seen(e) || e.getBoundingClientRect().right <= innerWidth + 1) return false;
      for (let p = e; p && p.tagName !== "ARTICLE"; p = p.parentElement) {
        const flow = getComputedStyle(p).overflowX;
        if (flow !== "visible") return false;
      }
      return !e.closest("mjx-assistive-mml, .visually-hidden, .llm-spoken");
    }).slice(0, 5).map(name),
  };
}"""


def pages_of_the_book() -> list[str]:
    """All pages with content, by name: those of the table of contents, and search."""

    def files(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)
            for value in node.values():
                yield from files(value)
        elif isinstance(node, list):
            for value in node:
                yield from files(value)

    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [*files(toc), "search", "genindex"]


PAGES = pages_of_the_book()
NOTEBOOKS = [page for page in PAGES if page.startswith("notebooks/")]


@dataclass
class Visit:
    """What happened while a page was open."""

    page: object
    foreign: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    facts: dict = field(default_factory=dict)


@pytest.fixture(scope="session")
def site(book: Path) -> Iterator[str]:
    """The address at which the built pages are served, on this machine only."""
    running = server(book, 0)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


@pytest.fixture(scope="session")
def open_page(site: str, chromium) -> Iterator[Callable[..., Visit]]:
    """Opens a page in a fresh browser profile and notes all it asks for and logs."""
    contexts = []

    def open_it(name: str, theme: str = "light", width: str = "desktop") -> Visit:
        wide, high = WIDTHS[width]
        context = chromium.new_context(
            viewport={"width": wide, "height": high}, color_scheme=theme
        )
        contexts.append(context)
        visit = Visit(context.new_page())

        def on_request(request) -> None:
            host = urlsplit(request.url).hostname
            if host is not None and host != "127.0.0.1":
                visit.foreign.append(request.url)

        def on_response(response) -> None:
            if response.status >= 400:
                visit.failed.append(f"{response.status} {response.url}")

        def on_console(message) -> None:
            if message.type in ("error", "warning"):
                visit.errors.append(f"{message.type}: {message.text}")

        visit.page.on("request", on_request)
        visit.page.on("response", on_response)
        visit.page.on("console", on_console)
        visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
        visit.page.goto(f"{site}/{name}.html", wait_until="load")
        visit.page.wait_for_function(
            "() => !window.MathJax || !MathJax.startup || !MathJax.startup.promise"
            " || MathJax.startup.promise.then(() => true)"
        )
        visit.page.wait_for_function(
            "() => document.fonts.ready.then(() => true)",
        )
        return visit

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def visit(open_page) -> Callable[[str, str, str], Visit]:
    """The kept visit to a page in a theme and a width."""
    kept: dict[tuple[str, str, str], Visit] = {}

    def get(name: str, theme: str, width: str) -> Visit:
        key = (name, theme, width)
        if key not in kept:
            seen = kept[key] = open_page(name, theme, width)
            # To the end and back, so that whatever waits to be seen is loaded.
            seen.page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
            seen.page.wait_for_timeout(150)
            seen.page.evaluate("() => scrollTo(0, 0)")
            seen.facts = seen.page.evaluate(FACTS)
        return kept[key]

    return get


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that take ``seen`` run on each page in both themes and both widths.

    Those that take ``judged`` get all but the dark phone, with theme and width.
    """
    views = [(p, t, w) for p in PAGES for t in ("light", "dark") for w in WIDTHS]
    for name, chosen in (
        ("seen", views),
        ("judged", [view for view in views if view[1:] != ("dark", "phone")]),
    ):
        if name in metafunc.fixturenames:
            ids = ["-".join(view) for view in chosen]
            metafunc.parametrize(name, chosen, ids=ids, indirect=True, scope="session")
    if "notebook_page" in metafunc.fixturenames:
        metafunc.parametrize("notebook_page", NOTEBOOKS)


@pytest.fixture(scope="session")
def seen(request: pytest.FixtureRequest, visit) -> Visit:
    """The visit to one page in one theme and width."""
    return visit(*request.param)


@pytest.fixture(scope="session")
def judged(request: pytest.FixtureRequest, visit) -> tuple[Visit, str, str]:
    """The visit to one page, its theme and its width."""
    return visit(*request.param), *request.param[1:]


@pytest.fixture(scope="session")
def notebook_pages() -> list[str]:
    """The pages that are made from notebooks."""
    return NOTEBOOKS
