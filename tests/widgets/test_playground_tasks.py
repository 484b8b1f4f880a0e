"""In the playground BERT fills gaps and the Transformer translates."""

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from llm_notes.data.tokenizers import (
    BytePairTokenizer,
    WordPieceTokenizer,
    WordTokenizer,
)
from llm_notes.inference.export import write_bundle
from llm_notes.inference.quantization import FORMATS, quantize_model
from llm_notes.models.bert import BERTConfig, BERTForPretraining
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.transformer import Transformer, TransformerConfig
from llm_notes.widgets.playground import PageModel, playground

HOSTILE = "<img src=x onerror='window.hacked=1'></script><script>hacked=1</script>"
TEXT = "the cat sat on the mat and the dog sat on the rug . " * 9


def small(model):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return quantize_model(model.eval(), FORMATS["int8"], embeddings=True)


@pytest.fixture(scope="module")
def bert():
    tokenizer = WordPieceTokenizer.train(TEXT, 60)
    config = BERTConfig(tokenizer.vocab_size, 32, n_layers=2, n_heads=3, d_model=12)
    special = tokenizer.special_ids
    ids = {
        "mask": special["[MASK]"],
        "start": special["[CLS]"],
        "end": special["[SEP]"],
    }
    return small(BERTForPretraining(config)), tokenizer, ids


@pytest.fixture(scope="module")
def translator():
    special = ("[UNK]", "[BOS]", "[EOS]")
    source = WordTokenizer.train(TEXT, 30, special)
    target = WordTokenizer.train("le chat est sur un tapis", 20, special)
    config = TransformerConfig(
        source.vocab_size,
        12,
        n_layers=2,
        n_heads=3,
        d_model=12,
        target_vocab_size=target.vocab_size,
    )
    return small(Transformer(config)), source, target


def page_models(bert, translator):
    model, tokenizer, ids = bert
    transformer, source, target = translator
    pair = {"source": source, "target": target}
    bpe = BytePairTokenizer.train(TEXT, 270)
    gpt = small(GPT(GPTConfig(bpe.vocab_size, 24, n_layers=1, n_heads=2, d_model=8)))
    return {
        f"BERT {HOSTILE}": PageModel(
            write_bundle(model, tokenizer, ids),
            f"A BERT. {HOSTILE}",
            prompts=("the ___ sat on the [MASK] .", HOSTILE),
        ),
        "Transformer": PageModel(
            write_bundle(transformer, pair, {"bos": 1, "eos": 2}),
            "It translates.",
            prompts=("the cat sat", "the dog sat on the rug"),
        ),
        "GPT": PageModel(write_bundle(gpt, bpe), "It goes on."),
    }


@pytest.fixture(scope="module")
def html(bert, translator):
    return playground(page_models(bert, translator), ["the cat"], title="Play").html


def test_models_that_fill_or_translate_need_ids_and_prompts(bert):
    model, tokenizer, ids = bert
    nameless = PageModel(write_bundle(model, tokenizer), "x", prompts=["___"])
    with pytest.raises(ValueError, match="which token is mask: pass ids"):
        playground({"BERT": nameless})
    with pytest.raises(ValueError, match="BERT needs prompts of its own"):
        playground({"BERT": PageModel(write_bundle(model, tokenizer, ids), "x")})


def test_a_model_has_a_name_of_its_own(bert, translator):
    models = list(page_models(bert, translator).values())
    for name in ("", "all side by side"):
        with pytest.raises(ValueError, match="give it another name"):
            playground({name: models[0]})


def test_only_the_programs_of_the_models_are_sent(bert, translator):
    models = page_models(bert, translator)
    alone = playground({"GPT": models["GPT"]}).html
    assert 'data-llm-part="models/gpt.js"' in alone
    assert 'data-llm-part="models/bert.js"' not in alone
    assert 'data-llm-part="explorers/playground_fill.js"' not in alone


@pytest.fixture
def open_page(open_html, html):
    def open_at(model=None, width=1000, theme="light", fragment=""):
        page = open_html(html, width, theme, fragment)
        page.locator(".llm-tokens .llm-token").first.wait_for()
        if model:
            page.get_by_role("combobox", name="model").select_option(model)
            expect(page.locator(".llm-facts")).to_contain_text("token")
        return page

    return open_at


