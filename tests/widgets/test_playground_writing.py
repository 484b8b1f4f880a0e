"""A text in the playground is written again, stopped, and seen with other knobs."""

import re

import pytest
import torch
from playwright.sync_api import expect

from llm_notes.data.tokenizers import BytePairTokenizer
from llm_notes.inference.export import write_bundle
from llm_notes.inference.quantization import FORMATS, quantize_model
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.widgets.playground import PageModel, playground

pytestmark = pytest.mark.browser

TEXT = "the value of the object is the value of the name, and so on. " * 20
# A model that takes its time, so that there is something to stop.
SLOW = """
  const read = llmNotes.writing.reader;
  llmNotes.writing.reader = (...given) => {
    const reader = read(...given);
    const push = reader.push;
    reader.push = async (...token) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return push(...token);
    };
    return reader;
  };
"""


@pytest.fixture(scope="module")
def html():
    tokenizer = BytePairTokenizer.train(TEXT, 300)
    torch.manual_seed(0)
    size = tokenizer.vocab_size
    gpt = GPT(GPTConfig(size, 24, n_layers=2, n_heads=2, d_model=16, rotary=True))
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    small = quantize_model(gpt.eval(), FORMATS["int8"], embeddings=True)
    model = PageModel(write_bundle(small, tokenizer), "About GPT.", gpt)
    return playground({"GPT": model}, ["the value"], title="Play").html


@pytest.fixture
def open_page(open_html, html):
    def open_at(size=(1000, 700), fragment="", before=""):
        width, height = size
        start = "<script>llmNotes.start()"
        assert html.count(start) == 1
        body = html.replace(start, f"<script>{before}llmNotes.start()")
        page = open_html(body, width, fragment=fragment, height=height)
        page.locator(".llm-tokens .llm-token").first.wait_for()
        return page

    return open_at


def written(page):
    return page.locator(".llm-tokens .llm-token:not(.llm-prompt)")


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def write(page, name="Write"):
    button(page, name).click()
    expect(page.locator(".llm-facts")).to_contain_text("tokens/s")
    expect(button(page, "Write")).to_be_visible()
    expect(written(page)).to_have_count(60)
    return written(page).all_inner_texts()


def open_knobs(page):
    page.locator("summary", has_text="drawn").click()


def note(page):
    return page.locator(".llm-note")


def test_another_text_is_written_with_the_next_seed(open_page):
    page = open_page()
    texts = [write(page), write(page, "Another"), write(page, "Another")]
    assert len({"".join(text) for text in texts}) == 3
    open_knobs(page)
    expect(page.get_by_label("seed")).to_have_value("3")
    expect(page).to_have_url(re.compile("seed=3"))
    expect(note(page)).to_be_empty()
    button(page, "Another").focus()
    assert button(page, "Another").get_attribute("title") == (
        "Write another text from the same beginning"
    )
    page.keyboard.press("Enter")
    expect(page.get_by_label("seed")).to_have_value("4")
    expect(button(page, "Another")).to_be_focused()
    again = open_page(fragment="#" + page.url.partition("#")[2])
    assert write(again) == texts[2]


@pytest.mark.parametrize("name", ["temperature", "top-k"])
def test_where_nothing_is_drawn_there_is_no_other_text(open_page, name):
    page = open_page()
    open_knobs(page)
    if name == "top-k":
        page.get_by_label(name).select_option("1")
    else:
        page.get_by_label(name).press("Home")
    text = write(page)
    button(page, "Another").click()
    expect(note(page)).to_contain_text("There is no other text")
    expect(page.get_by_label("seed")).to_have_value("1")
    assert written(page).all_inner_texts() == text


def test_the_same_text_by_another_seed_is_told_as_such(open_page):
    page = open_page()
    open_knobs(page)
    page.get_by_label("top-p").press("Home")
    page.get_by_label("temperature").fill("0.1")
    text = write(page)
    assert write(page, "Another") == text
    expect(note(page)).to_contain_text("no other token is likely")
    assert write(page) == text
    expect(note(page)).to_contain_text("The same seed and knobs")


