"""An explorer that draws itself: what stands in a page, and what a kernel gets."""

import json
import re

import pytest

from llm_notes.widgets import page as pages
from llm_notes.widgets.page import (
    WIDGET_VIEW,
    PageWidget,
    WidgetTooLargeError,
    as_json,
    in_html,
)

HOSTILE = "</script><!--<script>alert(1)</script>\u2028\ud800'\"&"


def make(data=None, **options):
    options = {
        "title": "A title",
        "description": "Three bars.",
        "scripts": (),
    } | options
    return PageWidget("bars", data or {"n": 3}, **options)


def test_the_page_gets_scripts_data_and_a_text_for_readers_without_scripts():
    html = make().html
    assert 'data-llm-kind="bars"' in html
    assert "<p>Three bars.</p>" in html
    assert html.index("llm.dom =") < html.index("llm.start =")
    assert html.index("llm.start =") < html.index("llmNotes.start();")


def test_data_arrives_unchanged_and_cannot_end_its_element():
    html = make({"text": HOSTILE}, title=HOSTILE, description=HOSTILE).html
    (text,) = re.findall(r"<script [^>]*data-llm-data>(.*?)</script>", html)
    assert json.loads(text) == {"text": HOSTILE}
    n_scripts = len(re.findall(r"<script\b", html))
    assert n_scripts == len(re.findall("</script>", html)) == len(pages._CORE) + 2
    assert html.encode("utf-8")


def test_a_large_file_stands_beside_the_data():
    content = json.dumps({"weights": HOSTILE})
    widget = make(files={"a model": content})
    (text,) = re.findall(
        r'<script [^>]*data-llm-file="a model">(.*?)</script>', widget.html
    )
    assert json.loads(text) == json.loads(widget.live.files["a model"])
    assert json.loads(text) == {"weights": HOSTILE}


def test_escaped_json_is_the_same_json():
    data = {"a": [1, 2.5, None, True], "b": HOSTILE, "é": "中"}
    assert json.loads(in_html(as_json(data))) == data


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), {1, 2}, object()])
def test_data_that_json_cannot_hold_is_refused(bad):
    with pytest.raises(ValueError, match="has to be JSON with finite numbers"):
        make({"x": bad})


@pytest.mark.parametrize("field", ["title", "description"])
def test_an_explorer_says_what_is_seen(field):
    with pytest.raises(ValueError, match="a title and a description"):
        make(**{field: " "})


def test_what_is_too_large_for_a_page_is_refused():
    with pytest.raises(WidgetTooLargeError, match=r"30,00\d are data"):
        make({"x": "y" * 30_000}, max_bytes=30_000)


def test_the_bundle_holds_both_halves():
    widget = make()
    bundle = widget._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", WIDGET_VIEW}
    assert bundle[WIDGET_VIEW]["model_id"] == widget.live.model_id
    assert bundle[WIDGET_VIEW]["version_major"] == 2  # Colab and VS Code ask for it
    assert bundle["text/html"] == widget.html


def test_the_live_half_is_one_module_with_the_same_data():
    widget = make({"n": 7}, answer=lambda request: {})
    assert widget.live._esm.rstrip().endswith("render };")
    assert json.loads(widget.live.data) == {"n": 7}
    assert widget.live.answers
    assert not make().live.answers


class Kernel:
    """Stands in for the page on the other side of the kernel."""

    def __init__(self, widget):
        self.widget, self.sent = widget, []
        widget.live.send = self.sent.append

    def ask(self, request):
        self.widget._receive(self.widget.live, {"id": "7", "request": request}, [])
        return self.sent.pop()


def test_python_answers_a_request():
    kernel = Kernel(make(answer=lambda request: {"double": 2 * request["x"]}))
    assert kernel.ask({"x": 4}) == {"id": "7", "answer": {"double": 8}}


def test_an_error_in_python_becomes_the_answer():
    def fails(request):
        raise KeyError("no such word")

    assert Kernel(make(answer=fails)).ask({}) == {
        "id": "7",
        "error": "KeyError: 'no such word'",
    }


def test_an_answer_that_is_no_json_becomes_an_error():
    reply = Kernel(make(answer=lambda request: {"x": float("nan")})).ask({})
    assert "finite numbers" in reply["error"]


def test_without_a_function_nothing_is_answered():
    kernel = Kernel(make())
    kernel.widget._receive(kernel.widget.live, {"id": "7", "request": {}}, [])
    assert kernel.sent == []


def test_keys_are_fit_for_an_address():
    assert make(title="Où regarde la tête? <b>").key == "o-regarde-la-t-te-b"
    assert make(title="中文").key == "bars"
