"""Attention can be walked through: heads, tokens, weights, by mouse and by keys."""

import base64
import json
import re

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from llm_notes.data.tokenizers import WordTokenizer
from llm_notes.models.bert import BERTConfig, BERTForPretraining
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.models.seq2seq import Seq2Seq, Seq2SeqConfig
from llm_notes.models.t5 import T5, T5Config
from llm_notes.models.transformer import Transformer, TransformerConfig
from llm_notes.widgets.attention_explorer import (
    AttentionMaps,
    attention_explorer,
    attention_of,
)

HOSTILE = "<img src=x onerror='hacked=1'></script><script>hacked=1</script>\u202e"
TOKENS = ["The", " cat", HOSTILE, "\n", " sat"]


def causal_weights(n_layers=2, n_heads=3, n=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(n_layers, n_heads, n, n, generator=generator) * 2
    mask = torch.ones(n, n, dtype=torch.bool).tril()
    return scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)


def cross_weights():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(1, 2, 3, 4, generator=generator).softmax(dim=-1).numpy()


def item_of(widget, text=0, kind=0):
    (found,) = re.findall(r"data-llm-data>(.*?)</script>", widget.html)
    return json.loads(found)["texts"][text]["items"][kind]


def unpacked(item, allowed):
    """The weights of a stored item, written anew from what attention_data.js says."""
    weights = np.zeros(item["shape"])
    codes = np.frombuffer(base64.b64decode(item["weights"]), "<u2")
    weights[..., allowed] = codes.reshape(*item["shape"][:2], -1) / 65535
    return weights


def test_weights_arrive_with_sixteen_bits_and_without_those_behind_the_mask():
    weights = causal_weights()
    item = item_of(attention_explorer(AttentionMaps(weights, TOKENS, causal=True)))
    allowed = np.tril(np.ones((5, 5), dtype=bool))
    assert len(base64.b64decode(item["weights"])) == 2 * 2 * 3 * allowed.sum()
    np.testing.assert_allclose(unpacked(item, allowed), weights.numpy(), atol=1e-5)
    assert item["queries"][:2] == TOKENS[:2]
    assert "keys" not in item


def test_any_mask_arrives_as_bits():
    mask = np.array([[1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1]], dtype=bool)
    weights = mask / mask.sum(-1, keepdims=True) * np.ones((2, 1, 1, 1))
    maps = AttentionMaps(weights, list("abc"), list("wxyz"), mask=mask)
    item = item_of(attention_explorer(maps))
    bits = np.unpackbits(np.frombuffer(base64.b64decode(item["mask"]), np.uint8))
    assert (bits[:12].reshape(3, 4) == mask).all()
    np.testing.assert_allclose(unpacked(item, mask), weights, atol=1e-5)


def test_the_description_says_which_heads_look_at_known_places():
    weights = np.full((1, 3, 4, 4), 0.25)
    weights[0, 1] = np.eye(4, k=-1)
    weights[0, 1, 0, 0] = 1
    weights[0, 2] = np.eye(4)[0]
    weights[0, 0, 3] = [0, 0, 1, 0]
    text = AttentionMaps(weights[:, :2], list("abcd")).describe()
    assert "4 tokens, 1 layer of 2 heads" in text
    assert "Head 1 of layer 0 looks most at the token before: 1.00" in text
    text = AttentionMaps(weights, list("abcd")).describe()
    assert "Head 2 of layer 0 looks most at the first token: 1.00" in text
    assert "The largest weight is 1.00, from “" in text


@pytest.mark.parametrize(
    ("weights", "tokens", "more", "message"),
    [
        (np.ones((2, 3, 3)) / 3, "abc", {}, "must have shape"),
        (np.ones((1, 1, 3, 2)) / 2, "abc", {}, "must have shape"),
        (np.full((1, 1, 2, 2), 3.0), "ab", {}, "are they scores still"),
        (np.full((1, 1, 2, 2), np.nan), "ab", {}, "are they scores still"),
        (np.ones((1, 1, 200, 200)) / 200, "a" * 200, {}, "too many to look at"),
        (np.full((1, 1, 2, 2), 0.5), "ab", {"causal": True}, "behind the mask"),
        (np.full((1, 1, 2, 2), 0.5), "ab", {"mask": [True]}, "the mask must have"),
        ([np.ones((1, 2, 2)), np.ones((2, 2, 2))], "ab", {}, "the same shape"),
    ],
)
def test_what_are_no_weights_is_refused(weights, tokens, more, message):
    with pytest.raises(ValueError, match=message):
        AttentionMaps(weights, list(tokens), **more)


