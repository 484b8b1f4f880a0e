"""The knobs of the draw, on one distribution: what they rule out, and draws."""

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from llm_notes.inference.sampling import SamplingSettings
from llm_notes.widgets.sampling_explorer import NextToken, sampling_explorer

HOSTILE = "<img src=x onerror='hacked=1'></script><script>hacked=1</script>\u202e"
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head>
<meta charset="utf-8"><title>Sampling</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
  script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<style>html[data-theme="dark"] body {{ background: #121417; color: #ddd }}</style>
</head><body><main><h1>Sampling</h1>{body}</main></body></html>"""
TOKENS = [HOSTILE, "\n", *(f" word{i}" for i in range(58))]


def logits(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(60, generator=generator) * 2


CONTEXTS = [NextToken("The value", logits(0), [3, 4]), NextToken(HOSTILE, logits(1))]


def test_the_description_names_the_likeliest_tokens():
    p = logits(0).softmax(-1)
    text = sampling_explorer(CONTEXTS, TOKENS).description
    assert text.startswith("After “The value”: ")
    assert f"{p.max():.2f}" in text


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([], TOKENS), {}, "distributions over nothing"),
        ((CONTEXTS, TOKENS[:-1]), {}, "59 tokens"),
        ((CONTEXTS, TOKENS), {"start": {"heat": 1}}, "unknown knobs heat"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        sampling_explorer(*arguments, **options)


@pytest.mark.parametrize("bad", [torch.zeros(2, 3), [], [1.0, float("nan")]])
def test_logits_are_one_row_of_numbers(bad):
    with pytest.raises(ValueError, match="finite"):
        NextToken("x", bad)


def test_python_computes_the_readers_own_text():
    widget = sampling_explorer(
        CONTEXTS, TOKENS, compute=lambda text: NextToken(text, logits(len(text)))
    )
    sent = []
    widget.live.send = sent.append
    widget._receive(widget.live, {"id": "1", "request": {"text": "abc"}}, [])
    widget._receive(widget.live, {"id": "2", "request": {}}, [])
    assert sent[0]["answer"]["context"]["text"] == "abc"
    assert "type a text" in sent[1]["error"]


@pytest.fixture
def open_page(chromium, tmp_path):
    opened = []

    def open_at(width=1000, theme="light", fragment="", start=None):
        path = tmp_path / f"{theme}.html"
        body = sampling_explorer(CONTEXTS, TOKENS, start=start).html
        path.write_text(PAGE.format(theme=theme, body=body), encoding="utf-8")
        page = chromium.new_page(viewport={"width": width, "height": 700})
        complaints = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        opened.append((page, complaints))
        page.goto(path.as_uri() + fragment)
        return page

    yield open_at
    for page, complaints in opened:
        page.close()
        assert complaints == []


@pytest.mark.browser
@pytest.mark.parametrize(
    "knobs",
    [
        {"top_k": 5},
        {"top_p": 0.7, "temperature": 0.7},
        {"min_p": 0.2},
        {"temperature": 0.0},
        {"repetition_penalty": 1.5, "top_k": 10},
    ],
)
def test_the_page_keeps_what_the_package_keeps(open_page, knobs):
    page = open_page(start=knobs)
    page.locator("summary").click()
    cells = page.locator("tbody tr").evaluate_all(
        "rows => rows.map(r => [...r.cells].map(c => c.textContent))"
    )
    given = SamplingSettings(**knobs)
    z, ids = logits(0)[None], torch.tensor([[3, 4]])
    after = given.apply(z, ids).softmax(-1)[0]
    before = z.softmax(-1)[0]
    order = before.argsort(descending=True, stable=True)
    found = torch.tensor([[float(c[1]), float(c[2])] for c in cells])
    expected = torch.stack([before[order], after[order]], dim=1)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)
    kept = int((after > 0).sum())
    expect(page.locator(".llm-facts")).to_contain_text(f"Kept: {kept} of 60 tokens")


@pytest.mark.browser
def test_draws_are_counted_and_repeat_with_their_seed(open_page):
    page = open_page(start={"top_k": 2})
    page.get_by_role("button", name="Draw a hundred").press("Enter")
    rows = page.locator(".llm-sampling-rows small")
    first = rows.all_inner_texts()[:2]
    counts = [int(text.split()[0]) for text in first]
    assert sum(counts) == 100 and min(counts) > 0
    page.get_by_role("button", name="Forget the draws").click()
    page.get_by_role("button", name="Draw a hundred").click()
    assert rows.all_inner_texts()[:2] == first
    page.get_by_label("seed").fill("9")
    page.get_by_role("button", name="Draw one").click()
    expect(page.get_by_text("Drawn: ")).to_be_visible()


@pytest.mark.browser
def test_what_is_ruled_out_says_by_whom(open_page):
    page = open_page()
    page.get_by_label("top-k").select_option("3")
    assert page.locator(".llm-ruled-out").count() == 11
    expect(page.locator(".llm-ruled-out small").first).to_have_text(
        "ruled out by top-k"
    )


@pytest.mark.browser
def test_a_view_can_be_linked_by_keys_alone(open_page):
    page = open_page()
    page.get_by_label("temperature").press("Home")
    page.get_by_label("after the text").press("ArrowDown")
    page.wait_for_timeout(500)
    again = open_page(fragment="#" + page.url.partition("#")[2])
    assert again.get_by_label("temperature").input_value() == "0"
    assert again.get_by_label("after the text").evaluate("e => e.selectedIndex") == 1


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_axe_finds_nothing_and_hostile_tokens_stay_text(open_page, theme, width):
    page = open_page(width, theme)
    page.get_by_label("after the text").select_option(index=1)
    page.get_by_role("button", name="Draw a hundred").click()
    page.locator("summary").click()
    found = Axe().run(page).response["violations"]
    assert [
        (v["id"], node["html"][:160]) for v in found for node in v["nodes"][:3]
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked === undefined")
