"""The knobs of the draw, on one distribution: what they rule out, and draws."""

import json

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.sampling import SamplingSettings
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.ngram import AddKNGram, KneserNeyNGram
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel
from llm_notes.widgets.sampling_explorer import (
    NextToken,
    model_sampling_explorer,
    next_token,
    sampling_explorer,
)

HOSTILE = "<img src=x onerror='hacked=1'></script><script>hacked=1</script>\u202e"
TOKENS = [HOSTILE, "\n", *(f" word{i}" for i in range(58))]
LETTERS = CharacterTokenizer.train("abcdefgh. ")


def logits(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(60, generator=generator) * 2


CONTEXTS = [NextToken("The value", logits(0), [3, 4]), NextToken(HOSTILE, logits(1))]


def test_the_description_names_the_likeliest_tokens():
    p = logits(0).softmax(-1)
    text = sampling_explorer(CONTEXTS, TOKENS).description
    assert text.startswith("After “The value”: ")
    assert f"{p.max():.2f}" in text
    entropy = -(p * p.log2()).sum()
    assert f"entropy {entropy:.2f} bits. After" in text


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([], TOKENS), {}, "distributions over nothing"),
        ((CONTEXTS, TOKENS[:-1]), {}, "59 tokens"),
        ((CONTEXTS, TOKENS), {"start": {"heat": 1}}, "unknown knobs heat"),
        ((CONTEXTS, TOKENS), {"start": {"temperature": 3}}, "from 0.0 to 2.0"),
        ((CONTEXTS, TOKENS), {"start": {"top_p": 0.83}}, "in steps of 0.05"),
        ((CONTEXTS, TOKENS), {"start": {"top_p": 0}}, "top_p cannot start at 0"),
        ((CONTEXTS, TOKENS), {"start": {"top_k": -1}}, "from 0 up"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        sampling_explorer(*arguments, **options)


@pytest.mark.parametrize(
    "bad",
    [torch.zeros(2, 3), [], [1, np.nan], [1, np.inf], [-np.inf, -np.inf]],
)
def test_logits_are_one_row_of_numbers(bad):
    with pytest.raises(ValueError, match="finite"):
        NextToken("x", bad)


@pytest.mark.parametrize("bad", [-1, 60])
def test_ids_are_tokens_of_the_distribution(bad):
    with pytest.raises(ValueError, match="ids must lie from 0 to 59"):
        NextToken("x", logits(0), [3, bad])


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


def test_the_end_of_a_long_text_is_read_and_the_model_left_as_it_was():
    model = GPT(GPTConfig(LETTERS.vocab_size, 7, n_layers=1, n_heads=2, d_model=8))
    model.train()
    text = "abcdefgh. abcabc"
    found = next_token(model, LETTERS, text)
    assert model.training
    assert found.ids == LETTERS.encode(text)
    with torch.no_grad():
        expected = model.eval()(torch.tensor([LETTERS.encode(text)[-7:]]))[0, -1]
    torch.testing.assert_close(found.logits, expected)


def test_a_recurrent_model_reads_all_of_a_text():
    model = RNNLanguageModel(RNNConfig(LETTERS.vocab_size, 6)).eval()
    text = "abcd" * 50
    with torch.no_grad():
        expected = model(torch.tensor([LETTERS.encode(text)]))[0, -1]
    torch.testing.assert_close(next_token(model, LETTERS, text).logits, expected)


@pytest.mark.parametrize("kind", [KneserNeyNGram, AddKNGram])
def test_a_model_of_counts_gives_its_probabilities(kind):
    model = kind(3, LETTERS.vocab_size).fit(LETTERS.encode("abc. abd. " * 3))
    found = next_token(model, LETTERS, "hab")
    p = model.probabilities(LETTERS.encode("hab"))
    np.testing.assert_allclose(np.exp(found.logits), p)


def test_a_text_without_tokens_gives_nothing_to_go_on():
    with pytest.raises(ValueError, match="type a text first"):
        next_token(RNNLanguageModel(RNNConfig(9, 4)), LETTERS, "")


def test_a_model_and_its_tokenizer_make_an_explorer():
    model = RNNLanguageModel(RNNConfig(LETTERS.vocab_size, 6)).eval()
    widget = model_sampling_explorer(model, LETTERS, ["ab", "c."])
    assert widget.description.startswith("After “ab”: ")
    answer = widget._answer({"text": "bad"})["context"]
    assert answer["ids"] == LETTERS.encode("bad")
    with pytest.raises(ValueError, match="type a text"):
        widget._answer({"text": 3})


@pytest.fixture
def open_page(open_html):
    def open_at(width=1000, theme="light", fragment="", widget=None, **options):
        widget = widget or sampling_explorer(CONTEXTS, TOKENS, **options)
        return open_html(widget.html, width, theme, fragment)

    return open_at


def cells(page):
    return page.locator("tbody tr").evaluate_all(
        "rows => rows.map(r => [...r.cells].map(c => c.textContent))"
    )


@pytest.mark.browser
@pytest.mark.parametrize(
    "knobs",
    [
        {"top_k": 9},  # its slider gets a place for it
        {"top_p": 0.7, "temperature": 0.65},
        {"min_p": 0.2},
        {"temperature": 0.0},
        {"repetition_penalty": 1.5, "top_k": 10},
        {"temperature": 0.85, "top_k": 20, "top_p": 0.9, "min_p": 0.05},
    ],
)
def test_the_page_keeps_what_the_package_keeps(open_page, knobs):
    page = open_page(start=knobs)
    page.locator("summary").click()
    given = SamplingSettings(**knobs)
    z, ids = logits(0)[None], torch.tensor([[3, 4]])
    after = given.apply(z, ids).softmax(-1)[0]
    before = z.softmax(-1)[0]
    order = before.argsort(descending=True, stable=True)
    found = torch.tensor([[float(c[1]), float(c[2])] for c in cells(page)])
    expected = torch.stack([before[order], after[order]], dim=1)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)
    kept = after > 0
    facts = page.locator(".llm-facts").inner_text()
    assert facts.startswith(f"Kept: {int(kept.sum())} of 60 tokens")
    held = float(facts.split("held ")[1].split()[0])
    assert held == pytest.approx(float(before[kept].sum()), abs=6e-4)
    bits = [float(x) for x in facts.split("Entropy ")[1].split(" bits")[0].split(" → ")]
    entropies = [float(-(p * p.log2()).nansum()) for p in (before, after)]
    assert bits == pytest.approx(entropies, abs=6e-3)
    assert page.get_by_label("top-k").get_attribute("aria-valuetext") == str(
        knobs.get("top_k", "off")
    )