def test_without_a_text_there_is_nothing_to_show():
    with pytest.raises(ValueError, match="no text to show"):
        attention_explorer([])
    with pytest.raises(ValueError, match="needs its tokenizer"):
        attention_explorer(torch.nn.Linear(1, 1))


def test_python_computes_the_readers_own_text():
    def compute(text):
        return AttentionMaps(causal_weights(n=len(text)), list(text), causal=True)

    maps = AttentionMaps(causal_weights(), TOKENS, causal=True)
    widget, sent = attention_explorer(maps, compute=compute), []
    widget.live.send = sent.append
    for text in ("abc", " "):
        widget._receive(widget.live, {"id": "1", "request": {"text": text}}, [])
    assert sent[0]["answer"]["text"]["items"][0]["queries"] == ["a", "b", "c"]
    assert "type a text" in sent[1]["error"]


def test_a_token_of_a_megabyte_is_cut():
    maps = AttentionMaps(causal_weights(1, 1, 2), ["x" * 1_000_000, "y"], causal=True)
    widget = attention_explorer(maps)
    assert widget.size_bytes < 100_000
    assert len(widget.description) < 1000


WORDS = "the cat saw the dog"
TOKENIZER = WordTokenizer.train(WORDS, 20)
V = TOKENIZER.vocab_size
SIZES = {"n_layers": 2, "n_heads": 2, "d_model": 8}


def make(kind):
    torch.manual_seed(0)
    more = {"target_ends": ([V], [V + 1])}
    if kind == "GPT":
        return GPT(GPTConfig(V, 12, **SIZES, dropout=0.5)), {}
    if kind == "Llama":
        return Llama(LlamaConfig(V, 12, **SIZES, n_kv_heads=1, d_ff=16)), {}
    if kind == "BERT":
        config = BERTConfig(V + 2, 12, **SIZES, d_ff=16)
        return BERTForPretraining(config), {"ends": ([V], [V + 1])}
    if kind == "Transformer":
        config = TransformerConfig(V + 2, 12, **SIZES, d_ff=16)
        return Transformer(config), more
    if kind == "T5":
        config = T5Config(V + 2, 12, 2, 2, d_model=8, d_head=4, d_ff=16)
        return T5(config), more
    return Seq2Seq(Seq2SeqConfig(V, V + 2, 8, 6)), more


@pytest.mark.parametrize(
    ("kind", "kinds"),
    [
        ("GPT", ["causal self-attention"]),
        ("Llama", ["causal self-attention"]),
        ("BERT", ["self-attention"]),
        ("Transformer", ["self-attention", "causal self-attention", "cross-attention"]),
        ("T5", ["self-attention", "causal self-attention", "cross-attention"]),
        ("Seq2Seq", ["cross-attention"]),
    ],
)
def test_every_model_with_attention_shows_all_of_it(kind, kinds):
    model, more = make(kind)
    model.train()
    target = "the dog" if "target_ends" in more else None
    found = attention_of(model, TOKENIZER, WORDS, target=target, **more)
    assert [m.kind for m in found] == kinds
    for maps in found:
        np.testing.assert_allclose(maps.array.sum(-1), 1, atol=1e-5)
        assert maps.array.shape[:2] == ((1, 1) if kind == "Seq2Seq" else (2, 2))
    assert model.training  # as it was
    assert not any(m._forward_hooks for m in model.modules())


@pytest.mark.parametrize("kind", ["Transformer", "T5"])
def test_weights_of_decoders_are_those_that_the_model_returns(kind):
    model, more = make(kind)
    _, causal, cross = attention_of(model, TOKENIZER, WORDS, target="the dog", **more)
    ids = TOKENIZER.encode("the dog")
    source, target = TOKENIZER.encode(WORDS), [V, *ids]
    model.eval()
    with torch.no_grad():
        _, weights = model(
            torch.tensor([source]), torch.tensor([target]), return_weights=True
        )
    for layer, (own, other) in enumerate(weights):
        np.testing.assert_allclose(causal.array[layer], own[0], atol=1e-6)
        np.testing.assert_allclose(cross.array[layer], other[0], atol=1e-6)
    assert list(cross.queries) == ["the", "dog", f"<{V + 1}>"]
    assert list(causal.queries) == [f"<{V}>", "the", "dog"]


