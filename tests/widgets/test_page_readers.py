"""BERT fills gaps and the Transformer translates, in the page."""

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from llm_notes.data.tokenizers import WordPieceTokenizer, WordTokenizer
from llm_notes.inference.export import write_bundle
from llm_notes.inference.quantization import FORMATS, quantize_model
from llm_notes.models.bert import BERTConfig, BERTForPretraining
from llm_notes.models.transformer import Transformer, TransformerConfig
from llm_notes.widgets.page_readers import gap_filler, translator
from llm_notes.widgets.playground import PageModel

HOSTILE = "<img src=x onerror='hacked=1'></script><script>hacked=1</script>\u202e"
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head>
<meta charset="utf-8"><title>Readers</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
  script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<style>html[data-theme="dark"] body {{ background: #121417; color: #ddd }}</style>
</head><body><main><h1>Readers</h1>{body}</main></body></html>"""
TEXT = "the cat sat on the mat and the dog sat on the rug . " * 3


def small(model):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return quantize_model(model.eval(), FORMATS["int8"], embeddings=True)


@pytest.fixture(scope="module")
def bert():
    tokenizer = WordPieceTokenizer.train(TEXT, 60)
    config = BERTConfig(tokenizer.vocab_size, 96, n_layers=2, n_heads=2, d_model=12)
    model = small(BERTForPretraining(config))
    special = tokenizer.special_ids
    ids = {
        "mask": special["[MASK]"],
        "start": special["[CLS]"],
        "end": special["[SEP]"],
    }
    return model, tokenizer, PageModel(write_bundle(model, tokenizer, ids), "A BERT.")


@pytest.fixture(scope="module")
def pair():
    special = ("[UNK]", "[BOS]", "[EOS]")
    source = WordTokenizer.train(TEXT, 30, special)
    target = WordTokenizer.train("le chat est sur un tapis", 20, special)
    config = TransformerConfig(
        source.vocab_size, 64, n_layers=2, n_heads=2, d_model=12,
        target_vocab_size=target.vocab_size,
    )  # fmt: skip
    model = small(Transformer(config))
    tokenizers = {"source": source, "target": target}
    ids = {"bos": target.special_ids["[BOS]"], "eos": target.special_ids["[EOS]"]}
    bundle = write_bundle(model, tokenizers, ids)
    return model, source, target, PageModel(bundle, "A Transformer.")


def test_another_model_or_a_missing_gap_is_refused(bert, pair):
    with pytest.raises(ValueError, match="is needed, and the bundle holds a Transf"):
        gap_filler(pair[3], ["a ___"])
    with pytest.raises(ValueError, match="with the ids bos, eos"):
        translator(bert[2], ["a"])
    with pytest.raises(ValueError, match="each text needs a gap"):
        gap_filler(bert[2], ["no gap"])
    with pytest.raises(ValueError, match="a sentence to begin with"):
        translator(pair[3], [])


@pytest.fixture
def open_page(chromium, tmp_path):
    opened = []

    def open_at(widget, width=1000, theme="light"):
        path = tmp_path / f"{theme}.html"
        html = PAGE.format(theme=theme, body=widget.html)
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
        assert complaints == []


@pytest.mark.browser
def test_gaps_are_filled_as_python_fills_them(open_page, bert):
    model, tokenizer, page_model = bert
    text = "the ___ sat on the ___ ."
    page = open_page(gap_filler(page_model, ["the cat ___", text]))
    page.get_by_label("begin with").select_option(text)
    expect(page.locator(".llm-panel")).to_have_count(2)
    special = tokenizer.special_ids
    parts = [tokenizer.encode(part) for part in text.split("___")]
    mask = special["[MASK]"]
    inner = [*parts[0], mask, *parts[1], mask, *parts[2]]
    ids = [special["[CLS]"], *inner, special["[SEP]"]]
    with torch.no_grad():
        p = model(torch.tensor([ids]))[0][0].softmax(-1)
    gaps = [i for i, token in enumerate(ids) if token == mask]
    shares = page.locator(".llm-share").all_inner_texts()
    for gap, place in enumerate(gaps):
        best = p[place].sort(descending=True)
        found = [float(s) for s in shares[gap * 8 : gap * 8 + 8]]
        torch.testing.assert_close(
            torch.tensor(found), best.values[:8], atol=6e-4, rtol=0
        )


@pytest.mark.browser
def test_without_a_gap_it_says_what_to_do(open_page, bert):
    page = open_page(gap_filler(bert[2], ["the ___"]))
    page.get_by_label("Your text").fill("no gap here")
    page.get_by_label("Your text").press("Enter")
    expect(page.get_by_text("Write ___ where a word is missing")).to_be_visible()
    page.get_by_label("Your text").fill("the cat " * 60 + "___")
    page.get_by_role("button", name="Fill the gaps").click()
    expect(page.get_by_role("alert")).to_contain_text("the context holds 96 tokens")


@pytest.mark.browser
def test_a_sentence_is_translated_as_python_translates_it(open_page, pair):
    model, source, target, page_model = pair
    text = "the cat sat on the mat"
    page = open_page(translator(page_model, [text]))
    page.get_by_role("button", name="Translate").click()
    expect(page.locator(".llm-head")).to_have_count(4)
    eos, bos = target.special_ids["[EOS]"], target.special_ids["[BOS]"]
    ids = torch.tensor([[*source.encode(text), eos]])
    written = [bos]
    with torch.no_grad():
        while len(written) <= 60 and (len(written) < 2 or written[-1] != eos):
            logits = model(ids, torch.tensor([written]))
            written.append(logits[0, -1].argmax().item())
    expected = target.decode([i for i in written[1:] if i != eos]) or "∅"
    expect(page.locator(".llm-result")).to_have_text(expected)
    page.locator(".llm-cell").first.click()
    expect(page.locator(".llm-about")).to_contain_text("sum to 1.000")


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["gap", "translation"])
def test_axe_finds_nothing_and_hostile_text_stays_text(
    open_page, bert, pair, theme, kind
):
    widget = (
        gap_filler(bert[2], [f"the ___ {HOSTILE}"])
        if kind == "gap"
        else translator(pair[3], [f"the cat {HOSTILE}"])
    )
    page = open_page(widget, 360, theme)
    page.locator(".llm-main").press("Enter")
    expect(page.locator(".llm-panel, .llm-head").first).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert [
        (v["id"], node["html"][:160]) for v in found for node in v["nodes"][:3]
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked === undefined")