@pytest.mark.browser
def test_all_tokens_are_accounted_for(open_page):
    page = open_page()
    rows = page.locator(".llm-sampling-rows .llm-share").all_inner_texts()
    assert len(rows) == 20
    before = logits(0).softmax(-1).sort(descending=True).values
    rest = page.locator(".llm-sampling-rest").inner_text()
    assert rest.startswith(f"The other 40 tokens together: {before[20:].sum():.3f} → ")


@pytest.mark.browser
def test_draws_are_counted_and_repeat_with_their_seed(open_page):
    page = open_page(start={"top_k": 2})
    rows = page.locator(".llm-sampling-rows small")
    drawn = page.locator(".llm-sampling-drawn")
    expect(drawn).to_have_text("Nothing drawn yet.")
    page.get_by_role("button", name="Draw a hundred").press("Enter")
    expect(drawn).to_have_text("100 draws, 2 different tokens.")
    first = rows.all_inner_texts()[:2]
    counts = [int(text.split()[0]) for text in first]
    assert sum(counts) == 100 and min(counts) > 0
    assert page.locator(".llm-sampling-mark").count() == 2
    page.get_by_role("button", name="Forget the draws").click()
    assert page.locator(".llm-sampling-mark").count() == 0
    page.get_by_role("button", name="Draw a hundred").click()
    assert rows.all_inner_texts()[:2] == first
    page.get_by_label("seed").fill("9")
    page.get_by_role("button", name="Draw a hundred").click()
    assert rows.all_inner_texts()[:2] != first


@pytest.mark.browser
def test_a_hundred_draws_one_by_one_are_those_of_one_press(open_page):
    page = open_page()
    page.locator("summary").click()
    page.get_by_role("button", name="Draw a hundred").click()
    at_once = cells(page)
    page.get_by_role("button", name="Forget the draws").click()
    page.get_by_role("button", name="Draw one").evaluate(
        "button => { for (let i = 0; i < 100; i += 1) { button.click(); } }"
    )
    assert cells(page) == at_once
    assert sum(int(c[4]) for c in at_once) == 100
    expect(page.locator(".llm-sampling-drawn")).to_contain_text("Drawn: “")
    assert page.locator(".llm-last").count() <= 1