browser = pytest.mark.browser


@browser
def test_each_task_works_without_the_programs_of_the_others(
    open_html, bert, translator
):
    for name, model in page_models(bert, translator).items():
        page = open_html(playground({name: model}, ["the cat"], title="Play").html)
        page.locator(".llm-tokens .llm-token").first.wait_for()
        page.locator(".llm-main").click()
        page.wait_for_timeout(300)


@browser
def test_gaps_are_filled_as_python_fills_them(open_page, bert):
    model, tokenizer, ids = bert
    page = open_page()
    words = ["the", "[MASK]", "sat", "on", "the", "[MASK]", "."]
    known = {"[MASK]": ids["mask"]}
    inner = [known.get(w) or tokenizer.encode(w)[0] for w in words]
    with torch.no_grad():
        logits = model(torch.tensor([[ids["start"], *inner, ids["end"]]]))[0][0]
    shown = page.locator(".llm-tokens .llm-token:not(.llm-prompt)")
    expect(shown).to_have_count(2)
    for place, chip in ((2, shown.first), (6, shown.last)):
        p, best = logits[place].softmax(-1).max(-1)
        chip.click()
        row = page.locator(".llm-candidate").first
        expect(row.locator(".llm-candidate-text")).to_have_text(
            tokenizer.decode([best.item()])
        )
        assert chip.inner_text().strip().endswith(f"{100 * p:.0f} %]")


@browser
def test_any_token_can_be_hidden(open_page, bert):
    page = open_page()
    page.locator(".llm-tokens").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".llm-panel-title").first).to_contain_text(
        "could stand for “sat”"
    )
    expect(page.locator(".llm-candidate[aria-current]")).to_contain_text("sat")


@browser
def test_a_filling_goes_into_the_text(open_page):
    page = open_page()
    candidate = page.locator(".llm-candidate").nth(3)
    word = candidate.locator(".llm-candidate-text").inner_text().removeprefix("##")
    candidate.click()
    expect(page.locator("textarea")).to_have_value(f"the {word} sat on the [MASK] .")
    expect(page.locator(".llm-tokens .llm-token:not(.llm-prompt)")).to_have_count(1)


@browser
def test_a_text_without_gaps_and_one_too_long_are_told(open_page):
    page = open_page()
    page.locator("textarea").fill("the cat sat")
    expect(page.locator(".llm-note")).to_contain_text("Put ___ where")
    page.locator("textarea").fill("the ___ " * 400)
    # 32 places, two of which hold the start and the end.
    expect(page.locator(".llm-note")).to_contain_text("Only the first 30 tokens")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".llm-note")).to_contain_text("Type a sentence")
    assert page.locator(".llm-tokens .llm-token").count() == 0


@browser
def test_a_part_of_bert_taken_away_is_compared(open_page):
    page = open_page()
    page.locator("summary", has_text="parts away").click()
    page.get_by_label("positions").click()
    expect(page.locator(".llm-columns .llm-panel")).to_have_count(2)
    expect(page.locator(".llm-verdict")).to_contain_text("without positions")
    page.locator("summary", has_text="Who looks at whom").click()
    expect(page.locator(".llm-head")).to_have_count(6)


@browser
def test_a_sentence_is_translated_as_python_translates_it(open_page, translator):
    model, source, target = translator
    page = open_page("Transformer")
    page.get_by_label("begin with").select_option("the dog sat on the rug")
    expect(page.locator(".llm-facts")).to_contain_text("6 tokens read")
    with torch.no_grad():
        memory = model.encode(torch.tensor([source.encode("the dog sat on the rug")]))
        ids = [1]
        while ids[-1] != 2 and len(ids) <= 12:
            logits, maps = model.decode(
                torch.tensor([ids]), memory, return_weights=True
            )
            ids.append(logits[0, -1].argmax().item())
    written = ids[1:]
    chips = page.locator(".llm-tokens .llm-token")
    expect(chips).to_have_count(len(written))
    expected = ["⏹" if i == 2 else target.decode([i]) for i in written]
    assert [text.strip() for text in chips.all_inner_texts()] == expected
    # The alignment is the cross-attention: last layer, mean of the heads.
    cross = maps[-1][1][0].mean(0)
    rows = page.locator(".llm-alignment tbody tr")
    expect(rows).to_have_count(len(written))
    for row, weights in zip(rows.all(), cross.tolist(), strict=True):
        cells = [float(c or 0) for c in row.locator("td").all_inner_texts()]
        assert cells == pytest.approx(weights, abs=0.006)
        assert len(cells) == 6