def test_another_needs_a_beginning_and_takes_no_seed_without_one(open_page):
    page = open_page()
    button(page, "Clear").click()
    button(page, "Another").click()
    expect(note(page)).to_contain_text("Type a few words first")
    open_knobs(page)
    expect(page.get_by_label("seed")).to_have_value("1")


def test_seeds_begin_anew_after_the_last_that_the_field_holds(open_page):
    page = open_page(fragment="#~play?seed=999999999")
    write(page, "Another")
    open_knobs(page)
    expect(page.get_by_label("seed")).to_have_value("0")


@pytest.mark.parametrize("width", [320, 360, 390, 1000])
def test_no_button_stands_alone_on_a_line(open_page, width):
    page = open_page(size=(width, 700))
    names = ["Write", "Another", "Step", "Undo", "Clear"]
    boxes = {name: button(page, name).bounding_box() for name in names}
    lines = {}
    for name, box in boxes.items():
        lines.setdefault(round(box["y"]), []).append(name)
        assert box["x"] + box["width"] <= width
        assert box["height"] >= 32
    assert list(lines.values()) in ([names], [names[:3], names[3:]])
    if width >= 360:
        assert len(lines) == 1


def begin_long(page):
    open_knobs(page)
    page.get_by_label("tokens to write").select_option("300")
    button(page, "Write").click()
    expect(written(page).nth(3)).to_be_visible()


def expect_stopped(page):
    expect(button(page, "Write")).to_be_visible()
    n = written(page).count()
    page.wait_for_timeout(200)
    assert 3 < written(page).count() == n < 300


@pytest.mark.parametrize("place", ["textarea", ".llm-main", ".llm-tokens", "select"])
def test_escape_stops_a_writing_from_any_place(open_page, place):
    page = open_page(before=SLOW)
    begin_long(page)
    assert button(page, "Stop").get_attribute("title") == "Escape stops as well"
    page.locator(place).first.focus()
    page.keyboard.press("Escape")
    expect_stopped(page)
    expect(page.locator("p.llm-spoken")).to_have_text("Stopped.")
    assert not button(page, "Write").get_attribute("title")


def test_escape_stops_before_it_lets_a_token_go(open_page):
    page = open_page(before=SLOW)
    begin_long(page)
    page.locator(".llm-tokens").focus()
    page.keyboard.press("Home")
    chosen = page.locator('.llm-tokens [aria-selected="true"]')
    expect(chosen).to_have_count(1)
    page.keyboard.press("Escape")
    expect_stopped(page)
    expect(chosen).to_have_count(1)
    page.keyboard.press("Escape")
    expect(chosen).to_have_count(0)


def test_escape_stops_before_it_ends_the_tour(open_page):
    page = open_page(before=SLOW)
    button(page, "Take the tour: six steps").click()
    expect(page.locator(".llm-pointed")).to_have_count(1)
    begin_long(page)
    page.keyboard.press("Escape")
    expect_stopped(page)
    assert page.locator(".llm-tour").is_visible()
    page.keyboard.press("Escape")
    assert page.locator(".llm-tour").is_hidden()


def test_what_is_shown_after_a_stop_is_of_the_text_as_it_is(open_page):
    page = open_page(before=SLOW)
    begin_long(page)
    button(page, "Stop").click()
    expect_stopped(page)
    n = written(page).count()
    candidate = page.locator(".llm-candidate").nth(1)
    name = candidate.locator(".llm-candidate-text").inner_text()
    candidate.click()
    expect(written(page)).to_have_count(n + 1)
    assert written(page).last.get_attribute("aria-label").startswith(f"{name}, ")
    page.locator("summary", has_text="The text in numbers").click()
    expect(page.locator("tr", has_text="the model")).to_have_count(n + 1)


