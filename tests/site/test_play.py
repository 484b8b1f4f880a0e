"""Models write in the built pages: with a server, from disk, and within a size."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.book, pytest.mark.browser]

MOST_BYTES = 2_500_000  # of a page with a live model, all that it loads


def written(page, column=0):
    columns = page.locator(".llm-column").nth(column)
    return columns.locator(".llm-token:not(.llm-prompt)")


def open_from_disk(chromium, path: Path):
    """The page, and what it loads: {address: bytes}."""
    page, loaded = chromium.new_page(viewport={"width": 1280, "height": 900}), {}

    def note(request) -> None:
        file = Path(unquote(urlsplit(request.url).path))
        if request.url.startswith("file:") and file.is_file():
            loaded[request.url] = file.stat().st_size

    page.on("request", note)
    page.goto(path.as_uri())
    return page, loaded


def test_the_first_page_opens_with_a_model_that_writes(open_page):
    visit = open_page("book/index")
    expect(visit.page.locator(".llm-token").first).to_be_visible()
    visit.page.get_by_label("Your text").fill("If the object")
    visit.page.get_by_label("Your text").press("Enter")
    expect(written(visit.page)).to_have_count(60, timeout=20_000)
    assert not visit.errors and not visit.foreign and not visit.failed


def test_it_works_from_disk_and_within_its_size(chromium, book):
    page, loaded = open_from_disk(chromium, book / "book" / "index.html")
    page.get_by_role("button", name="Write").click()
    expect(written(page)).to_have_count(60, timeout=20_000)
    assert any("/_static/files/" in address for address in loaded)
    assert sum(loaded.values()) <= MOST_BYTES, loaded
    page.close()


def test_a_model_is_loaded_when_it_is_chosen(chromium, book):
    """Each of the two playgrounds of the page begins with one model."""
    page, loaded = open_from_disk(chromium, book / "book" / "play.html")
    for explorer in page.locator(".llm-playground").all():
        expect(explorer.locator(".llm-token").first).to_be_visible(timeout=20_000)
    models = [address for address in loaded if "/_static/files/" in address]
    assert len(models) == 2
    assert sum(loaded.values()) <= MOST_BYTES, loaded
    writers = page.locator(".llm-playground").first
    choice = writers.get_by_role("combobox", name="model")
    choice.select_option("all side by side")
    for column in range(3):
        expect(written(writers, column)).to_have_count(60, timeout=30_000)
    models = [address for address in loaded if "/_static/files/" in address]
    assert len(models) == 4
    page.close()


def test_the_same_model_stands_in_one_file(book):
    files = list((book / "_static" / "files").iterdir())
    sizes = sorted(file.stat().st_size for file in files)
    assert len(files) == len({file.read_bytes() for file in files})
    assert sizes[-1] < 1_200_000


def test_figures_have_their_numbers_behind_them(open_page):
    page = open_page("notebooks/4_code/04_gpt").page
    numbers = page.locator("figure .notes-numbers")
    assert numbers.count() >= 4
    numbers.first.locator("summary").click()
    expect(numbers.first.locator("td").first).to_be_visible()
