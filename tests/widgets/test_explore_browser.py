"""The twin in a real browser, from a file on disk, with nothing but itself."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from axe_playwright_python.sync_playwright import Axe

from llm_notes.widgets import explore, slider

mpl.use("agg")
pytestmark = pytest.mark.browser

HOSTILE = (
    '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
    "<b class=hostile>'\"&amp;</b>\u202e\u2028"
)


def bars(height, colour, grid):
    """a bar"""
    figure, ax = plt.subplots(figsize=(6, 2))
    ax.bar([0], [height], color=colour)
    ax.set_ylim(0, 4)
    ax.grid(grid)
    return figure


@pytest.fixture(scope="module")
def body():
    picture = explore(
        bars, height=[1, 2, 3], colour=["blue", "red"], grid=[False, True],
        start={"height": 2},
    )  # fmt: skip
    text = explore(
        lambda choice: f"{HOSTILE}{choice}",
        choice=slider([HOSTILE, "second"], label=HOSTILE),
        alt=lambda choice: HOSTILE,
    )
    # The same explorer twice: nothing on a page may depend on being the only one.
    return picture.html + text.html + picture.html


@pytest.fixture
def open_page(open_html, body):
    def open_at(width=1000, theme="light"):
        return open_html(body, width, theme)

    return open_at


def picture(page, explorer=0):
    return page.locator(".llm-explore").nth(explorer).locator("img")


def wait_for_alt(page, alt, explorer=0):
    picture(page, explorer).and_(page.get_by_alt_text(alt, exact=True)).wait_for()


def test_the_keyboard_moves_the_picture(open_page):
    page = open_page()
    before = picture(page).get_attribute("src")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"
    page.keyboard.press("ArrowRight")
    wait_for_alt(page, "a bar (height 3, colour blue, grid False)")
    assert picture(page).get_attribute("src") != before
    assert page.locator("output").first.inner_text() == "3"
    assert page.get_by_label("height").first.get_attribute("aria-valuetext") == "3"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    wait_for_alt(page, "a bar (height 3, colour red, grid False)")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    wait_for_alt(page, "a bar (height 3, colour red, grid True)")
    spoken = "a bar (height 3, colour red, grid True)"
    status = page.locator(".llm-explore p.llm-spoken").first
    status.and_(page.get_by_text(spoken, exact=True)).wait_for(state="attached")
    # Back at the start, the picture is the one that came with the page.
    page.get_by_label("height").first.press("ArrowLeft")
    page.get_by_label("colour").first.press("ArrowUp")
    page.get_by_label("grid").first.press("Space")
    wait_for_alt(page, "a bar (height 2, colour blue, grid False)")
    assert picture(page).get_attribute("src") == before


def test_the_mouse_moves_one_explorer_and_leaves_the_others(open_page):
    page = open_page()
    box = page.get_by_label("height").first.bounding_box()
    page.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2)
    wait_for_alt(page, "a bar (height 1, colour blue, grid False)")
    assert picture(page, 2).get_attribute("alt").startswith("a bar (height 2")
    page.get_by_label("colour").nth(1).select_option("red")
    wait_for_alt(page, "a bar (height 2, colour red, grid False)", explorer=2)


def test_every_picture_can_be_painted(open_page):
    page = open_page()
    page.get_by_label("height").first.fill("0")
    wait_for_alt(page, "a bar (height 1, colour blue, grid False)")
    widths = page.locator("img").evaluate_all("all => all.map(i => i.naturalWidth)")
    assert len(widths) == 2 and min(widths) > 100


def test_hostile_text_leaves_no_element_and_runs_no_code(open_page):
    page = open_page()
    slot = page.locator(".llm-explore").nth(1)
    elements = slot.locator("*").count()
    shown = HOSTILE.replace("\u202e", "U+202E").replace("\u2028", "U+2028")
    assert slot.locator("pre").inner_text() == shown * 2
    assert slot.locator("output").inner_text() == shown
    slot.locator("input").press("ArrowRight")
    slot.locator("pre").get_by_text("second").wait_for()
    assert slot.locator("pre").inner_text() == shown + "second"
    page.wait_for_timeout(600)  # the spoken description follows with a pause
    assert slot.locator("p.llm-spoken").text_content() == shown
    assert slot.locator("*").count() == elements
    assert page.locator(".hostile").count() == 0
    assert page.evaluate("window.hacked === undefined")


def test_nothing_scrolls_sideways_on_a_phone(open_page):
    page = open_page(width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert picture(page).bounding_box()["width"] <= 360


def test_the_focus_can_be_seen(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    style = "getComputedStyle(document.activeElement)"
    assert page.evaluate(f"{style}.outlineStyle") == "solid"
    assert page.evaluate(f"parseFloat({style}.outlineWidth)") >= 2


def test_pictures_are_turned_in_the_dark_theme_only(open_page):
    style = "image => getComputedStyle(image).filter"
    assert picture(open_page()).evaluate(style) == "none"
    assert "invert(0.93)" in picture(open_page(theme="dark")).evaluate(style)


def test_the_script_may_run_twice(open_page, body):
    page = open_page()
    for script in page.locator(".llm-explore script").all_text_contents():
        if not script.startswith("{"):
            page.evaluate(script)
    page.get_by_label("height").first.press("ArrowRight")
    wait_for_alt(page, "a bar (height 3, colour blue, grid False)")


def test_the_first_picture_needs_no_script(open_html, body):
    page = open_html(body, java_script_enabled=False)
    assert picture(page).bounding_box()["height"] > 100


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation(open_page, theme):
    page = open_page(theme=theme)
    found = Axe().run(page).response["violations"]
    serious = [v["id"] for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []
