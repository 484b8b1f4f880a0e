"""The tokenizer explorer: what it is given, and what it does in a browser."""

import json
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from llm_notes.data.tokenizers import (
    BytePairTokenizer,
    CharacterTokenizer,
    UnencodableTextError,
    UnigramTokenizer,
    WordPieceTokenizer,
    WordTokenizer,
)
from llm_notes.widgets.page import WidgetTooLargeError
from llm_notes.widgets.token_pieces import pieces_of
from llm_notes.widgets.tokenizer_explorer import (
    MAX_CHARACTERS,
    MAX_TOKENS,
    tokenizer_explorer,
)

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = (
    '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
    "<b class=hostile>'\"&amp;</b>\u202e\u2028"
)
CORPUS = "the cut cat sat on the mat. the cats sat; that hat is the cat's hat.\n" * 9
TEXTS = [
    "the cuts' hats: 注 é",
    "The hat\n  sat\u0301 \x07on <|endoftext|>",
    HOSTILE,
]
TOKENIZERS = {
    "characters": CharacterTokenizer.train(CORPUS),
    "words": WordTokenizer.train(CORPUS, 8),
    "byte pairs": BytePairTokenizer.train(CORPUS, 280, ["<|endoftext|>"]),
    "word pieces": WordPieceTokenizer.train(CORPUS, 60),
    HOSTILE: UnigramTokenizer.train(CORPUS, 290),
}


def explorer():
    return tokenizer_explorer(TOKENIZERS, TEXTS)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", TOKENIZERS)
def test_pieces_lie_in_the_text(name, text):
    tokenizer = TOKENIZERS[name]
    pieces = pieces_of(tokenizer, text)
    if name != "characters":
        assert [token_id for token_id, _, _ in pieces] == tokenizer.encode(text)
    data = text.encode()
    assert all(0 <= start < end <= len(data) for _, start, end in pieces)
    if tokenizer.lossless:
        assert b"".join(data[start:end] for _, start, end in pieces) == data


def test_a_word_piece_stands_for_what_it_was_before_folding():
    tokenizer = TOKENIZERS["word pieces"]
    text = "THÉ\x07 q\u0301s"
    stretches = [text.encode()[a:b].decode() for _, a, b in pieces_of(tokenizer, text)]
    assert "".join(stretches) == "THÉq\u0301s"
    assert stretches[-1] == "q\u0301s"  # [UNK] stands for the whole word


def test_the_description_counts_the_tokens_of_the_first_text():
    description = explorer().description
    assert "19 characters and 22 bytes" in description
    n_words = len(TOKENIZERS["words"].encode(TEXTS[0]))
    assert f"words, of 8 tokens, cuts it into {n_words}" in description
    n_all = TOKENIZERS["characters"].vocab_size
    assert f"characters, of {n_all} tokens, cuts it into 19, 3 of them" in description


@pytest.mark.parametrize(
    ("tokenizers", "texts", "message"),
    [
        ({}, TEXTS, "needs tokenizers"),
        (TOKENIZERS, [], "needs tokenizers"),
        (TOKENIZERS, "text", "list of texts"),
        ({" ": TOKENIZERS["words"]}, TEXTS, "is named ' '"),
        ({"a": object()}, TEXTS, "a is a object; the page knows CharacterTokenizer"),
        (TOKENIZERS, [""], "0 characters; allowed are 1 to 50,000"),
        (TOKENIZERS, ["a" * (MAX_CHARACTERS + 1)], "50,001 characters"),
        (TOKENIZERS, ["a\ud800"], "lone surrogate"),
    ],
)
def test_what_cannot_be_shown_is_refused(tokenizers, texts, message):
    with pytest.raises(ValueError, match=message):
        tokenizer_explorer(tokenizers, texts)


def test_tokenizers_too_large_for_a_page_are_named_with_their_sizes():
    with pytest.raises(WidgetTooLargeError, match=r"words [\d,]+.*smaller vocab_size"):
        tokenizer_explorer(TOKENIZERS, TEXTS, max_bytes=500)


@pytest.mark.parametrize("text", [None, 3, "a" * (MAX_CHARACTERS + 1)])
def test_a_kernel_refuses_what_is_no_text(text):
    with pytest.raises(ValueError, match="at most 50,000 characters"):
        explorer()._answer({"text": text})


def test_a_kernel_refuses_a_lone_surrogate():
    with pytest.raises(UnencodableTextError):
        explorer()._answer({"text": "\ud800"})


@pytest.fixture
def open_page(open_html):
    def open_at(width=1000, theme="light", fragment=""):
        page = open_html(explorer().html, width, theme, fragment, height=800)
        opened.append(page)
        wait(page)
        return page

    opened = []
    yield open_at
    for page in opened:
        assert page.locator(".hostile, .llm-widget img").count() == 0


def wait(page):
    page.locator(".llm-rungs:not([aria-busy])").wait_for()


def labels(page, rung):
    return page.locator(".llm-rung").nth(rung).locator(".llm-chip").all_inner_texts()


