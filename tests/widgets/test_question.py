"""A question answers in the page: by mouse, by keys, and aloud."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from llm_notes.widgets.question import question

HOSTILE = "<img src=x onerror='window.hacked=1'></script><script>hacked=1</script>"
OPTIONS = {"one": "One is too few.", "two": f"Yes. {HOSTILE}", HOSTILE: "No."}


@pytest.mark.parametrize(
    ("options", "right", "message"),
    [
        ({"a": "b"}, "a", "two choices or more"),
        ({"a": "b", "c": "d"}, "e", "not among them"),
        ({"a": "b", "c": " "}, "a", "no reason"),
    ],
)
def test_a_question_without_reasons_is_refused(options, right, message):
    with pytest.raises(ValueError, match=message):
        question("What?", options, right)


@pytest.fixture(params=["light", "dark"])
def page(request, open_html):
    body = question(f"How many? {HOSTILE}", OPTIONS, "two").html * 2
    return open_html(body, 360, request.param)


@pytest.mark.browser
def test_each_choice_gives_its_reason(page):
    answer = page.locator(".llm-answer").first
    page.get_by_label("one", exact=True).first.check()
    assert answer.inner_text() == "Not this one. One is too few."
    page.keyboard.press("ArrowDown")
    assert answer.inner_text() == f"Right. Yes. {HOSTILE}"
    assert page.locator(".llm-answer").nth(1).inner_text() == ""
    page.get_by_label("two", exact=True).nth(1).check()
    assert page.get_by_label("two", exact=True).first.is_checked()
    assert page.evaluate("window.hacked === undefined")
    assert page.locator("img").count() == 0


@pytest.mark.browser
def test_axe_finds_nothing(page):
    page.get_by_label("one", exact=True).first.check()
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
