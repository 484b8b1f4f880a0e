"""The reader types, and a model in the page writes: by mouse, by keys, and aloud."""

import time

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from llm_notes.data.tokenizers import BytePairTokenizer
from llm_notes.inference.export import write_bundle
from llm_notes.inference.quantization import FORMATS, quantize_model
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel
from llm_notes.widgets.page import WidgetTooLargeError
from llm_notes.widgets.playground import PageModel, _answer, playground

HOSTILE = (
    "<img src=x onerror='window.hacked=1'></script><script>hacked=1</script>\u202e"
)
TEXT = "the value of the object is the value of the name, and so on. " * 20


def small_models():
    tokenizer = BytePairTokenizer.train(TEXT, 300)
    torch.manual_seed(0)
    size = tokenizer.vocab_size
    gpt = GPT(GPTConfig(size, 24, n_layers=2, n_heads=2, d_model=16, rotary=True))
    rnn = RNNLanguageModel(RNNConfig(size, 12))
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    models = {}
    for name, model in (("GPT", gpt), (f"LSTM {HOSTILE}", rnn)):
        small = quantize_model(model.eval(), FORMATS["int8"], embeddings=True)
        about = f"About {name}."
        models[name] = PageModel(write_bundle(small, tokenizer), about, model)
    return models


@pytest.fixture(scope="module")
def models():
    return small_models()


@pytest.fixture(scope="module")
def widget(models):
    return playground(models, ["the value", f"{HOSTILE} is"], title="Play")


def test_a_playground_needs_a_model_that_the_page_can_run(models):
    with pytest.raises(ValueError, match="at least one model"):
        playground({})
    bundle = next(iter(models.values())).bundle
    other = PageModel(bundle.replace(b'"GPT"', b'"XYZ"'), "about")
    with pytest.raises(ValueError):  # changed bytes are noticed before that
        playground({"other": other})
    with pytest.raises(WidgetTooLargeError):
        playground(models, max_bytes=10_000)


def test_python_gives_the_logits_of_its_own_model(models):
    ids = [5, 100, 7]
    answer = _answer(models, {"model": "GPT", "ids": ids})
    with torch.no_grad():
        expected = models["GPT"].model(torch.tensor([ids]))[0, -1]
    torch.testing.assert_close(torch.tensor(answer["logits"]), expected)
    assert not answer["slid"]
    long = _answer(models, {"model": "GPT", "ids": ids * 20})
    assert long["slid"]


@pytest.mark.parametrize("request_", [{"model": "none", "ids": [1]}, {"model": "GPT"}])
def test_a_request_that_cannot_be_answered_says_why(models, request_):
    with pytest.raises(ValueError, match=r"no model|ids of a text"):
        _answer(models, request_)


@pytest.fixture
def open_page(open_html, widget):
    def open_at(width=1000, theme="light", fragment=""):
        page = open_html(widget.html, width, theme, fragment)
        page.locator(".llm-token").first.wait_for()
        return page

    return open_at


def written(page, column=0):
    """The tokens after the prompt, once the writing has come to rest."""
    return (
        page.locator(".llm-column")
        .nth(column)
        .locator(".llm-token:not(.llm-prompt)")
        .all_inner_texts()
    )


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def wait_for_tokens(page, n, column=0):
    tokens = (
        page.locator(".llm-column").nth(column).locator(".llm-token:not(.llm-prompt)")
    )
    expect(tokens).to_have_count(n)


browser = pytest.mark.browser


@browser
def test_the_prompt_is_read_at_once_and_enter_writes(open_page):
    page = open_page()
    assert page.locator(".llm-prompt").all_inner_texts() != []
    page.get_by_label("Your text").press("Enter")
    wait_for_tokens(page, 60)
    assert "tokens/s" in page.locator(".llm-facts").inner_text()
    assert "has left the context" in page.locator(".llm-facts").inner_text()


