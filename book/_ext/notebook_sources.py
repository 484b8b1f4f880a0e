"""Which files decide what a notebook computes, and one hash over all of them.

Reads source text only: nothing is imported and nothing is executed. Knows the
shape of a notebook file and of a Python package; does not know Sphinx, the cache
or how a notebook is run.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

# Part of each key: raise it when the way notebooks are executed changes what they
# print, so that results made in the old way are not used any more.
RUN_FORMAT = 3

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_PROGRAM = re.compile(r"-m\s+([A-Za-z_][\w.]*\w)")


def code_cells(notebook: Path) -> list[dict]:
    """The code cells of a notebook file, as the dicts that stand in its JSON."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def cell_source(cell: Mapping) -> str:
    """The text of a cell; in a file it is a string or a list of lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def notebook_needs(notebook: Path) -> list[str]:
    """Notebooks (paths without suffix) that have to run before this one."""
    return list(_settings(notebook).get("needs", []))


def notebook_threads(notebook: Path) -> int:
    """Threads that this notebook computes with; 1 unless its metadata say more."""
    return int(_settings(notebook).get("threads", 1))


def notebook_files(notebook: Path) -> list[str]:
    """Other files of the repository that this notebook reads, from its root."""
    return list(_settings(notebook).get("files", []))


def _settings(notebook: Path) -> dict:
    """What the notebook's metadata say to the build."""
    metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
    return metadata.get("llm_notes", {})


def named_modules(source: str, package: str, module: str = "") -> set[str]:
    """Dotted names that ``source`` may import from ``package``.

    Every import statement counts, also one inside a function. ``from a.b import c``
    gives both ``a.b`` and ``a.b.c``, because ``c`` may be a module. A string that is
    exactly a dotted name counts too, ``importlib.import_module("a.b")``, and so does a
    program in one, ``"python -m a.b"``.

    ``module`` is the dotted name of the package that holds the source; relative
    imports start from it.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: len(module.split(".")) - node.level + 1]
                base = ".".join([*parents, base]).strip(".")
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            whole = {node.value} if _DOTTED.fullmatch(node.value) else set()
            run = whole | set(_PROGRAM.findall(node.value))
            names.update(run, (f"{name}.__main__" for name in run))
    return {n for n in names if n == package or n.startswith(f"{package}.")}


def module_file(name: str, root: Path) -> Path | None:
    """The file of module ``name`` under ``root``, or None when there is none."""
    path = root.joinpath(*name.split("."))
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.is_file():
            return file
    return None


def _data_files(package_folder: Path) -> Iterator[Path]:
    """Data files that belong to a package folder, not to a package inside it."""
    for path in sorted(package_folder.iterdir()):
        if path.is_dir() and path.name != "__pycache__":
            if not (path / "__init__.py").exists():
                yield from _data_files(path)
        elif path.is_file() and path.suffix not in {".py", ".pyc"}:
            yield path


def import_closure(source: str, root: Path, package: str = "llm_notes") -> set[Path]:
    """All files of ``package`` that running ``source`` can touch.

    Follows imports through the package's modules; importing a module runs the
    ``__init__.py`` of each package above it, so these count as well. The data files
    in the folder of a module that is reached count too.
    """
    files: set[Path] = set()
    waiting = sorted(named_modules(source, package))
    while waiting:
        name = waiting.pop()
        file = module_file(name, root)
        if file is None or file in files:
            continue
        files.add(file)
        files.update(_data_files(file.parent))
        waiting.extend(name.rsplit(".", 1)[:1] if "." in name else [])
        holder = name if file.name == "__init__.py" else name.rpartition(".")[0]
        text = file.read_text(encoding="utf-8")
        waiting.extend(sorted(named_modules(text, package, holder)))
    return files


def notebook_closure(notebook: Path, root: Path) -> set[Path]:
    """The files of the package that a notebook's code cells can touch."""
    plain = TransformerManager().transform_cell  # magics become function calls
    source = "\n".join(plain(cell_source(cell)) for cell in code_cells(notebook))
    return import_closure(source, root)


def notebook_key(
    notebook: Path, root: Path, pins: Path, needed_keys: Iterable[str] = ()
) -> str:
    """SHA-256 over everything that decides what the notebook computes.

    That is its code cells with their tags, its number of threads, the package files
    it can touch, other files that its metadata name, the keys of the notebooks it
    needs, the pinned versions (``pins``, at the root) and the interpreter's.
    """
    digest = hashlib.sha256()

    def add(*parts: str) -> None:
        for part in parts:
            data = part.encode()
            # The length keeps two parts from running into each other.
            digest.update(b"%d:" % len(data) + data)

    add(str(RUN_FORMAT), platform.python_implementation(), platform.python_version())
    add(pins.read_text(encoding="utf-8"), str(notebook_threads(notebook)))
    for cell in code_cells(notebook):
        tags = sorted(cell.get("metadata", {}).get("tags", []))
        add(cell_source(cell), json.dumps(tags))
    for file in sorted(notebook_closure(notebook, root)):
        add(file.relative_to(root).as_posix())
        add(hashlib.sha256(file.read_bytes()).hexdigest())
    for name in notebook_files(notebook):
        add(name, hashlib.sha256((pins.parent / name).read_bytes()).hexdigest())
    add(*needed_keys)
    return digest.hexdigest()
