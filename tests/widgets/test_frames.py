import json
import xml.etree.ElementTree as ElementTree
from html import escape
from html.parser import HTMLParser
from urllib.parse import unquote

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from llm_notes.widgets.frames import (
    Frame,
    Numbers,
    draw_frame,
    frame_html,
    numbers_html,
    svg_frame,
)

mpl.use("agg")


def line(slope):
    figure, ax = plt.subplots(figsize=(2, 1))
    ax.plot([0, slope])
    return figure, ax


def returns_figure(slope):
    return line(slope)[0]


def returns_axes(slope):
    return line(slope)[1]


def leaves_current_figure(slope):
    line(slope)


def returns_subfigure_axes(slope):
    return plt.figure(figsize=(2, 1)).subfigures(1, 2)[0].subplots()


def returns_figure_outside_pyplot(slope):
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, slope])
    return figure


@pytest.mark.parametrize(
    "draw",
    [
        returns_figure,
        returns_axes,
        leaves_current_figure,
        returns_subfigure_axes,
        returns_figure_outside_pyplot,
    ],
)
def test_a_figure_is_drawn_and_closed(draw):
    frame = draw_frame(draw, {"slope": 1})
    assert frame.kind == "svg"
    assert ElementTree.fromstring(frame.content).tag.endswith("svg")
    assert plt.get_fignums() == []


def test_figures_that_were_open_before_stay_open():
    mine = plt.figure()
    try:
        draw_frame(returns_axes, {"slope": 1})
        draw_frame(lambda slope: mine, {"slope": 1})
        assert plt.get_fignums() == [mine.number]
    finally:
        plt.close(mine)


def test_an_error_passes_with_the_values_and_closes_the_figure():
    def fails(slope):
        plt.figure()
        raise ZeroDivisionError("no slope")

    with pytest.raises(ZeroDivisionError, match="no slope") as caught:
        draw_frame(fails, {"slope": 3})
    assert "slope=3" in caught.value.__notes__[0]
    assert plt.get_fignums() == []


@pytest.mark.parametrize("result", [None, 3, [1, 2]])
def test_a_result_that_cannot_be_shown_is_refused(result):
    with pytest.raises(TypeError, match=f"returned {type(result).__name__}"):
        draw_frame(lambda slope: result, {"slope": 1})


def test_text_keeps_its_lines_and_shows_what_cannot_be_seen():
    frame = draw_frame(lambda n: " a\n\u202eb\t\udc80" * n, {"n": 1})
    assert frame == Frame("text", " a\nU+202Eb⇥U+DC80")


def test_a_picture_survives_its_url_unchanged():
    content = '<svg a="1">\n#%&?\'"é中 \\</svg>'

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            self.tag, self.attributes = tag, dict(attributes)

    reader = Reader()
    reader.feed(frame_html(Frame("svg", content), '"><script>alert(1)</script>'))
    assert reader.tag == "img"
    assert reader.attributes["alt"] == '"><script>alert(1)</script>'
    kind, data = reader.attributes["src"].split(",", 1)
    assert kind == "data:image/svg+xml;charset=utf-8"
    assert unquote(data) == content


def described(said, tag='<svg width="1pt">'):
    if isinstance(said, dict):  # one panel
        said = [said]
    said = said if isinstance(said, str) else json.dumps(said)
    return f"{tag}<desc>{escape(said)}</desc>\n<g/></svg>"


def test_the_numbers_that_a_picture_carries_are_taken_out_of_it():
    said = {
        "text": "two bars,\nthe higher at &b",
        "head": ["token", "p"],
        "rows": [["<a>", 1 / 3], ["&b", 2], [None, True]],
    }
    rows = (("<a>", "0.333333"), ("&b", "2"), ("", "True"))
    assert svg_frame(described(said)) == Frame(
        "svg",
        '<svg width="1pt">\n<g/></svg>',
        "two bars, the higher at &b",
        Numbers(("token", "p"), rows),
    )
    assert svg_frame(described({"text": "bars"})).numbers is None


@pytest.mark.parametrize(
    "said",
    [
        "no JSON",
        "[1]",
        '{"text": "a", "rows": 3}',
        '{"text": "a", "rows": [3]}',
        "[" * 100_000,
    ],
)
def test_a_description_of_another_kind_stays_in_the_picture(said):
    svg = described(said)
    assert svg_frame(svg) == Frame("svg", svg)


def test_only_a_description_at_the_beginning_counts():
    svg = "<svg><g/>" + described({"text": "a"}) + "</svg>"
    assert svg_frame(svg) == Frame("svg", svg)


def test_the_tables_of_all_panels_stand_below_each_other():
    panels = [
        {"text": "One.", "head": ["a", "b"], "rows": [[1, 2.5]]},
        {"text": "Two.", "head": [], "rows": []},
        {"text": "Three.", "head": ["a", "c"], "rows": [[3, 4]]},
    ]
    frame = svg_frame(described(panels))
    assert frame.text == "One. Two. Three."
    assert frame.numbers == Numbers(("a", "b"), (("1", "2.5"), ("a", "c"), ("3", "4")))


def test_a_long_description_is_read_in_no_time():
    rows = [[str(i), i / 7] for i in range(20_000)]
    frame = svg_frame(described({"text": "x" * 1_000_000, "rows": rows}))
    assert len(frame.numbers.rows) == 20_000


def test_frames_with_other_numbers_are_other_frames():
    one = svg_frame(described({"text": "a", "rows": [[1]]}))
    other = svg_frame(described({"text": "a", "rows": [[2]]}))
    assert one.content == other.content and one != other
    assert one.size == len(one.content) + 1


def test_the_cells_of_a_table_are_text():
    html = numbers_html(Numbers(("<b>",), (("<script>\u202e",),)), "<i>")
    assert "&lt;b&gt;" in html and "&lt;script&gt;U+202E" in html
    assert "<caption>&lt;i&gt;</caption>" in html
