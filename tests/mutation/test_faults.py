"""The planted faults still fit the code they are planted in."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
spec = importlib.util.spec_from_file_location("mutation_run", HERE / "run.py")
mutation = importlib.util.module_from_spec(spec)
# Dataclasses look their module up by name.
import sys  # noqa: E402

sys.modules["mutation_run"] = mutation
spec.loader.exec_module(mutation)
ALL = mutation.all_faults()


def test_every_model_has_a_planted_fault():
    models = {f"models/{path.name}" for path in (mutation.PACKAGE / "models").glob("*")}
    planted = {fault.file for fault in ALL}
    bare = {name for name in models if name.endswith(".py")} - planted
    assert bare == {"models/__init__.py"}


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: f"{fault.area}: {fault.what}")
def test_each_fault_changes_one_place(fault):
    text = (mutation.PACKAGE / fault.file).read_text(encoding="utf-8")
    assert text.count(fault.old) == 1, "the text must stand there exactly once"
    assert fault.old != fault.new
    compile(text.replace(fault.old, fault.new), fault.file, "exec")


@pytest.mark.parametrize("area", sorted({fault.area for fault in ALL}))
def test_each_area_names_tests_that_exist(area):
    tests = next(fault.tests for fault in ALL if fault.area == area)
    assert tests
    assert all((ROOT / test).exists() for test in tests)


def test_the_contributors_guide_states_how_many_faults_there_are():
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"The list holds {len(ALL)} faults" in guide
