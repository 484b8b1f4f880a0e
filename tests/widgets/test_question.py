"""A question answers in the page: by mouse, by keys, and aloud."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from llm_notes.widgets.question import question

HOSTILE = "<img src=x onerror='window.hacked=1'></script><script>hacked=1</script>"
OPTIONS = {"one": "One is too few.", "two": f"Yes. {HOSTILE}", HOSTILE: "No."}
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head>
<meta charset="utf-8"><title>Q</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
  script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<style>html[data-theme="dark"] body {{ background: #121417; color: #ddd }}</style>
</head><body><main><h1>Q</h1>{body}</main></body></html>"""


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
def page(request, chromium, tmp_path):
    body = question(f"How many? {HOSTILE}", OPTIONS, "two").html * 2
    path = tmp_path / "page.html"
    path.write_text(PAGE.format(theme=request.param, body=body), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 360, "height": 700})
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    yield page
    page.close()
    assert complaints == []


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
