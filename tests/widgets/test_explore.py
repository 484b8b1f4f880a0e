import itertools
import json
import re
from html.parser import HTMLParser

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from llm_notes.widgets import (
    ExplorerTooLargeError,
    explore,
    frames,
    live_fields,
    slider,
)
from llm_notes.widgets.controls import radio, text_field
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
    # Colab and VS Code choose the widget; a page without a kernel the HTML.
    assert set(bundle) == {"text/plain", "text/html", WIDGET_VIEW}
    assert bundle["text/html"] == explorer.html
    assert bundle[WIDGET_VIEW] == {
        "version_major": 2,
        "version_minor": 0,
        "model_id": explorer.live.model_id,
    }
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


def test_a_few_choices_stand_as_buttons_and_many_can_be_typed():
    explorer = explore(
        describe,
        head=radio([1, 2, 3]),
        word=text_field(["the", "cat"], label="a word"),
        start={"head": 2, "word": "cat"},
    )
    page = Page(explorer.html)
    *buttons, field = page.all("input")
    assert [button["type"] for button in buttons] == ["radio"] * 3
    assert [("checked" in button) for button in buttons] == [False, True, False]
    # A group's name would join it with the group of the same explorer elsewhere.
    assert not any("name" in button for button in buttons)
    assert page.text["legend"] == ["head"]
    assert (field["type"], field["value"]) == ("text", "cat")
    assert page.text["label"] == [" ", "1", " ", "2", " ", "3", "a word", " "]


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


def test_a_missing_description_is_an_error_told_at_the_first_picture():
    calls = []

    def draw(a):
        calls.append(a)
        return "text"

    draw.__doc__ = None
    with pytest.raises(ValueError, match="alt='what is seen'"):
        explore(draw, a=[1, 2])
    assert calls == [1]
    with pytest.raises(ValueError, match="alt='what is seen'"):
        explore(describe, a=[1, 2], alt=" ")


@pytest.fixture
def told(monkeypatch):
    """A figure function whose pictures carry a text and numbers of their own."""
    real = frames.figure_svg

    def figure_svg(figure, tight):
        height = int(figure.axes[0].patches[0].get_height())
        said = {"text": f"one bar, {height}", "head": ["h"], "rows": [[height]]}
        return re.sub(
            "<desc>.*?</desc>",
            lambda found: f"<desc>{json.dumps([said])}</desc>",
            real(figure, tight),
        )

    monkeypatch.setattr(frames, "figure_svg", figure_svg)
    return lambda height: bars(height)


def test_a_picture_describes_itself_when_the_author_does_not(told):
    data = Page(explore(told, height=[1, 2]).html).data
    assert data["descriptions"] == ["one bar, 1 (height 1)", "one bar, 2 (height 2)"]
    assert data["title"] == "height"
    data = Page(explore(told, height=[1, 2], alt="mine").html).data
    assert data["descriptions"] == ["mine (height 1)", "mine (height 2)"]


def test_the_numbers_of_each_picture_are_in_the_page_once(told):
    explorer = explore(told, height=[1, 2])
    assert Page(explorer.html).data["numbers"] == [
        {"head": ["h"], "rows": [["1"]]},
        {"head": ["h"], "rows": [["2"]]},
    ]
    assert "<desc>" not in explorer.html and "%3Cdesc" not in explorer.html


def test_without_numbers_there_is_no_table():
    explorer = explore(lambda height: f"{height}", height=[1, 2], alt="a text")
    assert Page(explorer.html).data["numbers"] is None
    assert len(explorer.live.children) == 3


def test_in_a_kernel_the_numbers_come_when_they_are_asked_for(told):
    explorer = explore(told, height=[1, 2])
    slider, _, _, wanted, table = explorer.live.children
    assert table.value == ""
    wanted.value = True
    assert "<td dir='auto'>1</td>" in table.value
    slider.index = 1
    assert "<td dir='auto'>2</td>" in table.value
    wanted.value = False
    assert table.value == ""


def test_the_pictures_of_all_values_can_stand_side_by_side():
    explorer = explore(
        describe, a=[1, 2], b=["x", "y", "z"], c=[5, 6], compare="b", start={"a": 2}
    )
    page = Page(explorer.html)
    assert page.text["figcaption"] == ["b x", "b y", "b z"]
    assert page.text["pre"] == [
        f"values {{'a': 2, 'b': '{b}', 'c': 5}}" for b in ("x", "y", "z")
    ]
    assert len(page.all("input")) == 2 and page.all("select") == []
    assert page.data["frames"].count(None) == 3
    assert page.data["compare"] == 1


def test_in_a_kernel_a_move_draws_all_that_are_compared():
    calls = []

    def draw(a, b):
        calls.append((a, b))
        return f"<{a} {b}>"

    explorer = explore(draw, a=[1, 2], b=[3, 4, 5], alt="x", compare="b")
    (a,), picture = parts(explorer)
    drawn = len(calls)
    a.index = 1
    assert calls[drawn:] == [(2, 3), (2, 4), (2, 5)]
    assert picture.value.count("<figure") == 3
    for text in ("&lt;2 3&gt;", "&lt;2 5&gt;", "<figcaption>b 4</figcaption>"):
        assert text in picture.value


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="cannot compare 'c'; the controls are: 'a'"):
        explore(describe, a=[1, 2], compare="c")
    with pytest.raises(ValueError, match="leaves no control to move"):
        explore(describe, a=[1, 2], compare="a")
    with pytest.raises(ValueError, match="13 values; at most 12 stand side by side"):
        explore(describe, a=range(13), b=[1, 2], compare="a")