@browser
def test_a_seed_gives_the_same_text_and_steps_give_it_too(open_page):
    page = open_page()
    press(page, "Write")
    wait_for_tokens(page, 60)
    whole = written(page)
    press(page, "Write")
    wait_for_tokens(page, 60)
    assert written(page) == whole
    page = open_page()
    for n in range(1, 6):
        press(page, "Step")
        wait_for_tokens(page, n)
    assert written(page) == whole[:5]
    press(page, "Undo")
    press(page, "Undo")
    wait_for_tokens(page, 3)
    press(page, "Step")
    wait_for_tokens(page, 4)
    assert written(page) == whole[:4]
    page.locator("summary", has_text="drawn").click()
    page.get_by_label("seed").fill("2")
    press(page, "Write")
    wait_for_tokens(page, 60)
    assert written(page) != whole


@browser
def test_a_candidate_can_be_taken_instead(open_page):
    page = open_page()
    press(page, "Write")
    wait_for_tokens(page, 60)
    before = written(page)
    page.locator(".llm-token:not(.llm-prompt)").nth(3).click()
    candidates = page.locator(".llm-candidate")
    assert candidates.count() >= 8
    current = page.locator(".llm-candidate[aria-current]").all_inner_texts()
    assert len(current) == 1
    other = page.locator(".llm-candidate:not([aria-current])").first
    other.click()
    wait_for_tokens(page, 4)
    assert written(page)[:3] == before[:3]
    assert written(page)[3] != before[3]


@browser
def test_all_of_it_works_by_keys(open_page):
    page = open_page()
    page.get_by_label("Your text").press("Enter")
    wait_for_tokens(page, 60)
    tokens = page.locator(".llm-tokens")
    tokens.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    chosen = page.locator('.llm-token[aria-selected="true"]')
    assert tokens.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    assert "bits" in chosen.get_attribute("aria-label")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "llm-candidate"
    page.keyboard.press("Enter")
    wait_for_tokens(page, 59)


@browser
def test_attention_of_a_token_is_shown_by_layer_and_head(open_page):
    page = open_page()
    press(page, "Write")
    wait_for_tokens(page, 60)
    page.locator(".llm-token").nth(8).click()
    assert page.locator(".llm-strip .llm-token").count() == 8
    before = page.locator(".llm-looks .llm-quiet").inner_text()
    assert before.startswith("Looks most at")
    page.get_by_role("combobox", name="head", exact=True).select_option("1")
    page.get_by_role("combobox", name="layer", exact=True).select_option("0")
    assert page.locator(".llm-looks .llm-quiet").inner_text() != before


@browser
@pytest.mark.parametrize("part", ["causal mask", "positions", "divide scores by √d_k"])
def test_a_part_taken_away_writes_beside_the_intact_model(open_page, part):
    page = open_page()
    page.locator("summary", has_text="parts away").click()
    page.get_by_label(part).click()
    wait_for_tokens(page, 60, column=1)
    wait_for_tokens(page, 60, column=0)
    verdict = page.locator(".llm-verdict")
    verdict.get_by_text(f"without {part}").wait_for()
    assert written(page, 0) != written(page, 1)
    press(page, "Put all back")
    expect(page.locator(".llm-column")).to_have_count(1)


@browser
def test_models_stand_side_by_side(open_page):
    page = open_page()
    page.get_by_role("combobox", name="model").select_option("all side by side")
    wait_for_tokens(page, 60, column=1)
    wait_for_tokens(page, 60, column=0)
    titles = page.locator(".llm-column-title").all_inner_texts()
    assert titles[1].startswith("LSTM")
    page.locator(".llm-verdict", has_text="bits per byte").wait_for()
    page.locator(".llm-column").nth(1).locator(".llm-token").nth(6).click()
    assert page.locator(".llm-candidate").count() >= 8
    assert page.locator(".llm-looks").is_hidden()  # there is no attention to show