def details(page):
    return page.locator(".llm-token-details").inner_text()


@pytest.mark.browser
def test_the_tokens_are_those_of_python(open_page):
    page = open_page()
    for place in range(len(TEXTS)):
        page.get_by_label("example").select_option(index=place)
        wait(page)
        for rung, tokenizer in enumerate(TOKENIZERS.values()):
            pieces = pieces_of(tokenizer, TEXTS[place])
            found = page.locator(".llm-rung").nth(rung).locator(".llm-chip")
            said = found.evaluate_all("all => all.map(e => e.ariaLabel)")
            assert len(said) == len(pieces)
            for label, (token_id, start, end) in zip(said, pieces, strict=True):
                stretch = TEXTS[place].encode()[start:end].hex(" ").upper()
                known = "no token" if token_id is None else f"id {token_id}"
                # Long stretches are shortened.
                assert f", {known}, bytes {stretch[:71]}" in label


@pytest.mark.browser
def test_spaces_bytes_and_unknown_tokens_can_be_seen(open_page):
    page = open_page()
    assert "␣" in labels(page, 0)
    assert (
        labels(page, 1).count("[UNK]")
        == page.locator(".llm-rung:nth-child(2) .llm-unknown").count()
    )
    assert page.locator(".llm-rung:nth-child(1) .llm-unknown").all_inner_texts() == [
        *[":", "注", "é"]
    ]
    halves = page.locator(".llm-rung:nth-child(3) .llm-half").all_inner_texts()
    assert halves[-2:] == ["<0xC3>", "<0xA9>"]
    page.locator(".llm-rung:nth-child(3) .llm-half").last.hover()
    assert details(page).startswith("“<0xA9>” byte pairs; id ")


@pytest.mark.browser
def test_typing_cuts_the_new_text(open_page):
    page = open_page()
    page.get_by_label("text", exact=True).fill("hat\ncat")
    wait(page)
    assert labels(page, 0) == ["h", "a", "t", "↵", "c", "a", "t"]
    assert page.get_by_text("7 characters, 7 bytes in UTF-8.").count() == 1
    assert page.get_by_label("example").input_value() == "(your own text)"
    page.get_by_label("text", exact=True).fill("")
    wait(page)
    assert labels(page, 0) == labels(page, 4) == []


@pytest.mark.browser
def test_the_keyboard_reaches_every_token(open_page):
    page = open_page()
    page.get_by_label("text", exact=True).focus()
    page.keyboard.press("Tab")
    assert details(page).startswith("“t” characters; id ")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert details(page).startswith("“c” characters; id ")
    page.keyboard.press("ArrowDown")
    assert details(page).startswith("“[UNK]” words; id 0; bytes 63 75 74 73; stands")
    same = page.locator(".llm-rung:nth-child(1) .llm-same").all_inner_texts()
    assert same == ["c", "u", "t", "s"]
    page.keyboard.press("End")
    page.keyboard.press("Home")
    assert details(page).startswith("“the” words; id ")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert details(page).startswith("“t” characters")
    page.keyboard.press("ArrowUp")
    # The next stops are one for each tokenizer, and the slider.
    stops = []
    for _ in range(4):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.className || 'slider'"))
    assert [stop.split()[0] for stop in stops] == [
        *["llm-chip", "slider", "llm-chip", "llm-chip"]
    ]


@pytest.mark.browser
def test_the_slider_goes_from_bytes_to_tokens(open_page):
    page = open_page()
    page.get_by_label("text", exact=True).fill("the hat")
    wait(page)
    slider = page.get_by_label("merges applied")
    final = labels(page, 2)
    tokenizer = TOKENIZERS["byte pairs"]
    assert final == [tokenizer.token(i) for i in tokenizer.encode("the hat")]
    n_steps = int(slider.get_attribute("max"))
    slider.press("Home")
    assert labels(page, 2) == ["t", "h", "e", "␣", "h", "a", "t"]
    assert page.get_by_text("each byte is a token").count() == 1
    slider.press("ArrowRight")
    fresh = page.locator(".llm-new").all_inner_texts()
    assert len(set(fresh)) == 1 and len(fresh[0]) == 2
    slider.press("Home")
    seen = [len(labels(page, 2))]
    for _ in range(n_steps):
        slider.press("ArrowRight")
        seen.append(len(labels(page, 2)))
    assert seen == sorted(seen, reverse=True) and seen[0] == 7
    assert labels(page, 2) == final
    assert slider.get_attribute("aria-valuetext") == f"{n_steps} of {n_steps}"
    page.get_by_label("text", exact=True).fill("XYZ")
    wait(page)
    assert slider.is_disabled()
    assert page.get_by_text("No merge joins bytes of this text").count() == 1


