"""Repairs of finished pages change what they are for, once, and nothing else."""

from __future__ import annotations

import pytest

from html_tidy import REPAIRS, tidy_folder, without_repeated_parts

PAGE = """<head><link rel="preload" as="font" href="a.woff2" />
<link rel="preload" as="script" href="a.js" /></head>
<body><style data-llm-part="a.css">a {}</style><script data-llm-part="a.js">
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


@pytest.mark.parametrize("repair", REPAIRS)
def test_a_repair_changes_nothing_when_it_is_applied_again(repair):
    once = repair(PAGE)
    assert once != PAGE
    assert repair(once) == once
