"""Each built page in light and dark, on a desktop and a phone, without a network."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.book, pytest.mark.browser]


def test_page_asks_no_other_host(seen):
    assert not seen.foreign


def test_page_logs_no_error(seen):
    assert not seen.errors
    assert not seen.failed


def test_page_does_not_scroll_sideways(seen):
    facts = seen.facts
    assert facts["scrollWidth"] <= facts["clientWidth"], facts["wide"]
    assert not facts["wide"]


def test_page_has_one_title(seen):
    assert len(seen.facts["h1"]) == 1


def test_maths_is_drawn(seen):
    facts = seen.facts
    assert not facts["mathNotDrawn"]
    assert not facts["mathErrors"]
    assert not facts["rawMath"]


def test_images_are_there_and_described(seen):
    for image in seen.facts["images"]:
        assert image["loaded"] or not image["shown"], f"not loaded: {image['name']}"
        alt = (image["alt"] or "").strip()
        assert alt, f"no alternative text: {image['name']}"
        is_file_name = re.search(r"\.(svg|png|jpe?g|gif)$", alt)
        assert not is_file_name, f"the alternative text is a file: {image['name']}"


def test_page_has_the_theme_of_the_reader(seen, request):
    theme = "dark" if "-dark-" in request.node.name else "light"
    assert seen.facts["theme"] == theme
    red = int(re.search(r"\d+", seen.facts["background"])[0])
    assert (red < 100) == (theme == "dark")


# Code has thousands of words in a dozen colours, and each is looked at by axe: one of
# each kind stays an element, the others become plain text.
ONE_OF_EACH_KIND = """() => {
  for (const code of document.querySelectorAll("div.highlight")) {
    const met = new Set();
    for (const word of code.querySelectorAll("span[class]")) {
      if (met.has(word.className)) word.replaceWith(...word.childNodes);
      else met.add(word.className);
    }
    code.normalize();
  }
}"""


def faults(page, theme: str, width: str) -> list[str]:
    """What axe finds, of any gravity.

    Colours are the same at each width, and the longest to check; all else is the same
    in each theme. So each of them is checked on two of three views.
    """
    colours = {"color-contrast": {"enabled": width == "desktop"}}
    rules = {"runOnly": ["color-contrast"]} if theme == "dark" else {"rules": colours}
    page.evaluate(ONE_OF_EACH_KIND)
    found = Axe().run(page, options={"resultTypes": ["violations"], **rules})
    return [
        f"{rule['id']}: {node['target']} {node['html'][:160]}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]


def test_page_is_accessible(judged):
    seen, theme, width = judged
    found = faults(seen.page, theme, width)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("theme", "width", "wanted"),
    [
        ("light", "desktop", {"color-contrast", "empty-table-header"}),
        ("dark", "desktop", {"color-contrast"}),
        ("light", "phone", {"empty-table-header"}),
    ],
)
def test_faults_are_found_where_they_are_looked_for(open_page, theme, width, wanted):
    page = open_page("book/how_to_use", theme, width).page
    page.evaluate(
        """() => document.querySelector("article").insertAdjacentHTML("beforeend",
          `<div class="highlight"><pre><span class="k">if</span>
           <span class="p" style="color: #777; background: #888">pale</span></pre></div>
           <table><tr><th></th></tr><tr><td>a minor fault</td></tr></table>`)"""
    )
    assert {fault.partition(":")[0] for fault in faults(page, theme, width)} == wanted


def test_chapters_show_maths_and_figures(visit, notebook_pages):
    """The tests above would pass on empty pages; these must not be empty."""
    for page in notebook_pages:
        facts = visit(page, "light", "desktop").facts
        assert facts["nMath"] > 0, page
        assert any(image["shown"] for image in facts["images"]), page
