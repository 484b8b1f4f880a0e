"""Each kind of control, the buttons and the numbers of a twin, in a real browser."""

import itertools
import json
import random
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from axe_playwright_python.sync_playwright import Axe

from llm_notes.viz.labels import visible
from llm_notes.widgets import explore, frames, slider
from llm_notes.widgets.controls import nearest, not_listed, radio, text_field

mpl.use("agg")
pytestmark = pytest.mark.browser

HOSTILE = (
    '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
    "<b class=hostile>'\"&amp;</b>\u202e\u2028"
)
# A picture's own text is one line: white space of any kind is a space.
SAID = visible(" ".join(HOSTILE.split()), edges=False)


def with_numbers(real):
    """`figure_svg` as it is for a figure that says what it shows."""

    def figure_svg(figure, tight):
        said = getattr(figure, "said", None)
        svg = real(figure, tight)
        if said is None:
            return svg
        text = json.dumps([said]).replace("&", "&amp;").replace("<", "&lt;")
        return re.sub("<desc>.*?</desc>", lambda _: f"<desc>{text}</desc>", svg)

    return figure_svg


def told(height, colour="blue"):
    # Without a docstring the picture speaks for itself.
    figure, ax = plt.subplots(figsize=(2, 1))
    ax.bar([0], [height], color=colour)
    rows = [[HOSTILE, height], [colour, 0.25]]
    figure.said = {"text": f"{HOSTILE} {height}", "head": [HOSTILE, "n"], "rows": rows}
    return figure


@pytest.fixture(scope="module")
def body():
    kinds = explore(
        lambda step, head, word, on: f"{step} {head} {word} {on}",
        step=slider([10, 20, 30, 40], play=True),
        head=radio([1, 2, 3]),
        word=text_field(["the cat", "the dog", HOSTILE], label="a word"),
        on=[False, True],
        start={"step": 20, "head": 2, "word": "the dog"},
        alt="seen",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "figure_svg", with_numbers(frames.figure_svg))
        numbers = explore(told, height=[1, 2, 3])
        compared = explore(
            lambda **values: told(**values),
            height=[1, 2],
            colour=radio(["red", "blue"]),
            compare="height",
        )
    hostile = explore(
        lambda a, b: a + b,
        a=radio([HOSTILE, "second"], label=HOSTILE),
        b=text_field([HOSTILE, "second"], label=HOSTILE),
        alt=HOSTILE,
        compare="a",
    )
    return kinds.html + numbers.html + compared.html + hostile.html + kinds.html


@pytest.fixture
def open_page(open_html, body):
    def open_at(width=1000, theme="light", **options):
        page = open_html(body, width, theme, **options)
        page.set_default_timeout(10_000)
        return page

    return open_at


def explorer(page, place=0):
    return page.locator(".llm-explore").nth(place)


def wait_for_text(page, text, place=0):
    frame = explorer(page, place).locator(".llm-explore-frame")
    frame.get_by_text(text, exact=True).first.wait_for()


def test_arrow_keys_move_through_buttons_of_one_group_alone(open_page):
    page = open_page()
    group = explorer(page).get_by_role("group", name="head")
    group.get_by_role("radio", name="2").press("ArrowRight")
    wait_for_text(page, "20 3 the dog False")
    assert group.get_by_role("radio", name="3").is_checked()
    # The same explorer further down has its own group.
    assert explorer(page, 4).get_by_role("radio", name="2").is_checked()


def test_a_typed_text_picks_the_nearest_value_on_enter(open_page):
    page = open_page()
    field = explorer(page).get_by_role("combobox", name="a word")
    field.fill("CAT")
    wait_for_text(page, "20 2 the dog False")
    field.press("Enter")
    wait_for_text(page, "20 2 the cat False")
    assert field.input_value() == "the cat"
    # One of the list is taken as soon as it stands there.
    field.fill("the dog")
    wait_for_text(page, "20 2 the dog False")


