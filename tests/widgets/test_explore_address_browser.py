"""The view of an explorer in the address of its page: linked, followed, copied."""

import json
import random

import pytest

from llm_notes.widgets import explore, slider
from llm_notes.widgets.controls import radio, text_field

pytestmark = pytest.mark.browser

HOSTILE = (
    '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
    "<b class=hostile>'\"&amp;</b>\u202e\u2028"
)
AROUND = """<p class="space"><a href="#below">below</a></p>
{body}<p class="space"></p><h2 id="below">Below</h2>
<a href="#~warm?temperature=0.3">cold</a> <a href="#~warm?temperature=1.5">hot</a>
<p class="space"></p><style>.space {{ height: 3000px }}</style>"""


@pytest.fixture(scope="module")
def body():
    warm = explore(
        lambda temperature, word, on: f"{temperature} {word} {on}",
        temperature=slider([0.3, 0.7, 1.5, 1e-05], play=True),
        word=text_field(["a & b?", "c~d+e=f", HOSTILE]),
        on=[False, True],
        start={"temperature": 0.7},
        alt="warm",
    )
    heads = explore(lambda head: f"head {head}", head=radio([1, 2, 3]), alt="heads")
    return warm.html + '<p class="space"></p>' + heads.html + warm.html


@pytest.fixture
def open_page(open_html, body):
    def open_at(fragment=""):
        around = AROUND.format(body=body)
        page = open_html(around, 800, fragment=fragment, height=600)
        page.set_default_timeout(10_000)
        return page

    return open_at


def explorer(page, place=0):
    return page.locator(".llm-explore").nth(place)


def text(page, place=0):
    return explorer(page, place).locator("pre").text_content()


def wait_for_fragment(page, fragment):
    page.wait_for_function("wanted => location.hash === wanted", arg=fragment)


def wait_for_text(page, wanted, place=0):
    frame = explorer(page, place).locator(".llm-explore-frame")
    frame.get_by_text(wanted, exact=True).wait_for()


def wait_until_seen(page, place):
    page.wait_for_function(
        "e => { const top = e.getBoundingClientRect().top;"
        " return top >= 0 && top < innerHeight / 2; }",
        arg=explorer(page, place).element_handle(),
    )


def test_a_move_is_written_into_the_address_and_the_start_is_not(open_page):
    page = open_page()
    explorer(page).get_by_role("slider").press("ArrowRight")
    wait_for_fragment(page, "#~warm?temperature=1.5&word=a+%26+b%3F&on=False")
    explorer(page).get_by_role("slider").press("ArrowLeft")
    page.wait_for_function("() => !location.href.includes('#')")
    assert page.evaluate("history.length") == 2  # no entry of its own for a move


def test_several_explorers_share_the_address(open_page):
    page = open_page()
    explorer(page, 1).get_by_role("radio", name="3").press("Space")
    explorer(page, 2).get_by_role("combobox").fill("c~d+e=f")
    second = "~warm-2?temperature=0.7&word=c%7Ed%2Be%3Df&on=False"
    wait_for_fragment(page, f"#{second}~heads?head=3")
    explorer(page, 1).get_by_role("radio", name="2").press("Space")
    # The one that moved last stands first.
    wait_for_fragment(page, f"#~heads?head=2{second}")


def test_an_address_opens_its_view_and_scrolls_to_it(open_page):
    page = open_page(
        "#~heads?head=2~warm-2?temperature=1e-05&on=True&word=c%7Ed%2Be%3Df"
    )
    assert text(page, 1) == "head 2"
    assert explorer(page, 1).get_by_role("radio", name="2").is_checked()
    assert text(page, 2) == "1e-05 c~d+e=f True"
    assert explorer(page, 2).get_by_role("checkbox").is_checked()
    assert text(page) == "0.7 a & b? False"
    wait_until_seen(page, 1)
    page.reload()
    assert text(page, 1) == "head 2"
    wait_until_seen(page, 1)


def test_the_back_button_follows(open_page):
    page = open_page()
    page.get_by_role("link", name="cold").click()
    wait_for_text(page, "0.3 a & b? False")
    wait_until_seen(page, 0)
    page.get_by_role("link", name="hot").click()
    wait_for_text(page, "1.5 a & b? False")
    assert explorer(page).locator("output").inner_text() == "1.5"
    page.go_back()
    wait_for_text(page, "0.3 a & b? False")
    page.go_forward()
    wait_for_text(page, "1.5 a & b? False")


def test_anchors_of_headings_work_as_ever(open_page):
    page = open_page("#below")
    page.wait_for_timeout(400)
    below = "document.getElementById('below').getBoundingClientRect().top"
    assert abs(page.evaluate(below)) < 10
    assert page.evaluate("location.hash") == "#below"
    page.goto(page.url.split("#")[0] + "#~heads?head=2")
    wait_for_text(page, "head 2", 1)
    page.get_by_role("link", name="below").click()
    assert abs(page.evaluate(below)) < 10
    # The view stays, and the next move says all again.
    assert text(page, 1) == "head 2"
    explorer(page).get_by_role("checkbox").press("Space")
    first = "#~warm?temperature=0.7&word=a+%26+b%3F&on=True"
    wait_for_fragment(page, f"{first}~heads?head=2")