@browser
def test_typing_is_read_with_a_pause_and_stop_stops(open_page):
    page = open_page()
    page.locator("summary", has_text="drawn").click()
    page.get_by_label("tokens to write").select_option("300")
    n_before = page.locator(".llm-prompt").count()
    page.get_by_label("Your text").fill("the value of the object")
    expect(page.locator(".llm-prompt")).not_to_have_count(n_before)
    page.evaluate(
        """() => {
          const press = (name) => [...document.querySelectorAll("button")]
            .find((b) => b.textContent === name).click();
          press("Write");
          setTimeout(() => press("Stop"), 60);
        }"""
    )
    time.sleep(0.5)
    n_then = len(written(page))
    time.sleep(0.3)
    assert len(written(page)) == n_then < 300


@browser
def test_a_megabyte_on_one_line_does_not_hang_the_page(open_page):
    page = open_page()
    page.evaluate(
        """() => {
          const field = document.querySelector("textarea");
          field.value = "x".repeat(1e6);
          field.dispatchEvent(new Event("input"));
        }"""
    )
    page.get_by_text("Only the last 2,000 characters are read").wait_for()
    longest = page.evaluate(
        """async () => {
          let longest = 0;
          for (let i = 0; i < 40; i += 1) {
            const start = performance.now();
            await new Promise((resolve) => setTimeout(resolve, 10));
            longest = Math.max(longest, performance.now() - start);
          }
          return longest;
        }"""
    )
    assert longest < 1000


@browser
@pytest.mark.parametrize(
    "text", ["中文 é", "👩‍👩‍👧 a\u0301", "\u202eabc", "a\n\n b\t", ""]
)
def test_any_text_is_a_prompt(open_page, text):
    page = open_page()
    page.get_by_label("Your text").fill(text)
    press(page, "Write")
    if text:
        wait_for_tokens(page, 60)
    page.wait_for_timeout(300)
    assert page.get_by_role("alert").count() == 0


@browser
def test_hostile_text_leaves_no_element_and_runs_no_code(open_page):
    page = open_page()
    page.get_by_label("Your text").fill(HOSTILE)
    page.get_by_role("combobox", name="model").select_option("all side by side")
    wait_for_tokens(page, 60, column=1)
    page.locator(".llm-token").nth(2).click()
    page.locator(".llm-panel summary").first.click()
    page.wait_for_timeout(600)
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked === undefined")


@browser
def test_a_view_can_be_linked(open_page):
    page = open_page()
    page.get_by_label("Your text").fill("the name of")
    page.locator("summary", has_text="drawn").click()
    page.get_by_label("temperature").press("Home")
    page.locator("summary", has_text="parts away").click()
    page.get_by_label("positions").click()
    wait_for_tokens(page, 60, column=1)
    page.wait_for_timeout(500)
    fragment = "#" + page.url.partition("#")[2]
    again = open_page(fragment=fragment)
    assert again.get_by_label("Your text").input_value() == "the name of"
    assert again.get_by_label("temperature").input_value() == "0"
    again.locator(".llm-column").nth(1).wait_for()
    assert (
        not again.locator("label", has_text="positions").locator("input").is_checked()
    )


@browser
def test_the_tour_has_six_steps_and_escape_ends_it(open_page):
    page = open_page()
    press(page, "Take the tour: six steps")
    for n in range(1, 7):
        page.locator(".llm-tour p").get_by_text(f"{n} of 6").wait_for()
        page.wait_for_timeout(150)
        page.get_by_role("button", name="Done" if n == 6 else "Next").press("Enter")
    page.get_by_role("button", name="Take the tour").press("Enter")
    page.keyboard.press("Escape")
    assert page.locator(".llm-tour").is_hidden()
    assert "Take the tour" in page.evaluate("document.activeElement.textContent")


@browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page, theme, width):
    page = open_page(width, theme)
    press(page, "Write")
    wait_for_tokens(page, 60)
    page.locator(".llm-token").nth(8).click()
    for summary in page.locator("summary").all():
        summary.click()
    found = Axe().run(page).response["violations"]
    assert [
        (v["id"], node["html"][:160]) for v in found for node in v["nodes"][:3]
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
