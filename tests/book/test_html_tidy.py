"""Repairs of finished pages change what they are for, once, and nothing else."""

from __future__ import annotations

import json
import re

import pytest

from html_tidy import (
    REPAIRS,
    SMALL_FILE,
    tidy_folder,
    with_sidebar_as_landmark,
    without_icon_script,
    without_repeated_parts,
    without_unused_maths,
)

PAGE = """<head><link rel="preload" as="font" href="a.woff2" />
<link rel="preload" as="script" href="a.js" />
<script src="../_static/vendor/fontawesome/6.5.2/js/all.min.js?digest=1"></script>
<link href="../_static/vendor/fontawesome/6.5.2/css/all.min.css" rel="stylesheet" />
<script defer="defer" src="../_static/mathjax/tex-chtml.js?v=2"></script></head>
<body><div class="bd-sidebar-primary bd-sidebar hide-on-wide"><nav></nav></div>
<style data-llm-part="a.css">a {}</style><script data-llm-part="a.js">
f();</script><p>one</p>
<style data-llm-part="a.css">a {}</style><script data-llm-part="a.js">
f();</script><script data-llm-part="b.js">f();</script><script>start();</script>
<script>start();</script><div role="list">
<div class="citation" role="doc-biblioentry">[A]</div></div>
</body>"""


def test_fonts_are_not_loaded_early_and_entries_are_list_items(tmp_path):
    page = tmp_path / "folder" / "page.html"
    page.parent.mkdir()
    page.write_text(PAGE, encoding="utf-8")
    assert tidy_folder(tmp_path) == 1
    text = page.read_text(encoding="utf-8")
    assert 'as="font"' not in text
    assert 'href="a.js"' in text
    assert '<div class="citation" role="listitem">[A]</div>' in text


def test_what_explorers_share_stands_in_a_page_once():
    text = without_repeated_parts(PAGE)
    assert text.count("a {}") == 1
    assert text.count('data-llm-part="a.js"') == 1
    assert text.index("f();") < text.index("one")  # the first one stays
    assert text.count("f();") == 2  # another part with the same content is another
    assert text.count("start();") == 2  # each explorer has to be started


def test_the_sidebar_is_a_named_part_of_the_page():
    text = with_sidebar_as_landmark(PAGE)
    sidebar = re.search(r'<div class="bd-sidebar-primary[^>]*>', text)[0]
    assert 'class="bd-sidebar-primary bd-sidebar hide-on-wide"' in sidebar
    assert 'role="complementary"' in sidebar
    assert "aria-label=" in sidebar


def test_icons_are_drawn_by_their_fonts_alone():
    text = without_icon_script(PAGE)
    assert "all.min.js" not in text
    assert "all.min.css" in text


@pytest.mark.parametrize(
    ("formula", "is_kept"),
    [
        ("", False),
        ('<span class="math notranslate nohighlight">', True),
        ('<div class="amsmath math">', True),
        ('<p class="mathematics">', False),
    ],
)
def test_mathjax_is_loaded_where_there_is_a_formula(formula, is_kept):
    assert ("mathjax" in without_unused_maths(PAGE + formula)) == is_kept


def test_a_large_file_is_loaded_when_it_is_asked_for(tmp_path):
    large = json.dumps({"weights": "A" * SMALL_FILE})
    script = '<script type="application/json" data-llm-file="{}">{}</script>'
    pages = [tmp_path / "index.html", tmp_path / "a" / "b" / "page.html"]
    for page in pages:
        page.parent.mkdir(parents=True, exist_ok=True)
        html = script.format("gpt", large) + script.format("small", '{"a": 1}')
        page.write_text(html, encoding="utf-8")
    assert tidy_folder(tmp_path) == 2
    (file,) = (tmp_path / "_static" / "files").iterdir()  # one for both pages
    assert (
        file.read_text(encoding="utf-8") == f'llmNotes.deliver("{file.stem}", {large});'
    )
    for page, source in zip(pages, ["_static", "../../_static"], strict=True):
        html = page.read_text(encoding="utf-8")
        assert f'data-source="{source}/files/{file.name}"></script>' in html
        assert '"small">{"a": 1}</script>' in html
        assert len(html) < SMALL_FILE
    assert tidy_folder(tmp_path) == 0


@pytest.mark.parametrize("repair", REPAIRS)
def test_a_repair_changes_nothing_when_it_is_applied_again(repair):
    once = repair(PAGE)
    assert once != PAGE
    assert repair(once) == once
