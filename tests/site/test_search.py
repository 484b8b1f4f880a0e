"""The search finds words of the book, served or opened from disk, without a network."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.book, pytest.mark.browser]
RESULTS = "#search-results ul.search li"


def test_search_finds_the_pages_of_a_word(open_page, site):
    page = open_page("search").page
    page.goto(f"{site}/search.html?q=attention")
    page.wait_for_selector(RESULTS)
    titles = " ".join(page.locator(f"{RESULTS} a").all_inner_texts())
    assert "ttention" in titles


def test_search_for_an_unknown_word_finds_nothing(open_page, site):
    page = open_page("search").page
    page.goto(f"{site}/search.html?q=zyxwvutsrq")
    page.wait_for_selector("#search-results p.search-summary")
    page.wait_for_function(
        "() => !document.querySelector('.search-summary').textContent.includes('...')"
    )
    assert page.locator(RESULTS).count() == 0


def test_search_opens_with_the_keyboard(open_page):
    page = open_page("book/index").page
    page.keyboard.press("Control+k")
    page.wait_for_selector(".search-button__search-container input:focus")
    page.keyboard.type("perplexity")
    page.keyboard.press("Enter")
    page.wait_for_selector(RESULTS)
    assert "search.html" in page.url


def test_search_works_in_pages_opened_from_disk(chromium, book):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"file://{book / 'search.html'}?q=attention")
    page.wait_for_selector(RESULTS)
    assert page.locator(RESULTS).count() > 0
    context.close()


def test_pages_opened_from_disk_show_icons_and_log_no_error(chromium, book):
    context = chromium.new_context()
    page = context.new_page()
    errors = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.goto(f"file://{book / 'book' / 'index.html'}")
    page.wait_for_function("() => document.fonts.ready.then(() => true)")
    icons = "900 16px 'Font Awesome 6 Free'"
    assert page.evaluate("(icons) => document.fonts.check(icons)", icons)
    assert not errors
    context.close()


def test_the_first_address_leads_to_the_index(open_page):
    page = open_page("index").page
    page.wait_for_url("**/book/index.html")
    assert "LLM Notes" in page.title()
