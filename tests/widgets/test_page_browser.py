"""The core of the explorers that draw themselves, in a real browser, from a file."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from llm_notes.viz.labels import visible
from llm_notes.widgets.page import PageWidget

pytestmark = pytest.mark.browser

HOSTILE = (
    '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
    "<b class=hostile>'\"&amp;</b>\u202e\u2028"
)
# An explorer with one of each control, as small as one can be.
ECHO = """
globalThis.llmNotes = globalThis.llmNotes || {};
llmNotes.widgets = llmNotes.widgets || {};
llmNotes.widgets.echo = function (mount, data, host) {
  const dom = llmNotes.dom;
  const slider = dom.slider({ label: data.text, min: 0, max: 4, value: 2,
                              format: (x) => `${x} of ${data.text}` });
  const choice = dom.choice({ label: "choice", value: 2,
                              options: [[1, data.text], [2, "second"]] });
  const check = dom.checkbox({ label: "check", value: true });
  const field = dom.textField({ label: "field", value: data.text, rows: 2 });
  const press = dom.button({ label: "press", description: data.text });
  const table = dom.numbers(data.text);
  const spoken = dom.announcer(50);
  const shown = dom.make("p", { class: "shown" });
  const cell = dom.heat(dom.make("span", {}, data.text), 0.9);
  function show() {
    const values = [slider.value, choice.value, check.value];
    shown.textContent = values.join(" ");
    table.update([data.text, "b"], [[data.text, 0.25]]);
    spoken.say(`${values} ${data.text}`);
  }
  for (const one of [slider, choice, check, field]) { one.listen(show); }
  press.listen(() => { slider.value = 0; show(); });
  mount.append(dom.controls(slider, choice, check, field, press), shown, cell,
               table.element, spoken.element);
  mount.dataset.key = host.key;
  mount.load = host.file;
  mount.dataset.asks = String(host.ask !== null);
  show();
};
"""
PAGE = """<!doctype html>
<html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>Core</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
  script-src 'unsafe-inline' file:; style-src 'unsafe-inline'; img-src data:">
<style>html[data-theme="dark"] body {{ background: #121417; color: #ddd; }}</style>
<script>{echo}</script></head><body><main><h1>Core</h1>{body}</main></body></html>
"""


@pytest.fixture(scope="module")
def body():
    widget = PageWidget(
        "echo",
        {"text": HOSTILE},
        title=HOSTILE,
        description=HOSTILE,
        scripts=(),
        files={
            "near": json.dumps(["near", HOSTILE]),
            "far": json.dumps(["far", HOSTILE]),
        },
    )
    broken = PageWidget("none", {}, title="b", description="d", scripts=())
    return widget.html + widget.html + broken.html


@pytest.fixture
def open_page(chromium, body, tmp_path):
    """Open the page; afterwards only the broken explorer may have complained."""
    opened = []

    def open_at(width=1000, theme="light"):
        path = tmp_path / f"{theme}.html"
        html = PAGE.format(theme=theme, body=body, echo=ECHO)
        # As the build of the book does it with what is large.
        far = re.compile(r'(data-llm-file="far")>([^<]*)<')
        script = f'llmNotes.deliver("id", {far.search(html)[2]});'
        (tmp_path / "far.js").write_text(script, encoding="utf-8")
        html = far.sub(r'\1 data-name="id" data-source="far.js"><', html)
        path.write_text(html, encoding="utf-8")
        page = chromium.new_page(viewport={"width": width, "height": 700})
        complaints = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        opened.append((page, complaints))
        page.goto(path.as_uri())
        return page

    yield open_at
    for page, complaints in opened:
        page.close()
        assert len(complaints) == 1 and "is not a function" in complaints[0]


def shown(page, place=0):
    return page.locator(".shown").nth(place).inner_text()


def test_controls_answer_to_keys(open_page):
    page = open_page()
    assert shown(page) == "2 2 true"
    page.get_by_role("slider").first.press("ArrowRight")
    page.get_by_label("choice").first.press("ArrowUp")
    page.get_by_label("check").first.press("Space")
    assert shown(page) == "3 1 false"
    page.get_by_role("button", name="press").first.press("Enter")
    assert shown(page) == "0 1 false"
    assert shown(page, 1) == "2 2 true"


def test_a_slider_says_its_value(open_page):
    slider = open_page().get_by_role("slider").first
    said = visible(HOSTILE, edges=False)
    assert slider.get_attribute("aria-valuetext") == f"2 of {HOSTILE}"
    assert said in slider.evaluate("e => llmNotes.dom.visible(e.ariaValueText)")


def test_text_from_data_leaves_no_element_and_runs_no_code(open_page):
    page = open_page()
    page.locator("summary").first.click()
    page.wait_for_timeout(100)
    assert page.locator("td").first.inner_text() == visible(HOSTILE)
    assert page.locator(".hostile, .llm-widget img").count() == 0
    assert page.evaluate("window.hacked === undefined")


def test_two_of_one_kind_keep_apart(open_page):
    keys = (
        open_page()
        .locator("[data-key]")
        .evaluate_all("all => all.map(e => [e.dataset.key, e.dataset.asks])")
    )
    assert len({key for key, _ in keys}) == 2
    assert {asks for _, asks in keys} == {"false"}


@pytest.mark.parametrize("name", ["near", "far"])
def test_a_file_comes_when_it_is_asked_for(open_page, name):
    load = f"mount => Promise.all([mount.load('{name}'), mount.load('{name}')])"
    page = open_page()
    assert page.locator("[data-key]").first.evaluate(load) == [[name, HOSTILE]] * 2
    n_loaded = page.locator("head > script[src]").count()
    assert n_loaded == (1 if name == "far" else 0)


def test_a_file_that_is_not_there_is_named(open_page):
    load = "mount => mount.load('no such').catch(error => error.message)"
    assert "no file no such" in open_page().locator("[data-key]").first.evaluate(load)


def test_an_explorer_that_fails_says_so(open_page):
    alert = open_page().get_by_role("alert")
    assert "could not start" in alert.inner_text()


@pytest.mark.parametrize(
    "text", ["a\n\tb", "  a ", "   ", "", "\u202e\ud800\ufeff\x07é中"]
)
def test_invisible_characters_are_shown_as_python_shows_them(open_page, text):
    page = open_page()
    codes = [ord(c) for c in text]
    found = page.evaluate(
        "codes => { const t = String.fromCodePoint(...codes);"
        " return [llmNotes.dom.visible(t), llmNotes.dom.visible(t, false)]; }",
        codes,
    )
    assert found == [visible(text), visible(text, edges=False)]


def test_work_in_slices_lets_the_page_answer(open_page):
    answered = open_page().evaluate(
        """async () => {
          let answered = false;
          setTimeout(() => { answered = true; }, 0);
          const end = performance.now() + 500;
          while (!answered && performance.now() < end) { await llmNotes.dom.slice(); }
          return answered;
        }"""
    )
    assert answered


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page, theme, width):
    page = open_page(width, theme)
    page.locator("summary").first.click()
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