def test_an_encoder_decoder_without_a_target_writes_greedily():
    model, more = make("Transformer")
    maps = attention_of(model, TOKENIZER, WORDS, **more)[1]
    model.eval()
    written = [V]
    source = torch.tensor([TOKENIZER.encode(WORDS)])
    with torch.no_grad():
        while len(written) < 12:
            best = int(model(source, torch.tensor([written]))[0, -1].argmax())
            if best == V + 1:
                break
            written.append(best)
    assert len(maps.queries) == len(written)


def test_a_window_is_a_mask():
    config = LlamaConfig(V, 12, **SIZES, n_kv_heads=1, d_ff=16, window=2)
    (maps,) = attention_of(Llama(config), TOKENIZER, WORDS)
    assert maps.kind == "causal self-attention"
    assert maps.allowed.sum(-1).tolist() == [1, 2, 2, 2, 2]


def test_kinds_of_one_text_stand_together():
    model, more = make("Transformer")
    widget = attention_explorer(
        model, TOKENIZER, [("the cat", "the dog"), WORDS], **more
    )
    (found,) = re.findall(r"data-llm-data>(.*?)</script>", widget.html)
    data = json.loads(found)
    assert [len(text["items"]) for text in data["texts"]] == [3, 3]
    assert data["pair"]
    answer = widget._answer({"text": "the dog", "target": "the cat"})
    assert answer["text"]["items"][1]["queries"] == [f"<{V}>", "the", "cat"]


def test_models_without_attention_or_a_start_are_refused():
    with pytest.raises(ValueError, match="no attention layer"):
        attention_of(torch.nn.Embedding(V, 3), TOKENIZER, WORDS)
    with pytest.raises(ValueError, match="begins with a start token"):
        attention_of(make("T5")[0], TOKENIZER, WORDS, target="the")


@pytest.fixture
def open_page(open_html):
    def open_at(width=1000, theme="light", fragment=""):
        maps = [
            AttentionMaps(causal_weights(), TOKENS, causal=True),
            AttentionMaps(cross_weights(), list("xyz"), list("abcd"), title=HOSTILE),
        ]
        return open_html(attention_explorer(maps).html, width, theme, fragment)

    return open_at


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
    heads = causal_weights()[0]
    for name, expected in (("mean", heads.mean(0)[3]), ("largest", heads.amax(0)[3])):
        page.get_by_label("show").select_option(f"{name} of the layer's heads")
        cells = page.locator("td:nth-child(2)").all_inner_texts()
        assert cells[4] == "masked"
        found = [float(c) for c in cells[:4]]
        np.testing.assert_allclose(found, expected[:4].numpy(), atol=1e-4)
    assert page.locator('.llm-head[aria-pressed="true"]').count() == 3


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
def test_walking_through_leaves_the_address_alone(open_page):
    page = open_page()
    page.get_by_label("text").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.locator(".llm-about").click()
    page.wait_for_timeout(500)
    assert "#" not in page.url
    page.locator(".llm-head").nth(1).click()
    expect(page).to_have_url(re.compile("head=1"))


@pytest.mark.browser
def test_what_is_behind_the_mask_is_striped_and_named(open_page):
    page = open_page()
    asks, looked_at = page.get_by_role("listbox").all()
    asks.locator(".llm-cell").nth(1).click()
    hidden = looked_at.locator(".llm-masked")
    assert hidden.count() == 3
    assert hidden.first.get_attribute("aria-label").endswith(", behind the mask")
    expect(page.locator(".llm-about")).to_contain_text("3 of 5 tokens are behind")
    weight = causal_weights()[0, 0, 1, 0]
    label = looked_at.locator(".llm-cell").first.get_attribute("aria-label")
    assert label == f"The, {weight:.2f}"


@pytest.mark.browser
def test_a_matrix_without_a_mask_speaks_of_none(open_page):
    page = open_page()
    note = page.locator(".llm-matrix-note")
    expect(note).to_contain_text("striped cells are behind the mask.")
    page.get_by_label("text").select_option(index=1)
    expect(note).to_have_text(re.compile("square root of a weight\\.$"))