def test_a_text_that_means_no_value_is_told_which_there_are(open_page):
    page = open_page()
    field = explorer(page).get_by_role("combobox", name="a word")
    field.fill("<b>the")
    field.press("Enter")
    alert = explorer(page).get_by_role("alert")
    words = ("the cat", "the dog", visible(HOSTILE))
    assert alert.text_content() == not_listed("<b>the", words)
    assert field.get_attribute("aria-invalid") == "true"
    described = field.evaluate(
        "e => document.getElementById(e.getAttribute('aria-describedby')).textContent"
    )
    assert described == alert.text_content()
    wait_for_text(page, "20 2 the dog False")
    field.fill("the cat")
    wait_for_text(page, "20 2 the cat False")
    assert field.get_attribute("aria-invalid") == "false"


def test_the_page_understands_a_typed_text_as_python_does(open_page):
    draw = random.Random(7)
    lists = [
        ["0.3", "0.7", "1", "1e-05"],
        ["the cat", "the dog", "The", "cat"],
        ["1", "x"],
        ["é", "É中", "中"],
        ["a b", " a b", "b"],
    ]
    letters = "thecat dog0.17é中"
    typed = ["0.5", " 1 ", "1e3", ".7", "-2", "0x10", "1_0", "inf", "", "  ", "É"]
    typed += ["".join(draw.choices(letters, k=n)) for n in (1, 1, 2, 3) * 10]
    typed += [one for texts in lists for one in texts] + ["x" * 1_000_000]
    pairs = list(itertools.product(typed, lists))
    found = open_page().evaluate(
        "pairs => pairs.map(([one, texts]) => llmNotes.explore.nearest(one, texts))",
        pairs,
    )
    expected = [nearest(one, texts) for one, texts in pairs]
    assert found == [-1 if place is None else place for place in expected]
    assert sum(place >= 0 for place in found) > 30


def test_a_slider_plays_to_its_end_and_can_be_stopped(open_page):
    page = open_page()
    page.clock.install()
    play = explorer(page).locator(".llm-explore-play")
    assert play.inner_text().split() == ["▶", "Play", "step"]
    play.press("Enter")
    wait_for_text(page, "30 2 the dog False")
    assert explorer(page).locator("output").inner_text() == "30"
    assert play.inner_text().endswith("Stop step")
    play.press("Enter")
    page.clock.run_for(5000)
    wait_for_text(page, "30 2 the dog False")
    play.press("Enter")
    page.clock.run_for(5000)
    wait_for_text(page, "40 2 the dog False")
    # From the end it begins again; whoever moves a control ends it.
    play.press("Enter")
    wait_for_text(page, "10 2 the dog False")
    page.clock.run_for(900)
    wait_for_text(page, "20 2 the dog False")
    explorer(page).get_by_role("checkbox").press("Space")
    page.clock.run_for(5000)
    wait_for_text(page, "20 2 the dog True")
    assert play.inner_text().endswith("Play step")


def test_who_asked_for_less_motion_steps(open_page):
    page = open_page(reduced_motion="reduce")
    page.clock.install()
    step = explorer(page).get_by_role("button", name="Step step")
    step.press("Enter")
    page.clock.run_for(5000)
    wait_for_text(page, "30 2 the dog False")
    step.press("Enter")
    wait_for_text(page, "40 2 the dog False")
    step.press("Enter")
    wait_for_text(page, "10 2 the dog False")


def test_home_and_end_are_the_first_and_the_last_value(open_page):
    page = open_page()
    field = explorer(page).get_by_role("slider")
    field.press("End")
    wait_for_text(page, "40 2 the dog False")
    field.press("Home")
    wait_for_text(page, "10 2 the dog False")
    assert field.get_attribute("aria-valuetext") == "10"


