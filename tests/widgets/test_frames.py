import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from urllib.parse import unquote

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from llm_notes.widgets.frames import Frame, draw_frame, frame_html

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
