"""Explorers move in the built page, where there is no kernel: by mouse and by keys."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.book, pytest.mark.browser]

# What an explorer shows now, pictures and text alike.
SHOWN = """(root) => {
  const frame = root.querySelector(".llm-explore-frame");
  const image = frame.querySelector("img");
  return (image ? image.src + image.alt : "") + frame.textContent;
}"""


def wait_for_change(page, explorer, before: str) -> None:
    handle = explorer.element_handle()
    page.wait_for_function(
        f"([root, before]) => ({SHOWN})(root) !== before", arg=[handle, before]
    )


@pytest.fixture
def explorers(open_page, notebook_page):
    """(page, its explorers) of a notebook's page that has some."""
    page = open_page(notebook_page).page
    found = page.locator(".llm-explore[data-ready]").all()
    if not found:
        pytest.skip("this chapter has no explorer")
    return page, found


def test_the_book_has_explorers(book, notebook_pages):
    with_one = [
        page
        for page in notebook_pages
        if 'class="llm-explore"' in (book / f"{page}.html").read_text(encoding="utf-8")
    ]
    assert len(with_one) >= 2


def test_arrow_keys_move_a_slider(explorers):
    page, found = explorers
    for explorer in found:
        for slider in explorer.locator("input[type=range]").all():
            before = explorer.evaluate(SHOWN)
            slider.focus()
            at_end = slider.evaluate("(e) => e.value === e.max")
            page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
            wait_for_change(page, explorer, before)
            page.keyboard.press("ArrowRight" if at_end else "ArrowLeft")
            page.wait_for_function(
                f"([root, before]) => ({SHOWN})(root) === before",
                arg=[explorer.element_handle(), before],
            )


def test_the_mouse_moves_a_slider(explorers):
    page, found = explorers
    for explorer in found:
        for slider in explorer.locator("input[type=range]").all():
            slider.scroll_into_view_if_needed()
            before = explorer.evaluate(SHOWN)
            box = slider.bounding_box()
            at_end = slider.evaluate("(e) => e.value === e.max")
            x = box["x"] + (4 if at_end else box["width"] - 4)
            page.mouse.click(x, box["y"] + box["height"] / 2)
            wait_for_change(page, explorer, before)


def test_a_slider_says_its_name_and_value(explorers):
    _, found = explorers
    for explorer in found:
        for slider in explorer.locator("input[type=range]").all():
            assert slider.get_attribute("aria-valuetext")
            named = slider.evaluate(
                "(e) => e.ariaLabel || [...e.labels].map((l) => l.innerText).join(' ')"
            )
            assert named.strip()


def test_a_list_changes_the_picture(explorers):
    page, found = explorers
    for explorer in found:
        for field in explorer.locator("select").all():
            before = explorer.evaluate(SHOWN)
            n_options = field.evaluate("(e) => e.options.length")
            chosen = field.evaluate("(e) => e.selectedIndex")
            field.select_option(index=(chosen + 1) % n_options)
            wait_for_change(page, explorer, before)


def test_explorers_fit_a_phone(open_page, notebook_page):
    page = open_page(notebook_page, "dark", "phone").page
    for explorer in page.locator(".llm-explore").all():
        box = explorer.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
