import itertools
import json
import re
from html.parser import HTMLParser

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from llm_notes.widgets import ExplorerTooLargeError, explore, slider
from llm_notes.widgets.explore import WIDGET_VIEW
from llm_notes.widgets.progress import FrameProgress

mpl.use("agg")

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><b>bold</b>&amp;",
    "\u202eright to left\u2066",
    "<!-- \u2028 ]]>",
    "\x00\x1b[31m",
]


class Page(HTMLParser):
    """Collects elements (tag, attributes) and the text inside each kind of tag."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text, self._open = [], {}, []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        for tag in set(self._open):
            self.text.setdefault(tag, []).append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def data(self):
        return json.loads(self.text["script"][0])


def describe(**values):
    """one line of text"""
    return f"values {values}"


def bars(height, colour="red"):
    """a bar"""
    _, ax = plt.subplots(figsize=(2, 1))
    ax.bar([0], [height], color=colour)
    return ax


def test_one_object_holds_the_live_widget_and_its_twin():
    explorer = explore(describe, temperature=[0.5, 1.0])
    bundle = explorer._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", WIDGET_VIEW}
    assert bundle["text/html"] == explorer.html
    assert bundle[WIDGET_VIEW]["model_id"] == explorer.live.model_id
    assert bundle["text/plain"].startswith("Explorer(one line of text: temperature × 2")


def test_every_control_is_native_and_labelled():
    explorer = explore(
        describe,
        temperature=[0.5, 0.75, 1.0],
        language=["en", "zh"],
        show_all=[False, True],
        start={"temperature": 0.75, "language": "zh", "show_all": True},
    )
    page = Page(explorer.html)
    by_range, by_checkbox = page.all("input")
    assert (by_range["type"], by_range["max"], by_range["value"]) == ("range", "2", "1")
    assert by_range["aria-valuetext"] == "0.75"
    assert by_checkbox["type"] == "checkbox" and "checked" in by_checkbox
    assert [("selected" in option) for option in page.all("option")] == [False, True]
    assert page.text["option"] == ["en", "zh"]
    assert page.text["output"] == ["0.75"]
    labels = "".join(page.text["label"])
    for name in ("temperature", "language", "show all"):
        assert name in labels
    assert len(page.all("label")) == 3
    assert page.text["noscript"] == ["The controls need JavaScript."]
    assert page.all("div")[0]["aria-label"] == "one line of text"
    assert page.text["pre"] == [
        "values {'temperature': 0.75, 'language': 'zh', 'show_all': True}"
    ]


def test_the_twin_has_every_view_with_the_last_control_changing_fastest():
    explorer = explore(describe, a=[1, 2], b=[3, 4, 5])
    data = Page(explorer.html).data
    for view, (a, b) in zip(
        data["views"], itertools.product([1, 2], [3, 4, 5]), strict=True
    ):
        frame = data["frames"][view[0]]
        if (a, b) == (1, 3):
            assert frame is None  # the start is in the markup
        else:
            assert frame["text"] == f"values {{'a': {a}, 'b': {b}}}"
        assert data["descriptions"][view[1]] == f"one line of text (a {a}, b {b})"


def test_the_figure_function_runs_once_per_frame_for_both_halves():
    calls = []

    def draw(height):
        calls.append(height)
        return bars(height)

    explorer = explore(draw, height=[1, 2, 3], alt="a bar")
    assert calls == [1, 2, 3]
    explorer._repr_mimebundle_()
    explorer._repr_mimebundle_()
    assert calls == [1, 2, 3]
    assert plt.get_fignums() == []


def test_equal_frames_are_stored_once():
    explorer = explore(lambda a: "same" if a < 3 else "other", a=[1, 2, 3, 4], alt="x")
    data = Page(explorer.html).data
    assert [view[0] for view in data["views"]] == [0, 0, 1, 1]
    assert data["frames"] == [None, {"text": "other"}]


def test_two_runs_give_the_same_html():
    first = explore(bars, height=[1, 2], colour=["red", "blue"])
    second = explore(bars, height=[1, 2], colour=["red", "blue"])
    assert first.html == second.html


def test_the_twin_has_no_global_ids_no_handlers_and_no_addresses():
    page = Page(explore(bars, height=[1, 2]).html)
    for tag, attributes in page.elements:
        assert "id" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert not attributes.get("src", "data:").startswith(("http", "//")), tag
    assert "eval(" not in "".join(page.text["script"])
    assert re.findall(r"url\(|@import|https?:", "".join(page.text["style"])) == []


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("slot", ["value", "label", "alt", "output"])
def test_hostile_text_stays_text(slot, text):
    plain = explore(
        lambda choice: "calm" + choice,
        choice=slider(["first", "second"], label="label"),
        alt="described",
    )
    values = [text, "second"] if slot == "value" else ["first", "second"]
    explorer = explore(
        lambda choice: (text if slot == "output" else "calm") + choice,
        choice=slider(values, label=text if slot == "label" else "label"),
        alt=text if slot == "alt" else "described",
    )
    page = Page(explorer.html)
    shape = [(tag, sorted(attributes)) for tag, attributes in page.elements]
    expected = [(tag, sorted(a)) for tag, a in Page(plain.html).elements]
    assert shape == expected
    assert page.data["texts"][0][1] == "second"
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\x00\x1b]", explorer.html)
    if slot == "output" and "\x00" not in text and "\u202e" not in text:
        assert "".join(page.text["pre"]).startswith(text.replace("\u2028", "U+2028"))


def test_a_description_may_follow_the_values():
    explorer = explore(bars, height=[1, 2], alt=lambda height: f"a bar {height} high")
    page = Page(explorer.html)
    assert page.all("img")[0]["alt"] == "a bar 1 high"
    assert page.data["descriptions"] == ["a bar 1 high", "a bar 2 high"]


def test_a_missing_description_is_an_error():
    with pytest.raises(ValueError, match="alt='what is seen'"):
        explore(lambda a: "text", a=[1, 2])


def test_too_many_combinations_are_refused_before_anything_is_drawn():
    calls = []
    with pytest.raises(ExplorerTooLargeError, match=r"21 × 20 = 420 comb.*at most 400"):
        explore(calls.append, a=range(21), b=range(20), alt="x")
    assert calls == []


def test_too_many_bytes_are_refused_as_soon_as_they_are_certain():
    calls = []

    def long_text(a):
        calls.append(a)
        return f"{a:100}" * 10

    message = r"20 frames × 1,000 bytes.*20,000 bytes; at most 3,000 .*fewer values"
    with pytest.raises(ExplorerTooLargeError, match=message):
        explore(long_text, a=range(20), alt="x", max_bytes=3_000)
    assert calls == [0, 1, 2, 3]


def test_the_size_is_that_of_the_html():
    explorer = explore(lambda a: "é" * a, a=[1, 2], alt="x")
    assert explorer.size_bytes == len(explorer.html.encode())
    with pytest.raises(ExplorerTooLargeError):
        explore(lambda a: "é" * a, a=[1, 2], alt="x", max_bytes=explorer.size_bytes - 1)
    explore(lambda a: "é" * a, a=[1, 2], alt="x", max_bytes=explorer.size_bytes)


def test_wrong_arguments_say_what_is_allowed():
    with pytest.raises(ValueError, match="at least one control"):
        explore(describe)
    with pytest.raises(ValueError, match=r"start names 'b'; the controls are: 'a'"):
        explore(describe, a=[1, 2], start={"b": 1})
    with pytest.raises(
        ValueError, match="'a' cannot start at 3; it can be one of: 1, 2"
    ):
        explore(describe, a=[1, 2], start={"a": 3})
    explorer = explore(describe, a=[1, 2])
    with pytest.raises(ValueError, match="no control is named b"):
        explorer.frame(b=1)
    with pytest.raises(ValueError, match="it can be one of: 1, 2"):
        explorer.frame(a=5)


def test_frames_can_be_looked_up_by_value():
    explorer = explore(describe, a=[1, 2], b=[True, False], start={"a": 2})
    assert explorer.frame().content == "values {'a': 2, 'b': False}"
    assert explorer.frame(a=1, b=True).content == "values {'a': 1, 'b': True}"


def test_an_error_of_the_figure_function_is_raised_in_the_cell():
    with pytest.raises(ZeroDivisionError) as caught:
        explore(lambda a: str(1 / a), a=[1, 0], alt="x")
    assert "a=0" in caught.value.__notes__[0]


def parts(explorer):
    *fields, picture = explorer.live.children
    return fields, picture


def test_the_live_controls_call_python_and_change_the_picture():
    calls = []

    def draw(a, b, c):
        calls.append((a, b, c))
        return f"{a} {b} {c} #{len(calls)}"

    explorer = explore(draw, a=[1, 2], b=["x", "y"], c=[False, True], alt="x")
    (a, b, c), picture = parts(explorer)
    assert "1 x False #1" in picture.value
    drawn = len(calls)
    a.index = 1
    assert calls[drawn:] == [(2, "x", False)]
    assert f"2 x False #{drawn + 1}" in picture.value
    b.index = 1
    c.value = True
    assert calls[drawn + 1 :] == [(2, "y", False), (2, "y", True)]


def test_without_redraw_the_live_controls_show_what_was_drawn_before():
    calls = []

    def draw(a):
        calls.append(a)
        return f"text {a}"

    (a,), picture = parts(explore(draw, a=[1, 2], alt="x", redraw=False))
    a.index = 1
    assert calls == [1, 2]
    assert "text 2" in picture.value


def test_an_error_in_the_live_half_is_shown_and_the_next_move_recovers():
    broken = []

    def draw(a):
        if broken:
            raise RuntimeError("<b>the model is gone</b>")
        return f"text {a}"

    (a,), picture = parts(explore(draw, a=[1, 2], alt="x"))
    broken.append(True)
    a.index = 1
    assert "RuntimeError: &lt;b&gt;the model is gone" in picture.value
    assert "a=2" in picture.value and "<b>" not in picture.value
    broken.clear()
    a.index = 0
    assert "text 1" in picture.value


def test_progress_is_silent_until_patience_ends_and_then_cleans_up(monkeypatch):
    lines = []
    monkeypatch.setattr(
        "llm_notes.widgets.progress._terminal_line", lambda text: lines.append(text)
    )
    patient = FrameProgress(3, patience=1e9)
    patient.show(1)
    patient.finish()
    assert lines == []
    hasty = FrameProgress(3, patience=0)
    hasty.show(1)
    hasty.show(3)
    hasty.finish()
    assert len(lines) == 2
    assert lines[0].startswith("explore: 1 of 3 frames") and lines[1] == ""