@pytest.mark.browser
def test_draws_follow_the_probabilities(open_page):
    page = open_page(start={"top_k": 5})
    page.locator("summary").click()
    page.get_by_role("button", name="Draw a hundred").evaluate(
        "button => { for (let i = 0; i < 100; i += 1) { button.click(); } }"
    )
    expected = np.array([float(c[2]) for c in cells(page)[:5]]) * 10_000
    found = np.array([int(c[4]) for c in cells(page)[:5]])
    assert found.sum() == 10_000
    assert ((found - expected) ** 2 / expected).sum() < 18.5  # 4 degrees, 1 in 1,000


@pytest.mark.browser
def test_what_is_ruled_out_says_by_whom(open_page):
    page = open_page(start={"min_p": 0.2})
    top_k = page.get_by_label("top-k")
    top_k.press("Home")
    for _ in range(2):
        top_k.press("ArrowRight")
    assert top_k.get_attribute("aria-valuetext") == "3"
    assert page.locator(".llm-ruled-out").count() >= 17
    notes = page.locator(".llm-ruled-out small").all_inner_texts()
    assert notes[-1] == "ruled out by top-k"
    after = page.locator(".llm-ruled-out .llm-after")
    assert set(after.evaluate_all("all => all.map((e) => e.offsetWidth)")) == {0}
    struck = page.locator(".llm-ruled-out .llm-candidate-text").first
    assert "line-through" in struck.evaluate("e => getComputedStyle(e).textDecoration")
    expect(page.get_by_text("Ruled out: by top-k 57 tokens with ")).to_be_visible()


@pytest.mark.browser
def test_a_view_can_be_linked_by_keys_alone(open_page):
    page = open_page()
    page.get_by_label("temperature").press("Home")
    page.get_by_label("after the text").press("ArrowDown")
    page.get_by_label("seed").fill("42")
    page.wait_for_timeout(500)
    fragment = page.url.partition("#")[2]
    assert "topP" not in fragment  # what stands as it came is not written
    again = open_page(fragment="#" + fragment)
    assert again.get_by_label("temperature").input_value() == "0"
    assert again.get_by_label("after the text").evaluate("e => e.selectedIndex") == 1
    assert again.get_by_label("seed").input_value() == "42"
    again.get_by_role("button", name="Reset the knobs").press("Space")
    assert again.get_by_label("temperature").input_value() == "1"
    assert again.get_by_label("after the text").evaluate("e => e.selectedIndex") == 1
    again.evaluate("location.hash = '#~draw-the-next-token?topK=5&minP=0.3'")
    expect(again.get_by_label("top-k")).to_have_attribute("aria-valuetext", "5")
    expect(again.get_by_label("min-p")).to_have_attribute("aria-valuetext", "0.3")


@pytest.mark.browser
@pytest.mark.parametrize(
    "wish",
    [
        "text=99&topK=1e99",
        "text=-1&temperature=-5",
        "text=%22__proto__%22&topP=null",
        "temperature=[1]&seed=1e400&text=0.5",
    ],
)
def test_an_address_that_wishes_nonsense_does_no_harm(open_page, wish):
    page = open_page(fragment=f"#~draw-the-next-token?{wish}")
    expect(page.locator(".llm-facts")).to_contain_text("Kept: ")
    assert page.get_by_label("after the text").evaluate("e => e.selectedIndex") == 0
    assert page.locator("[role=alert]").count() == 0


