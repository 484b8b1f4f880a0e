"""The wall names every model of the package, and says when one is not equal."""

from pathlib import Path

import pytest

from llm_notes.parity import __main__ as command
from llm_notes.parity import wall
from llm_notes.parity.case import Parity

MODELS = Path(wall.__file__).parents[1] / "models"
NEAR = Parity("near", "torch.nn.Linear", 1_234, 9e-6, 1e-5)
FAR = Parity("far", "torch.nn.Linear", 5, 0.0, 1.1e-5)


def test_every_comparison_holds():
    found = list(wall.measure())
    assert [p.family for p in found if not wall.holds(p)] == []


def test_no_family_stands_on_the_wall_twice():
    families = [parity.family for parity in wall.measure()]
    assert len(set(families)) == len(families)


def test_every_whole_is_compared_somewhere():
    wholes = {
        path.stem for path in MODELS.iterdir() if not path.name.startswith("_")
    } - {"layers", "pretrained", "nearest"}
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
    assert "| 1,234 | 9.0e-06 | 1.0e-05 |" in lines[2]
    assert lines[3].endswith("| 7 | 0 |  |")


@pytest.mark.parametrize(("found", "code"), [([NEAR], 0), ([NEAR, FAR], 1)])
def test_the_command_fails_when_something_differs(found, code, monkeypatch, capsys):
    monkeypatch.setattr(command, "measure", lambda: iter(found))
    assert command.main() == code
    output = capsys.readouterr().out
    assert output.count("\n") == len(found)
    assert ("DIFFERS" in output) == bool(code)
