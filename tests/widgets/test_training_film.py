"""A film of a training: everything moves with one slider, by mouse and by keys."""

import json
import re

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from llm_notes.training.callbacks.snapshots import Snapshot
from llm_notes.training.history import History
from llm_notes.widgets.explore import ExplorerTooLargeError
from llm_notes.widgets.training_film import training_film

HOSTILE = "<img src=x onerror='hacked=1'></script><script>hacked=1</script>\u202e"
STEPS = [0, 1, 2, 4, 8, 16]
TOKENS = ["The", HOSTILE, " sat"]


def attention(seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(2, 2, 3, 3, generator=generator)
    mask = torch.ones(3, 3, dtype=torch.bool).tril()
    return scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)


def frames():
    return [
        Snapshot(
            step,
            None if step == 0 else 4 / (1 + step),
            None if step == 1 else 4.5 / (1 + step),
            f"line {step}\n{HOSTILE}",
            attention(step),
            torch.full((4, 5), float(step) - 6),
        )
        for step in STEPS
    ]


def data_of(widget):
    (found,) = re.findall(r"data-llm-data>(.*?)</script>", widget.html)
    return json.loads(found)


def test_a_long_curve_is_thinned_to_means():
    losses = np.linspace(5, 1, 5000).tolist()
    history = History(train_loss=losses, validation_steps=[0], validation_loss=[5.0])
    data = data_of(training_film([Snapshot(0), Snapshot(5000)], history=history))
    points = np.array(data["curves"]["train"])
    assert len(points) <= 300
    assert (np.diff(points[:, 0]) > 0).all()
    expected = np.interp(points[:, 0], np.arange(5000), losses)
    np.testing.assert_allclose(points[:, 1], expected, atol=1e-9)
    assert data["curves"]["validation"] == [[0, 5.0]]


def test_weights_share_one_scale_over_all_steps():
    matrix = data_of(training_film(frames(), tokens=TOKENS))["matrix"]
    assert matrix["scale"] == 10
    assert matrix["shape"] == [4, 5]


def test_the_description_is_made_from_the_snapshots():
    text = training_film(frames(), tokens=TOKENS, bytes_per_token=2).description
    assert "6 moments of a training, from step 0 to step 16." in text
    assert "train loss is 2.00 at step 1 and 0.24 at step 16" in text
    assert "validation loss is 4.50 at step 0 and 0.26 at step 16" in text
    assert "0.19 bits per byte" in text
    assert "At step 16 the model writes: “line 16" in text


def test_losses_that_ran_away_leave_a_gap():
    run = [Snapshot(0), Snapshot(1, float("nan")), Snapshot(2, 3.0)]
    data = data_of(training_film(run))
    assert [frame["train"] for frame in data["frames"]] == [None, None, 3.0]
    assert data["curves"]["train"] == [[2, 3.0]]


def test_too_large_a_film_says_what_to_take_less_of():
    run = [Snapshot(i, matrix=torch.randn(200, 200)) for i in range(20)]
    with pytest.raises(ExplorerTooLargeError, match=r"20 snapshots .* bytes .matrix"):
        training_film(run)
    with pytest.raises(ExplorerTooLargeError, match="300 snapshots are too many"):
        training_film([Snapshot(i) for i in range(300)])


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ([], "snapshots in the order"),
        ([Snapshot(3), Snapshot(1)], "snapshots in the order"),
        ([Snapshot(0, text="a"), Snapshot(1)], "text is missing in some"),
        ([Snapshot(0, matrix=torch.ones(1, 2)), Snapshot(1)], "matrix is missing"),
        ([Snapshot(0, attention=attention(0))], "0 are named"),
        ([Snapshot(0, matrix=torch.ones(3))], "must be \\(R, C\\)"),
    ],
)
def test_what_is_no_run_is_refused(run, message):
    with pytest.raises(ValueError, match=message):
        training_film(run)


@pytest.fixture
def open_page(open_html):
    def open_at(width=1000, theme="light", fragment="", motion="no-preference"):
        widget = training_film(frames(), tokens=TOKENS, matrix_name=HOSTILE)
        return open_html(widget.html, width, theme, fragment, reduced_motion=motion)

    return open_at