def go_to_temperature(page):
    button(page, "Take the tour: six steps").click()
    for n in range(1, 5):
        expect(page.locator(".llm-tour p")).to_contain_text(f"{n} of 6")
        expect(page.locator(".llm-pointed")).to_have_count(1)
        if n < 4:
            expect(button(page, "Write")).to_be_visible()
            button(page, "Next").click()


@pytest.mark.parametrize("size", [(1280, 700), (390, 760)])
def test_the_text_is_in_sight_when_the_tour_sets_the_temperature(open_page, size):
    page = open_page(size)
    page.evaluate(
        """() => {
          globalThis.texts = []; // how long the text was when it was pointed at
          new MutationObserver(() => {
            if (document.querySelector(".llm-columns.llm-pointed")) {
              texts.push(document.querySelectorAll(
                ".llm-tokens .llm-token:not(.llm-prompt)").length);
            }
          }).observe(document.querySelector(".llm-columns"), { attributes: true });
        }"""
    )
    go_to_temperature(page)
    expect(page.locator(".llm-columns.llm-pointed")).to_have_count(1)
    expect(button(page, "Write")).to_be_visible()
    expect(written(page)).to_have_count(60)
    assert page.evaluate("Math.min(...texts)") < 60
    page.wait_for_timeout(600)  # until it has scrolled
    box = page.locator(".llm-tokens").bounding_box()
    tour = page.locator(".llm-tour").bounding_box()
    assert box["y"] >= tour["y"] + tour["height"] - 1
    assert box["y"] + box["height"] <= size[1]
    assert page.locator("summary", has_text="drawn").evaluate("s => s.parentNode.open")
    expect(page.get_by_label("temperature")).to_have_value("0")


def drawn_with(page):
    return page.locator(".llm-drawn-with")


def test_a_text_says_which_knobs_wrote_it_when_they_are_moved(open_page):
    page = open_page()
    open_knobs(page)
    temperature = page.get_by_label("temperature")
    temperature.fill("1")
    expect(drawn_with(page)).to_be_empty()  # nothing has been written
    write(page)
    expect(drawn_with(page)).to_be_empty()
    top = "knob => Math.round(knob.getBoundingClientRect().top + scrollY)"
    before = temperature.evaluate(top)
    temperature.fill("1.5")
    expect(drawn_with(page)).to_have_text(
        "Written with temperature 1; press Write for the new settings."
    )
    assert temperature.evaluate(top) == before
    page.get_by_label("top-k").select_option("50")
    expect(drawn_with(page)).to_contain_text("temperature 1, top-k off;")
    page.get_by_label("seed").fill("7")  # the distribution stays
    temperature.fill("1")
    expect(drawn_with(page)).to_contain_text("Written with top-k off;")
    button(page, "Step").click()
    expect(written(page)).to_have_count(61)
    expect(drawn_with(page)).to_contain_text("Partly written with top-k off;")
    write(page)
    expect(drawn_with(page)).to_be_empty()
    assert drawn_with(page).get_attribute("role") == "status"


def test_knobs_moved_while_it_writes_are_told_at_the_end(open_page):
    page = open_page(before=SLOW)
    begin_long(page)
    page.get_by_label("temperature").fill("2")
    assert drawn_with(page).inner_text() == ""
    button(page, "Stop").click()
    expect(drawn_with(page)).to_contain_text("Written with temperature 0.8;")
    button(page, "Clear").click()
    expect(drawn_with(page)).to_be_empty()


def test_the_text_of_the_tour_says_its_temperature_when_the_tour_ends(open_page):
    page = open_page()
    go_to_temperature(page)
    expect(button(page, "Write")).to_be_visible()
    expect(written(page)).to_have_count(60)
    page.keyboard.press("Escape")
    expect(page.get_by_label("temperature")).to_have_value("0.8")
    expect(drawn_with(page)).to_contain_text("Written with temperature 0;")