@browser
def test_another_token_turns_the_translation(open_page):
    page = open_page("Transformer")
    chips = page.locator(".llm-tokens .llm-token")
    before = chips.all_inner_texts()
    chips.nth(1).click()
    other = page.locator(".llm-candidate:not([aria-current])").first
    name = other.locator(".llm-candidate-text").inner_text()
    other.click()
    if name == "end of the sentence":
        name = "⏹"
    expect(chips.nth(1)).to_have_text(name)
    assert chips.first.inner_text() == before[0]


@browser
def test_words_that_are_not_known_are_told(open_page):
    page = open_page("Transformer")
    page.locator("textarea").fill("the zebra sat")
    expect(page.locator(".llm-note")).to_contain_text("[UNK]")
    page.locator("textarea").fill("the cat " * 20)
    expect(page.locator(".llm-note")).to_contain_text("Only the first 12 tokens")


@browser
def test_a_part_of_the_transformer_taken_away_is_compared(open_page):
    page = open_page("Transformer")
    page.locator("summary", has_text="parts away").click()
    page.get_by_label("positions").click()
    expect(page.locator(".llm-column")).to_have_count(2)
    expect(page.locator(".llm-verdict")).to_contain_text("without positions")


@browser
def test_each_task_keeps_its_own_text(open_page):
    page = open_page()
    page.locator("textarea").fill("my ___ is a cat")
    which = page.get_by_role("combobox", name="model")
    which.select_option("GPT")
    expect(page.locator("textarea")).to_have_value("the cat")
    page.locator("textarea").fill("the dog")
    which.select_option("Transformer")
    expect(page.locator("textarea")).to_have_value("the cat sat")
    which.select_option("GPT")
    expect(page.locator("textarea")).to_have_value("the dog")
    which.select_option(index=0)
    expect(page.locator("textarea")).to_have_value("my ___ is a cat")
    expect(page.locator(".llm-candidate").first).to_be_visible()


@browser
def test_a_view_of_each_task_can_be_linked(open_page):
    page = open_page("Transformer")
    page.locator("textarea").fill("the dog sat")
    page.locator("summary", has_text="parts away").click()
    page.get_by_label("positions").click()
    expect(page.locator(".llm-column")).to_have_count(2)
    page.wait_for_timeout(800)
    again = open_page(fragment="#" + page.url.partition("#")[2])
    assert again.locator("textarea").input_value() == "the dog sat"
    expect(again.locator(".llm-column")).to_have_count(2)
    expect(again.locator(".llm-facts").first).to_contain_text("3 tokens read")


@browser
def test_hostile_text_leaves_no_element_and_runs_no_code(open_page):
    page = open_page()
    for text in (HOSTILE, f"{HOSTILE} ___ {HOSTILE}"):
        page.locator("textarea").fill(text)
        page.get_by_role("button", name="Fill").click()
        page.wait_for_timeout(300)
    page.get_by_role("combobox", name="model").select_option("Transformer")
    page.locator("textarea").fill(HOSTILE)
    page.wait_for_timeout(600)
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked === undefined")


@browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page, theme, width):
    page = open_page(None, width, theme)
    for model in (None, "Transformer"):
        if model:
            page.get_by_role("combobox", name="model").select_option(model)
            expect(page.locator(".llm-alignment td").first).to_be_visible()
            page.locator(".llm-tokens .llm-token").first.click()
        for summary in page.locator("details:not([open]) > summary").all():
            if summary.is_visible():
                summary.click()
        found = Axe().run(page).response["violations"]
        assert [
            (v["id"], node["html"][:160]) for v in found for node in v["nodes"][:3]
        ] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@browser