@pytest.mark.browser
def test_the_keyboard_moves_text_losses_attention_and_weights(open_page):
    page = open_page()
    slider = page.get_by_role("slider", name="moment")
    expect(page.locator(".llm-film-facts")).to_contain_text("Step 16: training loss")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "step 0 (1 of 6)"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    facts = page.locator(".llm-film-facts")
    expect(facts).to_have_text("Step 2: training loss 1.333, validation loss 1.500.")
    assert page.locator(".llm-film-text").inner_text().startswith("line 2\n<img")
    matrix = page.locator(".llm-film-matrix")
    assert matrix.get_attribute("aria-label").endswith("at step 2: mean size 4.00")
    about = page.locator(".llm-matrix-cells").get_attribute("aria-label")
    assert about.startswith("Attention of layer 0, head 0 at step 2:")
    page.get_by_role("combobox", name="head").select_option("1")
    about = page.locator(".llm-matrix-cells").get_attribute("aria-label")
    assert about.startswith("Attention of layer 0, head 1 at step 2:")
    cell = page.locator(".llm-matrix-cells")
    cell.hover(position={"x": 10, "y": 50})
    expect(page.locator(".llm-matrix-note")).to_contain_text(
        f"{attention(2)[0, 1, 2, 0]:.4f}"
    )
    page.wait_for_timeout(500)
    again = open_page(fragment="#" + page.url.partition("#")[2])
    expect(again.locator(".llm-film-facts")).to_contain_text("Step 2:")
    assert again.get_by_role("combobox", name="head").input_value() == "1"


@pytest.mark.browser
def test_a_touch_of_the_curve_goes_to_the_nearest_moment(open_page):
    page = open_page()
    curve = page.locator(".llm-film-curve")
    box = curve.bounding_box()
    curve.click(position={"x": 46, "y": 50})
    expect(page.locator(".llm-film-facts")).to_contain_text("Step 0: validation")
    curve.click(position={"x": box["width"] - 20, "y": 50})
    expect(page.locator(".llm-film-facts")).to_contain_text("Step 16:")
    assert "Step 16" in curve.get_attribute("aria-label")
    page.get_by_label("logarithmic").uncheck()
    curve.click(position={"x": 44 + (box["width"] - 56) / 2, "y": 50})
    expect(page.locator(".llm-film-facts")).to_contain_text("Step 8:")


@pytest.mark.browser
def test_it_plays_and_stops(open_page):
    page = open_page()
    page.get_by_role("slider", name="moment").press("Home")
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".llm-film-facts")).to_contain_text("Step 1:")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(900)
    expect(page.locator(".llm-film-facts")).to_contain_text("Step 1:")


@pytest.mark.browser
def test_it_goes_step_by_step_where_motion_is_unwanted(open_page):
    page = open_page(motion="reduce")
    facts = page.locator(".llm-film-facts")
    step = page.get_by_role("button", name="Step", exact=True)
    assert "next moment" in step.get_attribute("title")
    step.focus()
    page.keyboard.press("Enter")  # from the last moment to the first
    expect(facts).to_contain_text("Step 0:")
    page.keyboard.press("Enter")
    expect(facts).to_contain_text("Step 1:")
    expect(step).to_be_focused()
    expect(page.locator("p.llm-spoken")).to_contain_text("Step 1:")
    expect(page).to_have_url(re.compile("step=1"))
    page.wait_for_timeout(900)
    expect(facts).to_contain_text("Step 1:")


@pytest.mark.browser
def test_the_wish_for_less_motion_ends_what_plays(open_page):
    page = open_page()
    page.get_by_role("slider", name="moment").press("Home")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.emulate_media(reduced_motion="reduce")
    expect(page.get_by_role("button", name="Step", exact=True)).to_be_visible()
    words = page.locator(".llm-film-facts").inner_text()
    page.wait_for_timeout(900)
    expect(page.locator(".llm-film-facts")).to_have_text(words)
    page.emulate_media(reduced_motion="no-preference")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


@pytest.mark.browser
def test_a_longer_line_of_losses_moves_nothing_below_it(open_page):
    page = open_page(width=640)
    tops = set()
    for words in ("Step 1", "word " * 20):
        page.locator(".llm-film-facts").evaluate(
            "(line, words) => { line.textContent = words; }", words
        )
        tops.add(page.locator(".llm-film-curve").bounding_box()["y"])
    assert len(tops) == 1


@pytest.mark.browser
def test_hostile_text_leaves_no_element_and_runs_no_code(open_page):
    page = open_page()
    page.locator("summary").click()
    expect(page.locator("tbody tr")).to_have_count(6)
    page.wait_for_timeout(500)
    assert page.locator("img").count() == 0
    assert "U+202E" in page.locator(".llm-film-text").inner_text()
    assert page.evaluate("window.hacked === undefined")


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page, theme, width):
    page = open_page(width, theme)
    page.locator("summary").click()
    found = Axe().run(page).response["violations"]
    assert [
        (v["id"], node["html"][:160]) for v in found for node in v["nodes"][:3]
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
