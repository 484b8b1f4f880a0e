"""The wall names every model of the package, and says when one is not equal."""

import importlib
import inspect
from pathlib import Path

import pytest

from llm_notes.parity import __main__ as command
from llm_notes.parity import wall
from llm_notes.parity.case import Parity

MODELS = Path(wall.__file__).parents[1] / "models"
NEAR = Parity("near", "torch.nn.Linear", 1_234, 9e-6, 1e-5)
FAR = Parity("far", "torch.nn.Linear", 5, 0.0, 1.1e-5)


@pytest.fixture(scope="module")
def found() -> list[Parity]:
    return list(wall.measure())


def test_every_comparison_holds(found):
    assert [p.family for p in found if not wall.holds(p)] == []


def test_no_comparison_is_forgotten():
    folder = Path(wall.__file__).parent
    modules = [
        importlib.import_module(f"llm_notes.parity.{path.stem}")
        for path in folder.glob("*.py")
        if path.stem not in ("__init__", "__main__", "case", "wall")
    ]
    comparisons = {
        f"{module.__name__}.{name}"
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and function.__annotations__.get("return") is Parity
    }
    on_the_wall = {f"{case.__module__}.{case.__name__}" for case in wall.WALL}
    assert comparisons == on_the_wall


def test_no_family_stands_on_the_wall_twice(found):
    families = [parity.family for parity in found]
    assert len(set(families)) == len(families)


def test_every_whole_is_compared_somewhere():
    wholes = {
        path.stem for path in MODELS.iterdir() if not path.name.startswith("_")
    } - {"layers", "pretrained", "nearest", "hidden"}
    sources = "".join(
        path.read_text(encoding="utf-8")
        for path in Path(wall.__file__).parent.glob("*.py")
    )
    missing = {w for w in wholes if f"from llm_notes.models.{w} import" not in sources}
    assert not missing


def test_an_error_above_the_tolerance_does_not_hold():
    assert wall.holds(NEAR)
    assert not wall.holds(FAR)
    assert not wall.holds(Parity("far", "torch", 1, 2e-5))
    assert wall.holds(Parity("near", "torch", 1, 0.0))


def test_the_table_has_a_row_for_each_and_no_gradient_where_there_is_none():
    lines = wall.as_markdown([NEAR, Parity("ids", "torch", 7, 0.0)]).splitlines()
    assert len(lines) == 4
    assert lines[2] == "| near | 9.0e-06 | 1.0e-05 | 1,234 | `torch.nn.Linear` |"
    assert lines[3] == "| ids | 0 |  | 7 | `torch` |"


def test_each_library_is_named_once_with_its_version():
    numpy = Parity("ids", "numpy.linalg.svd", 7, 0.0)
    names = [library.split()[0] for library in wall.libraries([NEAR, numpy, FAR])]
    assert names == ["numpy", "torch"]


@pytest.mark.parametrize(("lines", "code"), [([NEAR], 0), ([NEAR, FAR], 1)])
def test_the_command_fails_when_something_differs(lines, code, monkeypatch, capsys):
    monkeypatch.setattr(command, "measure", lambda: iter(lines))
    assert command.main() == code
    output = capsys.readouterr().out
    assert output.count("\n") == len(lines)
    assert ("DIFFERS" in output) == bool(code)
