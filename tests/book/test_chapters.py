"""What each chapter has: equations tied to code, numbers that cells computed."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from notebook_plan import book_notebooks
from notebook_sources import cell_source

ROOT = Path(__file__).resolve().parents[2]
NAMES = [n for n in book_notebooks(ROOT) if n.split("/")[1] != "appendix"]
LABEL = re.compile(r"^:label: (eq-[\w-]+)|\((eq-[\w-]+)\)\s*$", flags=re.MULTILINE)
IN_CODE = re.compile(r"\*In\s+code:\*((?:[\s,]|and|`[\w.]+`)+)")
TESTS = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "tests").rglob("*.py"))
    if path.name != "test_chapters.py"
)
# What may hold a number that no cell of this book computed: maths, code, roles with
# their targets, addresses, headings' own numbering.
GIVEN = re.compile(
    r"```.*?```|:::\{math\}.*?:::|\$\$.*?\$\$|\\begin\{.*?\\end\{\w+\*?\}|"
    r"\$[^$]*\$|`[^`]*`|\]\([^)]*\)|https?://\S+|Python \d\.\d+|"
    r"[Ss]ections?\s+\d+(?:\.\d+)*",
    flags=re.DOTALL,
)
RESULT = re.compile(r"\d+\.\d+|\d[\d,]* ?%|\d+(?:\.\d+)? (?:seconds|s|ms|MB|kB)\b")


def markdown(notebook: dict) -> str:
    cells = notebook["cells"]
    return "\n\n".join(cell_source(c) for c in cells if c["cell_type"] == "markdown")


def equations(text: str) -> dict[str, str]:
    """Each label, and the text from its equation to the next one."""
    found = list(LABEL.finditer(text))
    ends = [one.start() for one in found[1:]] + [len(text)]
    return {
        one[1] or one[2]: text[one.end() : end]
        for one, end in zip(found, ends, strict=True)
    }


def resolve(path: str) -> object:
    """The object behind "models.gpt.GPT.forward", or None."""
    parts = ["llm_notes", *path.removeprefix("llm_notes.").split(".")]
    for n in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:n]))
        except ImportError:
            continue
        for part in parts[n:]:
            thing = getattr(thing, part, None)
        return thing
    return None


@pytest.mark.parametrize("name", NAMES)
def test_each_labelled_equation_names_its_code_and_has_a_test(name, notebooks):
    missing = []
    for label, text in equations(markdown(notebooks[name])).items():
        named = [re.findall(r"`([\w.]+)`", found) for found in IN_CODE.findall(text)]
        if not any(named):
            missing.append(f"{label}: say after it '*In code:* `module.function`'")
        for path in (path for paths in named for path in paths):
            if resolve(path) is None:
                missing.append(f"{label}: there is no llm_notes.{path}")
            leaf = path.rpartition(".")[2]
            owner = path.rpartition(".")[0].rpartition(".")[2]
            tested = owner if leaf in ("forward", "__call__") else leaf
            if not re.search(rf"\b{tested}\b", TESTS):
                missing.append(f"{label}: no test names {tested}")
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_in_prose_come_from_cells(name, notebooks):
    text = GIVEN.sub(" ", markdown(notebooks[name]))
    found = [
        text[max(0, m.start() - 30) : m.end() + 10].replace("\n", " ")
        for m in RESULT.finditer(text)
    ]
    assert not found, (
        "a number that a cell computed belongs into its output; one that is given "
        "belongs into maths, as $0.5$: " + " | ".join(found)
    )
