"""Bring notebooks into the form they are committed in: no outputs, no traces of a run.

    python book/_ext/clean_notebooks.py [FILE.ipynb ...]

Without names, all notebooks under ``notebooks/``. Exits with 1 when a file had to be
changed, as commit hooks want it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Written by Jupyter and Colab for their own use, different on each machine.
NOTEBOOK_KEEPS = ("kernelspec", "language_info", "llm_notes", "mystnb")
CELL_DROPS = ("ExecuteTime", "collapsed", "colab", "execution", "id", "outputId")


def clean(notebook: dict) -> dict:
    """The notebook (as its JSON) without what a run or an editor leaves in it."""
    metadata = notebook.get("metadata", {})
    kept = {key: metadata[key] for key in NOTEBOOK_KEEPS if key in metadata}
    if "language_info" in kept:
        language = kept["language_info"]
        kept["language_info"] = {k: v for k, v in language.items() if k == "name"}
    cells = []
    for cell in notebook["cells"]:
        tidy = {**cell, "metadata": dict(cell.get("metadata", {}))}
        for key in CELL_DROPS:
            tidy["metadata"].pop(key, None)
        if cell["cell_type"] == "code":
            tidy |= {"outputs": [], "execution_count": None}
        cells.append(tidy)
    return {**notebook, "metadata": kept, "cells": cells}


def clean_file(path: Path) -> bool:
    """Clean a file in place; returns whether it changed."""
    before = path.read_text(encoding="utf-8")
    notebook = json.loads(before)
    if clean(notebook) == notebook:
        return False
    after = json.dumps(clean(notebook), indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(after + "\n", encoding="utf-8")
    return True


def main() -> int:
    root = Path(__file__).resolve().parents[2]
    named = [Path(name) for name in sys.argv[1:]]
    changed = [p for p in named or root.glob("notebooks/**/*.ipynb") if clean_file(p)]
    for path in changed:
        print(f"cleaned {path}")
    return int(bool(changed))


if __name__ == "__main__":
    sys.exit(main())
