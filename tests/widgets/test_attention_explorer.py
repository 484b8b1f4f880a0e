"""Attention can be walked through: heads, tokens, weights, by mouse and by keys."""

import base64
import json
import re

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from llm_notes.widgets.attention_explorer import AttentionMaps, attention_explorer

HOSTILE = "<img src=x onerror='hacked=1'></script><script>hacked=1</script>\u202e"
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head>
<meta charset="utf-8"><title>Attention</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
  script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<style>html[data-theme="dark"] body {{ background: #121417; color: #ddd }}</style>
</head><body><main><h1>Attention</h1>{body}</main></body></html>"""
TOKENS = ["The", " cat", HOSTILE, "\n", " sat"]


def causal_weights(n_layers=2, n_heads=3, n=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(n_layers, n_heads, n, n, generator=generator) * 2
    mask = torch.ones(n, n, dtype=torch.bool).tril()
    return scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)


def cross_weights():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(1, 2, 3, 4, generator=generator).softmax(dim=-1).numpy()


def test_weights_arrive_with_sixteen_bits():
    weights = causal_weights()
    widget = attention_explorer(AttentionMaps(weights, TOKENS, causal=True))
    (text,) = re.findall(r"data-llm-data>(.*?)</script>", widget.html)
    item = json.loads(text)["items"][0]
    codes = np.frombuffer(base64.b64decode(item["weights"]), "<u2")
    found = codes.reshape(item["shape"]) / 65535
    np.testing.assert_allclose(found, weights.numpy(), atol=1e-5)
    assert item["queries"] == item["keys"] == TOKENS


def test_the_description_names_the_head_that_looks_back():
    weights = np.full((1, 2, 4, 4), 0.25)
    weights[0, 1] = np.eye(4, k=-1)
    weights[0, 1, 0, 0] = 1
    text = AttentionMaps(weights, list("abcd")).describe()
    assert "4 tokens, 1 layers of 2 heads" in text
    assert "Head 1 of layer 0 looks most at the token before: 1.00" in text


@pytest.mark.parametrize(
    ("weights", "tokens", "message"),
    [
        (np.ones((2, 3, 3)) / 3, "abc", "must have shape"),
        (np.ones((1, 1, 3, 2)) / 2, "abc", "must have shape"),
        (np.full((1, 1, 2, 2), 3.0), "ab", "are they scores still"),
        (np.full((1, 1, 2, 2), np.nan), "ab", "are they scores still"),
        (np.ones((1, 1, 200, 200)) / 200, "a" * 200, "too many to look at"),
    ],
)
def test_what_are_no_weights_is_refused(weights, tokens, message):
    with pytest.raises(ValueError, match=message):
        AttentionMaps(weights, list(tokens))


def test_without_a_text_there_is_nothing_to_show():
    with pytest.raises(ValueError, match="no text to show"):
        attention_explorer([])


def test_python_computes_the_readers_own_text():
    def compute(text):
        return AttentionMaps(causal_weights(n=len(text)), list(text), causal=True)

    maps = AttentionMaps(causal_weights(), TOKENS)
    widget, sent = attention_explorer(maps, compute=compute), []
    widget.live.send = sent.append
    for text in ("abc", " "):
        widget._receive(widget.live, {"id": "1", "request": {"text": text}}, [])
    assert sent[0]["answer"]["item"]["queries"] == ["a", "b", "c"]
    assert "type a text" in sent[1]["error"]


@pytest.fixture
def open_page(chromium, tmp_path):
    opened = []

    def open_at(width=1000, theme="light", fragment=""):
        maps = [
            AttentionMaps(causal_weights(), TOKENS, causal=True),
            AttentionMaps(cross_weights(), list("xyz"), list("abcd"), title=HOSTILE),
        ]
        path = tmp_path / f"{theme}.html"
        html = PAGE.format(theme=theme, body=attention_explorer(maps).html)
        path.write_text(html, encoding="utf-8")
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
def test_a_token_says_where_it_looks_and_who_looks_at_it(open_page):
    page = open_page()
    page.locator(".llm-head").nth(4).click()  # layer 1, head 1
    page.locator(".llm-token-column").first.locator(".llm-cell").nth(4).click()
    row = causal_weights()[1, 1, 4]
    best = int(row.argmax())
    about = page.locator(".llm-about")
    expect(about).to_contain_text(f"{row[best]:.2f}")
    expect(about).to_contain_text("sum to 1.000")
    page.locator("summary").click()
    cells = page.locator("td:nth-child(2)").all_inner_texts()
    np.testing.assert_allclose([float(c) for c in cells], row.numpy(), atol=1e-4)
    page.locator(".llm-token-column").nth(1).locator(".llm-cell").nth(0).click()
    column = causal_weights()[1, 1, :, 0]
    expect(about).to_contain_text("is looked at by")
    expect(about).to_contain_text(f"{float(column.max()):.2f}")


@pytest.mark.browser
def test_mean_and_largest_of_the_heads_are_shown(open_page):
    page = open_page()
    page.get_by_label("show").select_option("mean of the layer's heads")
    page.locator(".llm-cell").nth(3).click()
    page.locator("summary").click()
    mean = causal_weights()[0].mean(dim=0)[3]
    cells = page.locator("td:nth-child(2)").all_inner_texts()
    np.testing.assert_allclose([float(c) for c in cells], mean.numpy(), atol=1e-4)


@pytest.mark.browser
def test_all_of_it_works_by_keys(open_page):
    page = open_page()
    page.locator(".llm-head").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused.startswith("layer 1, head 1:")
    assert page.locator('.llm-head[aria-pressed="true"]').count() == 1
    page.locator(".llm-token-column").first.focus()
    page.keyboard.press("End")
    chosen = page.locator('.llm-cell[aria-selected="true"]')
    assert chosen.inner_text().strip().endswith("sat")


@pytest.mark.browser
def test_another_text_has_its_own_shape_and_can_be_linked(open_page):
    page = open_page()
    page.get_by_label("text").select_option(index=1)
    assert page.locator(".llm-head").count() == 2
    assert page.locator(".llm-cell").count() == 7
    page.locator(".llm-head").nth(1).click()
    page.wait_for_timeout(500)
    again = open_page(fragment="#" + page.url.partition("#")[2])
    assert again.locator(".llm-cell").count() == 7
    pressed = again.locator('.llm-head[aria-pressed="true"]')
    assert pressed.get_attribute("aria-label").startswith("layer 0, head 1")


@pytest.mark.browser
def test_hostile_tokens_leave_no_element_and_run_no_code(open_page):
    page = open_page()
    page.get_by_label("text").select_option(index=1)
    page.get_by_label("text").select_option(index=0)
    page.locator(".llm-cell").nth(2).click()
    page.locator("summary").click()
    page.wait_for_timeout(500)
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked === undefined")


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page, theme, width):
    page = open_page(width, theme)
    page.locator(".llm-cell").nth(4).click()
    page.locator("summary").click()
    found = Axe().run(page).response["violations"]
    assert [
        (v["id"], node["html"][:160]) for v in found for node in v["nodes"][:3]
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
