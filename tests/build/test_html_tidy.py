"""Repairs of finished pages change what they are for, once, and nothing else."""

from __future__ import annotations

import pytest

from html_tidy import REPAIRS, tidy_folder

PAGE = """<head><link rel="preload" as="font" href="a.woff2" />
<link rel="preload" as="script" href="a.js" /></head>
<body><div role="list"><div class="citation" role="doc-biblioentry">[A]</div></div>
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


@pytest.mark.parametrize("repair", REPAIRS)
def test_a_repair_changes_nothing_when_it_is_applied_again(repair):
    once = repair(PAGE)
    assert once != PAGE
    assert repair(once) == once
