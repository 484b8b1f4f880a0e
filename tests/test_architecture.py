"""The shape of the package: who may import whom, and what each module must have."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "llm_notes"
# From the ground up: a module may import only from storeys below its own, or from
# its own. Two names on one storey do not know each other.
STOREYS = [
    {"llm_notes.runtime"},
    {"llm_notes.metrics", "llm_notes.viz"},
    {"llm_notes.data"},
    {"llm_notes.models.layers"},
    {"llm_notes.models"},
    {"llm_notes.training"},
    {"llm_notes.inference"},
    {"llm_notes.analysis"},
    {"llm_notes.widgets"},
    {"llm_notes.checks", "llm_notes.parity"},
]
# The one whole that may know the others: it carries weights between them.
MAY_JOIN_WHOLES = {"pretrained"}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """Modules of the package that a file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = members & MODULES.keys()
            names |= modules
            # `from package import module` uses the module; the package itself only
            # when something else is taken from it.
            names |= {node.module} if members - modules else set()
    return names & MODULES.keys()


def storey(name: str) -> tuple[int, str] | None:
    """(height, unit) of a module: the most specific entry of STOREYS that holds it."""
    found = [
        (len(unit), height, unit)
        for height, units in enumerate(STOREYS)
        for unit in units
        if name == unit or name.startswith(f"{unit}.")
    ]
    return max(found)[1:] if found else None


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_downwards(name):
    here = storey(name)
    if here is None:
        # Only the top package stands on no storey; it has to import nothing.
        assert name == "llm_notes", f"{name} stands on no storey of STOREYS"
        assert not imported(MODULES[name])
        return
    for other in imported(MODULES[name]) - {"llm_notes"}:
        there = storey(other)
        same_unit = there[1] == here[1]
        assert same_unit or there[0] < here[0], f"{name} imports {other}, above it"


def test_no_module_imports_itself_in_a_circle():
    graph = {name: imported(path) - {name} for name, path in MODULES.items()}
    order = list(TopologicalSorter(graph).static_order())  # raises on a circle
    assert set(order) == set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_imports_are_absolute(name):
    relative = [
        node.lineno
        for node in ast.walk(parse(MODULES[name]))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative, f"relative imports in {name}, lines {relative}"


@pytest.mark.parametrize("name", MODULES)
def test_each_module_says_what_it_is(name):
    docstring = ast.get_docstring(parse(MODULES[name]))
    assert docstring, f"{name} has no docstring"
    assert len(docstring.split()) >= 5, f"the docstring of {name} says too little"


def whole(name: str) -> str:
    """The model that a module belongs to: "ngram" for models.ngram.counts."""
    return name.removeprefix("llm_notes.models.").partition(".")[0]


def test_wholes_do_not_import_wholes():
    modules = {
        name
        for name in MODULES
        if name.startswith("llm_notes.models.") and whole(name) != "layers"
    }
    assert {"gpt", "ngram"} <= {whole(name) for name in modules}
    for name in modules:
        joined = {whole(other) for other in imported(MODULES[name]) & modules}
        joined -= {whole(name)}
        assert not joined or whole(name) in MAY_JOIN_WHOLES, (
            f"{name} imports {joined}; use parts from models.layers"
        )


def test_no_module_collects_what_has_no_place():
    names = {path.stem for path in MODULES.values()}
    assert not names & {"utils", "util", "common", "helpers", "misc"}


def test_no_file_is_read_with_pickle():
    for name, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        assert "import pickle" not in text, name
        assert "torch.load(" not in text, name


def test_importing_the_package_loads_no_torch():
    code = "import sys, llm_notes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_heavy_extras_are_imported_where_they_are_used():
    heavy = {"transformers", "tokenizers", "babel", "sphinx", "onnx", "onnxruntime"}
    heavy |= {"fastapi", "starlette", "pydantic", "uvicorn"}
    for name, path in MODULES.items():
        for node in parse(path).body:  # only the top level of the module
            taken: set[str] = set()
            if isinstance(node, ast.Import):
                taken = {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                taken = {node.module.partition(".")[0]}
            assert not taken & heavy, f"{name} imports {taken & heavy} at its top"