@pytest.mark.browser
def test_the_table_has_a_row_for_each_tokenizer(open_page):
    page = open_page()
    page.locator("summary").click()
    rows = page.locator("tbody tr")
    rows.first.wait_for()
    assert rows.count() == len(TOKENIZERS)
    tokenizer = TOKENIZERS["byte pairs"]
    n = len(tokenizer.encode(TEXTS[0]))
    assert rows.nth(2).locator("td").all_inner_texts() == [
        *["byte pairs", f"{tokenizer.vocab_size}", f"{n}", "0"],
        *[f"{19 / n:.2f}", f"{22 / n:.2f}", f"{n / 22:.2f}"],
    ]


@pytest.mark.browser
def test_a_megabyte_on_one_line_leaves_the_page_usable(open_page):
    page = open_page()
    page.evaluate(
        """() => {
          let last = performance.now();
          globalThis.longest = 0;
          setInterval(() => {
            const now = performance.now();
            longest = Math.max(longest, now - last);
            last = now;
          }, 5);
        }"""
    )
    page.get_by_label("text", exact=True).select_text()
    page.keyboard.insert_text("é</b> x" * 5 + "a" * 1_000_000)
    page.get_by_text("The field is full").wait_for()
    wait(page)
    assert page.evaluate("longest") < 2000  # ms in which the page did not answer
    assert len(labels(page, 0)) == MAX_TOKENS
    assert page.get_by_text("… and 49,700 more tokens, not drawn").count() == 1
    # A script may write more than a hand can.
    page.get_by_label("text", exact=True).evaluate(
        """(field) => {
          field.value = "a".repeat(49999) + "😀😀";
          field.dispatchEvent(new Event("input"));
        }"""
    )
    wait(page)
    assert page.get_by_text("49,999 characters, 49,999 bytes").count() == 1


@pytest.mark.browser
def test_a_text_that_is_typed_on_is_not_overtaken_by_an_older_one(open_page):
    page = open_page()
    page.evaluate(
        """() => {
          const field = document.querySelector("textarea");
          for (const text of ["a ".repeat(20000), "hat"]) {
            field.value = text;
            field.dispatchEvent(new Event("input"));
          }
        }"""
    )
    wait(page)
    assert labels(page, 0) == ["h", "a", "t"]
    page.wait_for_timeout(300)
    assert labels(page, 0) == ["h", "a", "t"]


@pytest.mark.browser
def test_a_lone_surrogate_is_refused_in_words(open_page):
    page = open_page()
    page.evaluate(
        """() => {
          const field = document.querySelector("textarea");
          field.value = "a" + String.fromCharCode(0xd800);
          field.dispatchEvent(new Event("input"));
        }"""
    )
    wait(page)
    assert page.get_by_text("cannot be cut: the text holds a lone surro").count() == 1
    assert labels(page, 0) == []


@pytest.mark.browser
def test_a_link_opens_the_text(open_page):
    key = explorer().key
    page = open_page(fragment=f"#~{key}?text=hat+%3Cb%3E")
    assert page.get_by_label("text", exact=True).input_value() == "hat <b>"
    page = open_page(fragment=f"#~{key}?example=1")
    assert page.get_by_label("text", exact=True).input_value() == TEXTS[1]
    page = open_page(fragment=f"#~{key}?example=constructor")
    assert page.get_by_label("text", exact=True).input_value() == TEXTS[0]


@pytest.mark.browser
def test_in_the_book_the_line_of_details_is_seen_with_the_first_tokens(open_html):
    styles = (ROOT / "book" / "_static" / "llm-notes.css").read_text(encoding="utf-8")
    cell = '<div class="cell_output"><div class="output text_html">'
    page = open_html(
        f"<style>{styles}</style>{cell}{explorer().html}</div></div>", 390, height=500
    )
    wait(page)
    page.locator(".llm-chip").first.click()
    box = page.locator(".llm-token-details").bounding_box()
    assert box["y"] + box["height"] <= 501
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.browser
def test_in_a_kernel_python_answers_and_the_display_is_the_same(open_page):
    page = open_page()
    asked = []

    def answer(request):
        asked.append(request)
        return json.loads(json.dumps(explorer()._answer(request)))

    page.expose_function("askPython", answer)
    page.evaluate(
        """() => {
          const data = document.querySelector("script[data-llm-data]").textContent;
          const root = document.createElement("div");
          root.className = "llm-widget";
          document.querySelector("main").append(root);
          llmNotes.widgets.tokenizer(root, JSON.parse(data),
            {ask: window.askPython, key: "live"});
        }"""
    )
    both = page.locator(".llm-rungs:not([aria-busy])")
    both.nth(1).wait_for()
    assert asked == [{"text": TEXTS[0]}]
    shown = both.evaluate_all("all => all.map(e => e.outerHTML)")
    assert shown[0] == shown[1]


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page, theme, width):
    page = open_page(width, theme)
    page.get_by_label("example").select_option(index=2)
    wait(page)
    page.locator("summary").click()
    page.locator(".llm-chip").nth(5).focus()
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = page.locator(".llm-chip").evaluate_all(
        "all => all.map(e => Math.min(e.offsetWidth, e.offsetHeight))"
    )
    assert min(sizes) >= 24