@pytest.mark.browser
def test_every_control_is_reached_by_tab_and_seen(open_page):
    page = open_page()
    names = []
    for _ in range(12):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
              const e = document.activeElement;
              return [(e.labels && e.labels[0] || e).innerText.split("\\n")[0],
                getComputedStyle(e).outlineStyle, e.getBoundingClientRect().height];
            }"""
        )
        names.append(found[0].strip())
        assert found[1] == "solid" and found[2] >= 24, found
    assert [name.split("  ")[0] for name in names] == [
        "after the text", "temperature", "top-k", "top-p", "min-p",
        "repetition penalty", "Reset the knobs", "Draw one", "Draw a hundred",
        "Forget the draws", "seed", "The numbers",
    ]  # fmt: skip


@pytest.mark.browser
def test_the_voice_says_what_the_knobs_did_once_the_hand_rests(open_page):
    page = open_page()
    for _ in range(5):
        page.get_by_label("temperature").press("ArrowLeft")
    spoken = page.locator("p.llm-spoken")
    assert spoken.text_content() == ""
    page.wait_for_timeout(600)
    assert spoken.text_content().startswith("Kept: 60 of 60 tokens")


@pytest.mark.browser
def test_a_token_that_cannot_be_is_not_kept_and_no_filter_is_blamed(open_page):
    z = torch.tensor([1.0, -torch.inf, 0.5])
    page = open_page(widget=sampling_explorer([NextToken("x", z)], list("abc")))
    expect(page.locator(".llm-facts")).to_contain_text("Kept: 2 of 3 tokens")
    expect(page.get_by_text("Nothing is ruled out.")).to_be_visible()
    page.get_by_label("temperature").press("Home")
    notes = page.locator(".llm-sampling-rows small").all_inner_texts()
    assert notes == ["", "ruled out by temperature", ""]


KERNEL = """([data, answers]) => {
  const mount = document.createElement("div");
  mount.id = "live";
  document.querySelector(".llm-widget").append(mount);
  globalThis.asked = [];
  const ask = async (request) => {
    asked.push(request);
    const answer = answers.shift();
    if (answer.error) { throw new Error(answer.error); }
    return answer;
  };
  llmNotes.widgets.sampling(mount, data, { ask, key: null });
}"""


@pytest.mark.browser
def test_the_readers_own_text_is_asked_and_shown(open_page):
    widget = sampling_explorer(CONTEXTS, TOKENS)
    page = open_page(widget=widget)
    assert page.get_by_label("Your own text").count() == 0  # no kernel, no field
    own = NextToken("mine", logits(7)).as_data()
    data = {
        "contexts": [c.as_data() for c in CONTEXTS],
        "tokens": TOKENS,
        **{k: json.loads(widget._data)[k] for k in ("start", "knobs")},
    }
    answers = [{"context": own}, {"error": "ValueError: type a text first"}]
    page.evaluate(KERNEL, [data, answers])
    live = page.locator("#live")
    field = live.get_by_label("Your own text")
    field.fill("mine")
    field.press("Enter")
    expect(live.get_by_label("after the text")).to_have_value("mine")
    largest = f"{logits(7).softmax(-1).max():.3f}"
    expect(live.locator(".llm-share").first).to_contain_text(largest)
    field.fill("")
    live.get_by_role("button", name="Show").click()
    expect(live.get_by_text("ValueError: type a text first")).to_be_visible()
    assert page.evaluate("asked") == [{"text": "mine"}, {"text": ""}]


@pytest.mark.browser
def test_a_megabyte_on_one_line_neither_hangs_nor_widens_the_page(open_page):
    huge = NextToken("a" * 1_000_000, logits(0))
    tokens = [HOSTILE * 8000, *TOKENS[1:]]
    widget = sampling_explorer([huge, huge], tokens, start={"top_k": 5})
    page = open_page(width=360, widget=widget)
    page.get_by_label("temperature").press("ArrowLeft")
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert max(len(c[0]) for c in cells(page)) < 100
    label = page.get_by_label("after the text").locator("option").first.inner_text()
    assert len(label) < 70


@pytest.mark.browser
def test_the_scripts_may_run_twice(open_page):
    widget = sampling_explorer(CONTEXTS, TOKENS)
    page = open_page()
    for script in page.locator(".llm-widget script:not([type])").all_text_contents():
        page.evaluate(script)
    page.get_by_label("temperature").press("Home")
    expect(page.locator(".llm-facts")).to_contain_text("Kept: 1 of 60 tokens")
    assert page.locator(".llm-facts").count() == 1
    assert widget.size_bytes < 60_000


@pytest.mark.browser
def test_without_scripts_the_description_stands_there(open_html):
    widget = sampling_explorer(CONTEXTS, TOKENS)
    page = open_html(widget.html, java_script_enabled=False)
    assert "After “The value”" in page.locator(".llm-mount").inner_text()


@pytest.mark.browser
def test_a_long_text_scrolls_by_keys(open_page):
    context = NextToken("a line of the text\n" * 60, logits(0), [3])
    page = open_page(360, widget=sampling_explorer([context], TOKENS))
    text = page.get_by_role("group", name="the text before")
    text.focus()
    expect(text).to_be_focused()
    assert text.evaluate("e => e.scrollHeight > e.clientHeight")
    found = Axe().run(page).response["violations"]
    assert [rule["id"] for rule in found] == []


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_axe_finds_nothing_and_hostile_tokens_stay_text(open_page, theme, width):
    page = open_page(width, theme, start={"top_p": 0.9, "min_p": 0.05})
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


@pytest.mark.browser
def test_a_seed_that_is_no_number_shows_the_one_it_counts_as(open_page):
    page = open_page()
    seed = page.get_by_label("seed")
    seed.fill("none")
    seed.press("Tab")
    expect(seed).to_have_value("0")
