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
        saved = self._saved()
        return {name: Run(**entry["run"]) for name, entry in saved.items()}

    def is_fresh(self, name: str, key: str) -> bool:
        """Whether the stored result was computed from exactly what ``key`` covers."""
        run = self.runs().get(name)
        return run is not None and run.key == key and self._stored(name) is not None

    def save(self, name: str, notebook: Path, executed: Path, run: Run) -> None:
        """Keep the result of a run."""
        result = nbformat.read(executed, as_version=4)
        self._write(name, result, notebook, run)

    def executed(self, notebook: Path) -> nbformat.NotebookNode:
        """The notebook with the stored outputs of its code cells.

        Raises KeyError when there is no result for it.
        """
        source = nbformat.read(notebook, as_version=4)
        return self._cache.merge_match_into_notebook(source)[1]

    def refresh_metadata(self, name: str, notebook: Path) -> bool:
        """Give the stored cells the metadata that the source has now.

        Tags, captions and alternative texts stand in cell metadata. The cache looks
        results up by code and metadata together, so without this an edited caption
        would cost a whole run. Returns whether anything had to be changed.
        """
        source = nbformat.read(notebook, as_version=4)
        stored = self._stored(name)
        wanted = [c.metadata for c in source.cells if c.cell_type == "code"]
        if stored is None or [cell.metadata for cell in stored.cells] == wanted:
            return False
        for cell, metadata in zip(stored.cells, wanted, strict=True):
            cell.metadata = metadata
        self._write(name, stored, notebook, self.runs()[name])
        return True

    def _saved(self) -> dict[str, dict]:
        try:
            saved = json.loads(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        # What an older version of this module wrote counts as no run.
        return {n: e for n, e in saved.items() if e.keys() == {"run", "hashkey"}}

    def _stored(self, name: str) -> nbformat.NotebookNode | None:
        """The executed code cells that the last run left, if they are still there."""
        entry = self._saved().get(name)
        for record in self._cache.list_cache_records() if entry else ():
            if record.hashkey == entry["hashkey"]:
                return copy.deepcopy(self._cache.get_cache_bundle(record.pk).nb)
        return None

    def _write(
        self, name: str, result: nbformat.NotebookNode, notebook: Path, run: Run
    ) -> None:
        data = {"execution_seconds": run.seconds}
        record = self._cache.cache_notebook_bundle(
            CacheBundleIn(result, str(notebook), data=data),
            check_validity=False,
            overwrite=True,
        )
        entry = {"run": asdict(run), "hashkey": record.hashkey}
        saved = dict(sorted({**self._saved(), name: entry}.items()))
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")
        partial.replace(self._file)