def test_a_view_has_a_name_for_the_address_of_the_page():
    def key(**options):
        explorer = explore(lambda top_k: str(top_k), top_k=[1, 2], **options)
        return Page(explorer.html).all("div")[0]["data-llm-key"]

    assert key(alt="Weights, <raw> & scaled") == "weights-raw-scaled"
    assert key(alt="中文") == "top-k"
    assert key(alt="the probabilities of the next token as bars") == (
        "the-probabilities-of-the-next"
    )
    assert key(alt="x" * 100) == "x" * 32


def test_the_twin_says_how_much_there_is_to_see():
    def quiet(**options):
        html = explore(lambda a: "é" * 10_000 * min(a, 2), alt="x", **options).html
        return re.search('<span class="llm-quiet">([^<]*)</span>', html)[1]

    assert quiet(a=[1, 2]) == "2 texts, 60 kB"
    assert quiet(a=[1, 2, 3]) == "3 views, 2 texts, 60 kB"
    assert quiet(a=[2, 3]) == "2 views, 1 text, 40 kB"
    assert repr(explore(lambda a: "same", a=[1, 2], alt="x")).startswith(
        "Explorer(x: a × 2; 1 different frame, "
    )


def test_nothing_in_the_data_ends_the_script_that_holds_it():
    texts = [
        "</SCRIPT >",
        "<!--<script>",
        "<![CDATA[",
        "</style>",
        "<b>&amp;",
        "\ud800",
    ]
    explorer = explore(lambda a: texts[a], a=slider(range(6)), alt="x")
    inside = explorer.html.split('<script type="application/json">')[1]
    inside = inside.split("</script>")[0]
    assert re.findall("(?i)<(?:[!?]|/?script|/?style)", inside) == []
    data = json.loads(inside)
    assert data["frames"][4] == {"text": "<b>&amp;"}
    assert data["frames"][1] == {"text": "<!--<script>"}


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
    assert explorer.frame().content == "values {'a': 2, 'b': True}"
    assert explorer.frame(a=1, b=False).content == "values {'a': 1, 'b': False}"


def test_an_error_of_the_figure_function_is_raised_in_the_cell():
    with pytest.raises(ZeroDivisionError) as caught:
        explore(lambda a: str(1 / a), a=[1, 0], alt="x")
    assert "a=0" in caught.value.__notes__[0]


def test_reset_goes_back_to_the_start_and_draws_once():
    calls = []

    def draw(a, b, c):
        calls.append((a, b, c))
        return f"{a} {b} {c}"

    explorer = explore(
        draw,
        a=[1, 2],
        b=[False, True],
        c=text_field(["x", "y"]),
        alt="x",
        start={"a": 2, "b": True},
    )
    a, b, c, reset, picture = explorer.live.children
    a.index, b.value, c.children[0].value = 0, False, "y"
    drawn = len(calls)
    reset.click()
    assert calls[drawn:] == [(2, True, "x")]
    assert "2 True x" in picture.value


def test_a_text_typed_in_a_kernel_picks_the_nearest_or_says_what_is_allowed():
    draw = "{} !".format
    explorer = explore(lambda a: draw(a), a=text_field([0.5, 1.0]), alt="x")
    box, _, picture = explorer.live.children
    field, note = box.children
    assert field.options == ("0.5", "1")
    field.value = "0.9"
    assert field.value == "1" and "1.0 !" in picture.value and note.value == ""
    field.value = "<b>"
    assert "“&lt;b&gt;” is not one of: 0.5, 1" in note.value
    assert "1.0 !" in picture.value
    field.value = "0.5"
    assert note.value == "" and "0.5 !" in picture.value


def test_a_slider_that_plays_can_be_stepped_in_a_kernel():
    explorer = explore(lambda a: f"at {a}", a=slider([1, 2], play=True), alt="x")
    row, _, picture = explorer.live.children
    slide, step, play, style = row.children
    assert (play.min, play.max, play.value) == (0, 1, 0)
    step.click()
    assert slide.index == 1 and "at 2" in picture.value
    step.click()
    assert slide.index == 0
    # Who asked for less motion keeps the step alone.
    assert "prefers-reduced-motion" in style.value
    assert "llm-explore-play" in play._dom_classes


@pytest.mark.parametrize(
    ("takes_html", "shown"), [(True, "&lt;b&gt; &amp;"), (False, "<b> &")]
)
def test_a_label_is_text_in_old_and_new_ipywidgets(monkeypatch, takes_html, shown):
    monkeypatch.setattr(live_fields, "_HTML_LABELS", takes_html)
    explorer = explore(
        lambda **values: str(values),
        a=slider([1, 2], label="<b> &"),
        b=text_field(["x", "y"], label="<b> &"),
        c=radio([1, 2], label="<b> &"),
        alt="x",
    )
    (a, b, c), _ = parts(explorer)
    assert {a.description, b.children[0].description, c.description} == {shown}


def test_the_live_half_needs_no_more_than_ipywidgets_7():
    explorer = explore(
        describe,
        a=slider([1, 2], play=True),
        b=radio([1, 2]),
        c=text_field(["x", "y"]),
        d=[False, True],
        e=["p", "q"],
    )

    def names(widget):
        yield widget._model_name, widget._model_module_version.split(".")[0]
        for child in getattr(widget, "children", ()):
            yield from names(child)

    found = set(names(explorer.live))
    assert {name for name, _ in found} <= {
        f"{name}Model"
        for name in [
            "Button",
            "Checkbox",
            "Combobox",
            "Dropdown",
            "HBox",
            "HTML",
            "Play",
            "RadioButtons",
            "SelectionSlider",
            "VBox",
        ]
    }
    assert {version for _, version in found} <= {"1", "2"}


def parts(explorer):
    *fields, _, picture = explorer.live.children
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
