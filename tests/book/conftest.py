"""A small book in a temporary folder, for tests of how notebooks are executed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def notebooks() -> dict[str, dict]:
    """The book's notebooks as their JSON, by name."""
    paths = sorted((ROOT / "notebooks").rglob("*.ipynb"))
    return {
        path.relative_to(ROOT).with_suffix("").as_posix(): json.loads(
            path.read_text(encoding="utf-8")
        )
        for path in paths
        if ".ipynb_checkpoints" not in path.parts
    }


@pytest.fixture
def small_book(tmp_path: Path) -> Callable[..., Path]:
    """Writes a book: notebooks (name -> cells), who needs whom, and package files."""

    def write(
        cells: dict[str, list[str]],
        needs: dict[str, list[str]] | None = None,
        package: dict[str, str] | None = None,
    ) -> Path:
        files = {"llm_notes/__init__.py": '"""A package."""\n', **(package or {})}
        for name, text in files.items():
            path = tmp_path / "src" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for name, sources in cells.items():
            notebook = new_notebook(cells=[new_markdown_cell(f"# {name}")])
            notebook.cells += [new_code_cell(source) for source in sources]
            wanted = [f"notebooks/{other}" for other in (needs or {}).get(name, [])]
            notebook.metadata["llm_notes"] = {"needs": wanted}
            path = tmp_path / "notebooks" / f"{name}.ipynb"
            path.parent.mkdir(exist_ok=True)
            nbformat.write(notebook, path)
        chapters = "".join(f"  - file: notebooks/{name}\n" for name in cells)
        toc = f"format: jb-book\nroot: index\nchapters:\n{chapters}"
        (tmp_path / "_toc.yml").write_text(toc, encoding="utf-8")
        (tmp_path / "requirements.txt").write_text("numpy==2\n", encoding="utf-8")
        return tmp_path

    return write