@pytest.mark.parametrize(
    "fragment",
    [
        "#~",
        "#~~~???&&&===",
        "#~heads",
        "#~heads?",
        "#~heads?head=9&foot=1",
        "#~heads?head=%zz",
        "#~heads?head=%E4%B8",
        '#~heads?head={"a":[1]}',
        "#~heads?head=null&head=",
        "#~heads?__proto__=1&constructor=2&toString=3",
        "#~__proto__?head=2",
        "#~heads?head=" + "[" * 15_000,
        "#~heads?head=2" + "x" * 30_000,
        "#~heads?head=" + HOSTILE,
        "#~<img src=x onerror=window.hacked=1>?<b>=1",
        "#heads?head=2",
        "#!~heads?head=2",
    ],
)
def test_a_fragment_that_says_nothing_sensible_is_ignored(open_page, fragment):
    page = open_page(fragment)
    assert text(page, 1) == "head 1"
    assert page.evaluate("window.hacked === undefined && ({}).head === undefined")
    explorer(page, 1).get_by_role("radio", name="3").press("Space")
    page.wait_for_function("() => location.hash.startsWith('#~heads?head=3')")


def test_what_one_explorer_says_another_reads(open_page):
    """Any state comes back as it was, whatever is in it."""
    draw = random.Random(3)
    odd = ["", " ", "~", "?", "&", "=", "+", "%", "#", "%7E", "null", "0", '"', "[1]"]
    odd += ["true", "é", "中文", "😀", "\u202e", "\n", "'()*!", HOSTILE, "__proto__"]
    values = [*odd, 0, -1.5, 1e-7, True, False, None, [[0, 1], [2, 3]], {"a": ["~"]}]
    states = [
        {draw.choice(odd[1:]): draw.choice(values) for _ in range(draw.randrange(5))}
        for _ in range(150)
    ]
    keys = [draw.choice(odd[1:]) for _ in states]
    found = open_page().evaluate(
        """([keys, states]) => keys.map((key, i) => {
          const state = JSON.parse(states[i]);
          history.replaceState(null, "", llmNotes.fragment.link(key, state));
          const got = llmNotes.fragment.get(key);
          return JSON.stringify(got);
        })""",
        [keys, [json.dumps(state) for state in states]],
    )
    assert [json.loads(one) for one in found] == states


def test_a_link_can_be_read(open_page):
    link = open_page().evaluate(
        'llmNotes.fragment.link("temperature-text", {temperature: 0.7, head: 2,'
        ' word: "For example, the", on: true, number: "7"})'
    )
    assert link.split("#")[1] == (
        "~temperature-text?temperature=0.7&head=2&word=For+example,+the&on=true"
        "&number=%227%22"
    )


def test_an_explorer_without_a_key_leaves_the_address_alone(open_page):
    page = open_page()
    page.evaluate("llmNotes.fragment.set(null, {a: 1})")
    page.wait_for_timeout(400)
    assert "#" not in page.url


def test_a_fast_hand_does_not_write_at_every_step(open_page):
    page = open_page()
    page.evaluate(
        "() => { window.written = 0; const real = history.replaceState.bind(history);"
        "history.replaceState = (...all) => { window.written += 1; real(...all); } }"
    )
    slide = explorer(page).get_by_role("slider")
    for key in ("ArrowRight", "ArrowLeft") * 20:
        slide.press(key, no_wait_after=True)
    slide.press("ArrowRight")
    page.wait_for_function("() => location.hash.includes('temperature=1.5')")
    assert page.evaluate("window.written") < 10


def test_a_browser_that_keeps_its_address_does_not_stop_the_explorer(open_page):
    page = open_page()
    page.evaluate("() => { history.replaceState = () => { throw new Error('no'); } }")
    explorer(page, 1).get_by_role("radio", name="3").press("Space")
    page.wait_for_timeout(400)
    wait_for_text(page, "head 3", 1)


def test_the_link_to_a_view_is_copied(open_page):
    page = open_page()
    address = page.url
    page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', {value: {writeText: (text) =>"
        " { window.copied = text; return Promise.resolve(); }}})"
    )
    explorer(page, 1).get_by_role("radio", name="2").press("Space")
    explorer(page, 1).get_by_role("button", name="Link to this view").press("Enter")
    explorer(page, 1).get_by_text("Copied", exact=True).wait_for()
    assert page.evaluate("window.copied") == f"{address}#~heads?head=2"
    explorer(page, 1).get_by_role("radio", name="3").press("Space")
    wait_for_text(page, "head 3", 1)
    assert explorer(page, 1).get_by_text("Copied", exact=True).count() == 0


@pytest.mark.parametrize(
    "clipboard", ["undefined", "{writeText: () => Promise.reject(new Error('no'))}"]
)
def test_without_a_clipboard_the_link_stands_selected(open_page, clipboard):
    page = open_page()
    address = page.url
    page.evaluate(
        f"Object.defineProperty(navigator, 'clipboard', {{value: {clipboard}}})"
    )
    explorer(page, 1).get_by_role("button", name="Link to this view").press("Enter")
    field = explorer(page, 1).get_by_label("Copy this address")
    field.wait_for()
    assert field.input_value() == f"{address}#~heads?head=1"
    assert field.evaluate("e => document.activeElement === e")
    assert page.evaluate("getSelection().toString()") == field.input_value()


def test_playing_leaves_the_address_for_the_end(open_page):
    page = open_page()
    page.clock.install()
    explorer(page).locator(".llm-explore-play").press("Enter")
    page.clock.run_for(700)
    assert "#" not in page.url
    page.clock.run_for(3000)
    wait_for_fragment(page, "#~warm?temperature=%221e-05%22&word=a+%26+b%3F&on=False")
