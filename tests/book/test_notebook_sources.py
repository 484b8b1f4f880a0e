"""A notebook's key covers what decides its result, and nothing more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notebook_sources import import_closure, named_modules, notebook_key

PACKAGE = {
    "llm_notes/data/__init__.py": "",
    "llm_notes/data/corpus.py": "from llm_notes.runtime import home\n",
    "llm_notes/data/words.txt": "a b c\n",
    "llm_notes/runtime.py": "import os\n",
    "llm_notes/models/__init__.py": "",
    "llm_notes/models/gpt.py": (
        "from llm_notes.models import parts\n"
        "def load():\n"
        "    from llm_notes.data.corpus import Corpus\n"
    ),
    "llm_notes/models/parts.py": "",
    "llm_notes/models/ngram.py": "",
    "llm_notes/widgets/__init__.py": "",
    "llm_notes/widgets/explore.py": "from . import frames\n",
    "llm_notes/widgets/frames.py": "",
    "llm_notes/widgets/static/explore.js": "let x;\n",
}


def closure(root: Path, source: str) -> set[str]:
    found = import_closure(source, root / "src")
    return {p.relative_to(root / "src" / "llm_notes").as_posix() for p in found}


def key(root: Path, name: str = "one", needed: tuple[str, ...] = ()) -> str:
    notebook = root / "notebooks" / f"{name}.ipynb"
    return notebook_key(notebook, root / "src", root / "requirements.txt", needed)


def test_closure_follows_imports_through_modules(small_book):
    root = small_book({}, package=PACKAGE)
    found = closure(root, "from llm_notes.data import corpus")
    assert {"data/corpus.py", "runtime.py"} <= found
    assert not any(name.startswith(("models", "widgets")) for name in found)


def test_closure_follows_imports_inside_functions(small_book):
    root = small_book({}, package=PACKAGE)
    assert "data/corpus.py" in closure(root, "import llm_notes.models.gpt")


def test_closure_takes_modules_named_after_from_import(small_book):
    root = small_book({}, package=PACKAGE)
    found = closure(root, "from llm_notes.models import gpt")
    assert {"models/gpt.py", "models/parts.py"} <= found
    assert "models/ngram.py" not in found


def test_closure_holds_the_packages_above_a_module(small_book):
    root = small_book({}, package=PACKAGE)
    found = closure(root, "import llm_notes.models.parts")
    assert {"__init__.py", "models/__init__.py"} <= found


def test_closure_holds_data_files_beside_a_module_and_in_its_folders(small_book):
    root = small_book({}, package=PACKAGE)
    assert "data/words.txt" in closure(root, "import llm_notes.data.corpus")
    assert "widgets/static/explore.js" in closure(root, "import llm_notes.widgets")
    assert "data/words.txt" not in closure(root, "import llm_notes.widgets")


def test_closure_follows_relative_and_dynamic_imports(small_book):
    root = small_book({}, package=PACKAGE)
    assert "widgets/frames.py" in closure(root, "import llm_notes.widgets.explore")
    dynamic = "importlib.import_module('llm_notes.models.ngram')"
    assert "models/ngram.py" in closure(root, dynamic)


@pytest.mark.parametrize(
    "cell",
    [
        "!python -m llm_notes.models --small",
        "subprocess.run([sys.executable, '-m', 'llm_notes.models'])",
        "subprocess.run('python -m llm_notes.models', shell=True)",
    ],
)
def test_key_changes_with_a_program_that_is_run(small_book, cell):
    main = {"llm_notes/models/__main__.py": "from llm_notes.models import gpt\n"}
    root = small_book({"one": [cell]}, package=PACKAGE | main)
    before = key(root)
    (root / "src/llm_notes/models/parts.py").write_text("x = 1\n")
    assert key(root) != before


def test_other_packages_are_not_followed():
    names = named_modules("import numpy.linalg, llm_notes_too\nimport os", "llm_notes")
    assert names == set()


def test_key_changes_with_a_module_it_depends_on_only(small_book):
    root = small_book({"one": ["from llm_notes.data import corpus"]}, package=PACKAGE)
    before = key(root)
    (root / "src/llm_notes/models/gpt.py").write_text("x = 1\n")
    assert key(root) == before
    (root / "src/llm_notes/runtime.py").write_text("x = 1\n")
    assert key(root) != before


def test_key_changes_with_code_tags_pins_and_needs_but_not_with_prose(small_book):
    root = small_book({"one": ["1 + 1"]})
    path = root / "notebooks/one.ipynb"
    before = key(root)

    notebook = json.loads(path.read_text())
    notebook["cells"][0]["source"] = "# Another title"
    path.write_text(json.dumps(notebook))
    assert key(root) == before

    notebook["cells"][1]["metadata"]["tags"] = ["raises-exception"]
    path.write_text(json.dumps(notebook))
    assert key(root) != before

    notebook["cells"][1]["metadata"]["tags"] = []
    notebook["cells"][1]["source"] = "1 + 2"
    path.write_text(json.dumps(notebook))
    after = key(root)
    assert after != before
    assert key(root, needed=("another",)) != after

    (root / "requirements.txt").write_text("numpy==3\n")
    assert key(root) != after


def test_key_changes_with_a_file_that_the_metadata_name(small_book):
    root = small_book({"one": ["1 + 1"]})
    figures, path = root / "figures.json", root / "notebooks/one.ipynb"
    figures.write_text("1")
    notebook = json.loads(path.read_text())
    notebook["metadata"]["llm_notes"]["files"] = ["figures.json"]
    path.write_text(json.dumps(notebook))
    before = key(root)
    figures.write_text("2")
    assert key(root) != before


def test_magics_do_not_hide_imports(small_book):
    source = "%matplotlib inline\n!ls\nfrom llm_notes.models import parts"
    root = small_book({"one": [source]}, package=PACKAGE)
    before = key(root)
    (root / "src/llm_notes/models/parts.py").write_text("x = 1\n")
    assert key(root) != before


@pytest.mark.parametrize("name", ["attention", "curves"])
def test_real_modules_are_found(root, name):
    """The closure works on the package as it is, not only on a toy of it."""
    source = f"from llm_notes.viz import {name}"
    found = {p.name for p in import_closure(source, root / "src")}
    assert {f"{name}.py", "style.py"} <= found
    assert "trainer.py" not in found
