"""Two builds on one machine give the same numbers, bit for bit.

The notebooks that take longer than a moment are executed a second time only when
LLM_NOTES_TWO_BUILDS is ``all``: together they cost as long as the book.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from notebook_plan import book_notebooks
from notebook_sources import notebook_needs
from notebook_store import NotebookStore
from run_notebooks import run_notebooks

pytestmark = pytest.mark.book

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / "_build" / ".jupyter_cache"
MOMENT = 45  # seconds


ALL = os.environ.get("LLM_NOTES_TWO_BUILDS") == "all"


def executed_twice() -> list[str]:
    """All notebooks, or those that take a moment and build on no other."""
    names = book_notebooks(ROOT)
    if ALL:
        return names
    runs = NotebookStore(STORE).runs()
    quick = [name for name in names if runs[name].seconds <= MOMENT]
    return [name for name in quick if not notebook_needs(ROOT / f"{name}.ipynb")]


@pytest.fixture(scope="module")
def second_build(book, tmp_path_factory, request) -> Path:
    """Notebooks executed once more, from nothing, in another place."""
    folder = tmp_path_factory.mktemp("second")
    names = executed_twice()
    assert names
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\nExecuting {len(names)} notebooks a second time", flush=True)
        outcomes = run_notebooks(
            ROOT, names, store_folder=folder / "store", home=folder / "home"
        )
    assert {outcome.status for outcome in outcomes} == {"executed"}
    return folder


def compared(notebook: Path, store: Path) -> dict[str, list]:
    """Outputs by cell id, of all code cells that measure no time."""
    cells = NotebookStore(store).executed(notebook).cells
    return {
        cell.id: [
            (output.output_type, output.get("text"), output.get("data"))
            for output in cell.outputs
        ]
        for cell in cells
        if cell.cell_type == "code" and "timing" not in cell.metadata.get("tags", [])
    }


@pytest.mark.parametrize("name", book_notebooks(ROOT))
def test_outputs_are_the_same(name, second_build):
    if name not in NotebookStore(second_build / "store").runs():
        pytest.skip("takes longer than a moment (LLM_NOTES_TWO_BUILDS=all runs it)")
    notebook = ROOT / f"{name}.ipynb"
    first = compared(notebook, STORE)
    second = compared(notebook, second_build / "store")
    assert any(first.values())
    assert first.keys() == second.keys()
    for cell_id, outputs in first.items():
        assert outputs == second[cell_id], f"cell {cell_id} of {name}"


def digests(home: Path) -> dict[str, str]:
    """SHA-256 of each file of weights under a home folder."""
    return {
        path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*.safetensors"))
    }


@pytest.mark.skipif(not ALL, reason="needs LLM_NOTES_TWO_BUILDS=all")
def test_trained_weights_are_the_same(second_build):
    first = digests(ROOT / "_build" / "home")
    assert first
    assert first == digests(second_build / "home")
