"""Where executed notebooks are kept: the cache that the book's pages are made from.

The cache itself is jupyter-cache's, so MyST-NB finds a result there by the notebook's
code. Beside it lies ``runs.json``: for each notebook the key of its last run (what it
was computed from) and its seconds. Does not know how a notebook is executed.
"""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn


@dataclass(frozen=True)
class Run:
    """The last successful run of a notebook."""

    key: str
    seconds: float
    n_cells: int


class NotebookStore:
    """Executed notebooks by document name, in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._cache = get_cache(str(folder))
        self._file = folder / "runs.json"

    def runs(self) -> dict[str, Run]:
        """The last successful run of each notebook that has had one."""
        if not self._file.exists():
            return {}
        saved = json.loads(self._file.read_text(encoding="utf-8"))
        return {name: Run(**fields) for name, fields in saved.items()}

    def is_fresh(self, name: str, notebook: Path, key: str) -> bool:
        """Whether the stored result was computed from exactly what ``key`` covers."""
        run = self.runs().get(name)
        return run is not None and run.key == key and self._find(notebook) is not None

    def save(self, name: str, notebook: Path, executed: Path, run: Run) -> None:
        """Keep the result of a run, in place of any earlier one of the same code."""
        result = nbformat.read(executed, as_version=4)
        self._write(result, notebook, run.seconds)
        runs = {**self.runs(), name: run}
        fields = {n: asdict(r) for n, r in sorted(runs.items())}
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")
        partial.replace(self._file)

    def executed(self, notebook: Path) -> nbformat.NotebookNode:
        """The notebook with the stored outputs of its code cells."""
        source = nbformat.read(notebook, as_version=4)
        return self._cache.merge_match_into_notebook(source)[1]

    def refresh_metadata(self, notebook: Path) -> bool:
        """Give the stored cells the metadata that the source has now.

        Tags, captions and alternative texts stand in cell metadata. MyST-NB takes
        them from the cache, so after an edit that changes no code it would go on
        showing the old ones. Returns whether anything had to be changed.
        """
        record = self._find(notebook)
        if record is None:
            return False
        source = nbformat.read(notebook, as_version=4)
        stored = copy.deepcopy(self._cache.get_cache_bundle(record.pk).nb)
        wanted = [c.metadata for c in source.cells if c.cell_type == "code"]
        if [cell.metadata for cell in stored.cells] == wanted:
            return False
        for cell, metadata in zip(stored.cells, wanted, strict=True):
            cell.metadata = metadata
        self._write(stored, notebook, record.data["execution_seconds"])
        return True

    def _find(self, notebook: Path):
        try:
            return self._cache.match_cache_notebook(
                nbformat.read(notebook, as_version=4)
            )
        except KeyError:
            return None

    def _write(self, result, notebook: Path, seconds: float) -> None:
        data = {"execution_seconds": seconds}
        self._cache.cache_notebook_bundle(
            CacheBundleIn(result, str(notebook), data=data),
            check_validity=False,
            overwrite=True,
        )
