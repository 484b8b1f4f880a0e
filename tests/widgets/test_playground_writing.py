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
    def open_at(size=(1000, 700), fragment="", theme="light"):
        width, height = size
        page = open_html(html, width, theme, fragment, height=height)
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