def test_a_filling_taken_by_keys_keeps_the_focus(open_page):
    page = open_page()
    page.locator(".llm-candidate").nth(1).press("Enter")
    expect(page.locator(".llm-tokens .llm-token:not(.llm-prompt)")).to_have_count(1)
    expect(page.locator(".llm-candidate").nth(1)).to_be_focused()
    # Into the last gap: there is none left to go to, so the place stays in view.
    page.keyboard.press("Enter")
    expect(page.locator(".llm-tokens .llm-token:not(.llm-prompt)")).to_have_count(0)
    expect(page.locator(".llm-panel-title")).to_contain_text("could stand for")
    expect(page.locator(".llm-candidate").nth(1)).to_be_focused()


@browser
def test_the_chosen_token_stays_when_a_part_is_taken_away(open_page):
    page = open_page()
    page.locator(".llm-tokens .llm-token").nth(2).click()
    title = page.locator(".llm-panel-title")
    expect(title).to_contain_text("could stand for “sat”")
    page.locator("summary", has_text="parts away").click()
    page.get_by_label("positions").click()
    expect(title).to_have_count(2)
    expect(title.first).to_contain_text("could stand for “sat”")
    expect(page.locator('.llm-token[aria-selected="true"]')).to_contain_text("sat")
    page.locator("textarea").fill("the ___ sat")
    expect(title.first).to_contain_text("fits into the gap")


@browser
def test_a_sentence_is_read_from_its_beginning(open_page):
    page = open_page()
    page.locator("textarea").fill("the ___ sat . " + "the cat " * 400)
    expect(page.locator(".llm-note")).to_contain_text("Only the first")
    expect(page.locator(".llm-tokens .llm-token:not(.llm-prompt)")).to_have_count(1)
    candidate = page.locator(".llm-candidate").first
    word = candidate.locator(".llm-candidate-text").inner_text().removeprefix("##")
    candidate.click()
    # What was not read stays in the field.
    filled = f"the {word} sat . " + "the cat " * 400
    expect(page.locator("textarea")).to_have_value(filled)


@browser
def test_an_empty_sentence_leaves_nothing_of_the_one_before(open_page):
    page = open_page("Transformer")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".llm-tokens .llm-token")).to_have_count(0)
    expect(page.locator(".llm-facts")).to_be_empty()


@browser
def test_what_was_pointed_at_stays_to_be_taken(open_page):
    page = open_page("Transformer")
    page.locator(".llm-tokens .llm-token").first.hover()
    expect(page.locator(".llm-panel")).to_be_visible()
    page.locator("h1").hover()
    other = page.locator(".llm-candidate:not([aria-current])").first
    name = other.locator(".llm-candidate-text").inner_text()
    other.click()
    name = "⏹" if name == "end of the sentence" else name
    expect(page.locator(".llm-tokens .llm-token").first).to_have_text(name)


@browser
def test_the_tour_ends_where_another_task_begins(open_page):
    page = open_page()
    which = page.get_by_role("combobox", name="model")
    which.select_option("GPT")
    page.get_by_role("button", name="Take the tour").click()
    expect(page.locator(".llm-tour")).to_be_visible()
    which.focus()
    which.select_option("Transformer")
    expect(page.locator(".llm-tour")).to_be_hidden()
    expect(page.get_by_role("button", name="Take the tour")).to_have_count(0)
    expect(which).to_be_focused()
    expect(page.locator(".llm-facts")).to_contain_text("3 tokens read")


@browser
def test_what_is_below_a_translation_stays_there_while_the_next_is_made(open_page):
    page = open_page("Transformer")
    page.evaluate(
        """() => {
          globalThis.tops = [];
          const below = document.querySelector(".llm-more");
          new MutationObserver(() => tops.push(below.getBoundingClientRect().top))
            .observe(document.querySelector(".llm-tokens"), { childList: true });
        }"""
    )
    before = page.locator(".llm-more").bounding_box()["y"]
    page.locator("textarea").fill("the cat sat on")
    expect(page.locator(".llm-facts")).to_contain_text("4 tokens read")
    tops = page.evaluate("tops")
    assert tops and min(tops) >= before - 1