def test_reset_brings_back_the_start_of_one_explorer(open_page):
    page = open_page()
    for place in (0, 4):
        one = explorer(page, place)
        one.get_by_role("slider").press("End")
        one.get_by_role("radio", name="1").press("Space")
        one.get_by_role("checkbox").press("Space")
        one.get_by_role("combobox").fill("the cat")
        wait_for_text(page, "40 1 the cat True", place)
    one = explorer(page)
    one.get_by_role("button", name="Reset").press("Enter")
    wait_for_text(page, "20 2 the dog False")
    assert one.get_by_role("slider").get_attribute("aria-valuetext") == "20"
    assert one.get_by_role("combobox").input_value() == "the dog"
    wait_for_text(page, "40 1 the cat True", 4)


def cells(table):
    return table.locator("tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )


def test_the_numbers_are_one_click_away_and_follow_the_picture(open_page):
    page = open_page()
    one, shown = explorer(page, 1), visible(HOSTILE)
    assert one.locator("td").count() == 0
    one.locator("summary").press("Enter")
    one.locator("td").first.wait_for()
    head = [shown, "n"]
    assert cells(one.locator("table")) == [head, [shown, "1"], ["blue", "0.25"]]
    one.get_by_role("slider").press("ArrowRight")
    assert cells(one.locator("table")) == [head, [shown, "2"], ["blue", "0.25"]]
    one.get_by_alt_text(f"{SAID} 2 (height 2)", exact=True).wait_for()
    assert explorer(page).locator("details").count() == 0


def test_pictures_side_by_side_move_together(open_page):
    page = open_page()
    one = explorer(page, 2)
    boxes = [one.locator("figure").nth(i).bounding_box() for i in (0, 1)]
    assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"]
    assert one.locator("figcaption").all_inner_texts() == ["height 1", "height 2"]
    before = one.locator("img").evaluate_all("all => all.map(i => i.src)")
    one.locator("summary").press("Enter")
    one.get_by_role("radio", name="blue").press("Space")
    for height in (1, 2):
        alt = f"{SAID} {height} (height {height}, colour blue)"
        one.get_by_alt_text(alt, exact=True).wait_for()
    after = one.locator("img").evaluate_all("all => all.map(i => i.src)")
    assert len({*before, *after}) == 4
    assert [row[0] for row in cells(one.locator("table"))] == ["height", *"1122"]
    one.get_by_role("button", name="Reset").press("Enter")
    page.wait_for_function(
        "([root, before]) => [...root.querySelectorAll('img')]"
        ".every((image, i) => image.src === before[i])",
        arg=[one.element_handle(), before],
    )


def test_hostile_text_in_any_slot_leaves_no_element_and_runs_no_code(open_page):
    page = open_page()
    for summary in page.locator("summary").all():
        summary.press("Enter")
    page.locator("td").nth(11).wait_for()
    one, elements = explorer(page, 3), page.locator(".llm-explore *").count()
    one.get_by_role("combobox").fill(f"not {HOSTILE}")
    one.get_by_role("combobox").press("Enter")
    one.get_by_role("combobox").fill("second")
    wait_for_text(page, "secondsecond", 3)
    page.wait_for_timeout(600)  # the spoken words follow with a pause
    seen = visible(HOSTILE, edges=False)
    assert one.locator("figcaption").first.inner_text() == f"{seen} {visible(HOSTILE)}"
    assert one.locator("p.llm-spoken").text_content() == f"{seen} second"
    assert page.locator(".llm-explore *").count() == elements
    assert page.locator(".hostile, [src=x]").count() == 0
    assert page.evaluate("window.hacked === undefined")


def test_the_controls_can_be_hit_with_a_finger(open_page):
    page = open_page(width=360)
    sizes = page.locator(".llm-explore :is(button, select, label, summary)")
    for box in sizes.evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(r => [r.width, r.height])"
    ):
        assert min(box) >= 24


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page, theme, width):
    page = open_page(width, theme)
    for summary in page.locator("summary").all():
        summary.press("Enter")
    explorer(page).get_by_role("combobox").fill("none of these")
    explorer(page).get_by_role("combobox").press("Enter")
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
