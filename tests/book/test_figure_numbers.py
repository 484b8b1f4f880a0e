"""The numbers of a figure stand behind it, once, and as text."""

from __future__ import annotations

import json
from html import escape

import pytest

from figure_numbers import MARK, with_numbers

HOSTILE = '</td></desc><script>alert(1)</script>"&amp;'
PANEL = {"text": "Two bars.", "head": ["bar", "bits"], "rows": [["a", 1.5], ["b", 2]]}


@pytest.fixture
def page(tmp_path):
    """Write a picture with this description; returns the page's HTML."""

    def write(content, alt='alt="by hand" ', name="one.svg"):
        desc = f"<desc>{escape(json.dumps(content), quote=False)}</desc>"
        svg = f'<svg width="9pt" xmlns="x">\n{desc}<g/></svg>'
        (tmp_path / "_images").mkdir(exist_ok=True)
        (tmp_path / "_images" / name).write_text(svg, encoding="utf-8")
        return f'<figure><img {alt}src="_images/{name}" /><p>after</p></figure>'

    return write


def test_a_table_stands_behind_the_figure(page, tmp_path):
    html = with_numbers(page(PANEL), tmp_path)
    assert f'<img alt="by hand" src="_images/one.svg" />{MARK}' in html
    assert '<td dir="auto">a</td><td dir="auto">1.5</td>' in html
    assert html.endswith("</details><p>after</p></figure>")


@pytest.mark.parametrize("alt", ["", 'alt="" ', 'alt="_images/one.svg" '])
def test_a_figure_without_words_of_the_author_gets_those_of_its_data(
    page, tmp_path, alt
):
    html = with_numbers(page(PANEL, alt, f"{len(alt)}.svg"), tmp_path)
    assert html.count("alt=") == 1
    assert '<img alt="Two bars."' in html


def test_a_second_pass_changes_nothing(page, tmp_path):
    once = with_numbers(page(PANEL, ""), tmp_path)
    assert with_numbers(once, tmp_path) == once


def test_all_panels_are_there(page, tmp_path):
    other = PANEL | {"text": "Three lines.", "rows": [["c", 7]]}
    html = with_numbers(page([PANEL, other], ""), tmp_path)
    assert html.count("<table>") == 2
    assert 'alt="Two bars. Three lines."' in html


def test_text_from_data_stays_text(page, tmp_path):
    panel = {"text": HOSTILE, "head": [HOSTILE], "rows": [[HOSTILE]]}
    html = with_numbers(page(panel, ""), tmp_path)
    assert "<script>" not in html
    assert html.count(escape(HOSTILE)) >= 4


@pytest.mark.parametrize(
    "html",
    ['<img src="x.svg">', '<img src="data:image/svg+xml,a.svg">', "<img alt='x'>"],
)
def test_other_pictures_stay_as_they_are(tmp_path, html):
    assert with_numbers(html, tmp_path) == html


@pytest.mark.parametrize("content", ["a text", {"text": "x"}, [1]])
def test_descriptions_of_others_are_left_alone(page, tmp_path, content):
    html = page(content, name=f"{len(str(content))}.svg")
    assert with_numbers(html, tmp_path) == html
