"""What a saved folder says of itself: one JSON file, with hashes of all the others.

Whoever reads a folder first reads what it is, by whom and in which version it was
written, and whether its files are still those that were written.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_notes.training.durable import sha256


@dataclass(frozen=True)
class Description:
    """One kind of description.

    Args:
        file: the name of the JSON file.
        format, version: what is written into it, and due when it is read.
        fields: what else it has to hold, by type.
        error: what is raised for a folder that is not as described.
    """

    file: str
    format: str
    version: int
    fields: dict[str, type]
    error: type[ValueError]

    def write(self, folder: Path, **content: Any) -> None:
        """Describe a folder whose other files are written already."""
        files = sorted(file.name for file in folder.iterdir())
        whole = {
            "format": self.format,
            "version": self.version,
            **content,
            "sha256": {name: sha256(folder / name) for name in files},
        }
        # No line break at the end: each byte that is cut off can be noticed.
        text = json.dumps(whole, indent=1)
        (folder / self.file).write_text(text, encoding="utf-8")

    def read(self, folder: Path) -> dict[str, Any]:
        """What stands in the description. Raises `error`."""
        file = folder / self.file
        if not file.is_file():
            raise self.error(f"{folder} holds nothing saved: there is no {file.name}")
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self.error(f"{file} is cut short or no JSON: {error}") from error
        if not isinstance(found, dict) or found.get("format") != self.format:
            raise self.error(f"{file} was not written by llm_notes")
        if found.get("version") != self.version:
            raise self.error(
                f"{file} has version {found.get('version')!r}, this package reads "
                f"{self.version}: train and save again"
            )
        for name, kind in {**self.fields, "sha256": dict}.items():
            if not isinstance(found.get(name), kind):
                raise self.error(f"{file} lacks {name}, or it is no {kind.__name__}")
        return found

    def require_whole(self, folder: Path, files: set[str]) -> None:
        """Raises `error` unless just these files are described, and are unchanged."""
        hashes = self.read(folder)["sha256"]
        if hashes.keys() != files:
            raise self.error(f"{folder / self.file} names other files: {set(hashes)}")
        for name, expected in hashes.items():
            if not (folder / name).is_file():
                raise self.error(f"{folder} lacks {name}: train and save again")
            if sha256(folder / name) != expected:
                raise self.error(
                    f"{folder / name} is cut short or was changed (its SHA-256 is not "
                    "the one that was saved): train and save again"
                )