@pytest.mark.browser
def test_the_matrix_shows_sums_and_follows_the_pointer(open_page):
    page = open_page()
    sums = page.locator(".llm-matrix-sums span").all_inner_texts()
    assert sums == ["1.00"] * 5
    canvas = page.locator(".llm-matrix-cells")
    assert "5 by 5 weights" in canvas.get_attribute("aria-label")
    canvas.click(position={"x": 25, "y": 70})  # row 3, column 1
    weight = causal_weights()[0, 0, 3, 1]
    expect(page.locator(".llm-matrix-note")).to_contain_text(f"{weight:.4f}")
    expect(page.locator(".llm-about")).to_contain_text("“↵” looks at")
    canvas.click(position={"x": 90, "y": 10})
    expect(page.locator(".llm-matrix-note")).to_contain_text("behind the mask")
    page.get_by_role("listbox").first.press("Escape")
    expect(page.locator(".llm-about")).to_contain_text("Choose a token")


@pytest.mark.browser
@pytest.mark.parametrize("where", ["matrix", "asks", "looked at"])
def test_pointing_shows_a_token_and_leaving_shows_the_chosen_one(open_page, where):
    page = open_page()
    about = page.locator(".llm-about")
    asks, looked_at = page.get_by_role("listbox").all()

    def point():
        if where == "matrix":
            page.locator(".llm-matrix-cells").hover(position={"x": 25, "y": 70})
        else:
            column = asks if where == "asks" else looked_at
            column.locator(".llm-cell").nth(3).hover()

    point()
    expect(about).to_contain_text(
        "“↵” is looked" if where == "looked at" else "“↵” looks"
    )
    page.locator("h1").hover()
    expect(about).to_contain_text("Choose a token")
    asks.locator(".llm-cell").nth(1).click()
    page.locator("h1").hover()
    chosen = about.inner_text()
    point()
    expect(about).not_to_have_text(chosen)
    page.locator("h1").hover()
    expect(about).to_have_text(chosen)
    expect(asks.locator('[aria-selected="true"]')).to_have_count(1)
    expect(page.locator(".llm-matrix-rows .llm-on")).to_have_count(1)
    page.wait_for_timeout(400)
    url = page.url
    point()
    page.keyboard.press("Shift")  # the address has what was chosen
    page.wait_for_timeout(400)
    assert page.url == url
    asks.press("End")  # a key chooses, also while the mouse is over another
    last = about.inner_text()
    page.locator("h1").hover()
    expect(about).to_have_text(last)
    assert "“↵”" not in last.split(" looks")[0]


@pytest.mark.browser
def test_maps_follow_the_theme(open_page):
    page = open_page()
    picture = 'document.querySelector(".llm-head canvas").toDataURL()'
    matrix = 'document.querySelector(".llm-matrix-cells").toDataURL()'
    light = page.evaluate(f"[{picture}, {matrix}]")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_timeout(100)
    dark = page.evaluate(f"[{picture}, {matrix}]")
    assert light[0] != dark[0]
    assert light[1] != dark[1]


@pytest.mark.browser
def test_a_kind_is_chosen_and_all_masks_are_read(open_html):
    mask = np.array([[1, 0, 1], [1, 1, 0], [0, 0, 1]], dtype=bool)
    weights = (mask / mask.sum(-1, keepdims=True))[None, None]
    maps = [
        AttentionMaps(weights, list("abc"), title="one", mask=mask),
        AttentionMaps(cross_weights(), list("xyz"), list("abcd"), title="one"),
    ]
    page = open_html(attention_explorer(maps).html)
    page.locator("summary").click()
    cells = page.locator("tbody td").all_inner_texts()
    assert cells[:5] == ["a", "0.5000", "masked", "0.5000", "1.000"]
    # One text, so there is no choice of texts.
    assert page.get_by_role("combobox", name="text").count() == 0
    page.get_by_role("combobox", name="attention").select_option("cross-attention")
    assert page.locator(".llm-head").count() == 2
    assert page.locator("tbody tr").count() == 3


@pytest.mark.browser
def test_sixty_four_tokens_scroll_within_the_explorer(open_html):
    token = "x" * 1_000_000
    maps = AttentionMaps(
        causal_weights(2, 12, 64), [token, *"abcdefg" * 9], causal=True
    )
    page = open_html(attention_explorer(maps).html, 360)
    page.get_by_role("listbox").first.press("End")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    expect(page.locator(".llm-about")).to_contain_text("sum to 1.000")
    chosen = page.locator('.llm-cell[aria-selected="true"]')
    box = page.locator(".llm-sides-box").bounding_box()
    place = chosen.bounding_box()
    assert box["y"] <= place["y"] <= box["y"] + box["height"]
    assert min(b.bounding_box()["width"] for b in page.locator(".llm-head").all()) >= 24


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
