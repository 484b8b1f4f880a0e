"""Every exercise of every chapter: its solution passes, its mistakes are told apart."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from llm_notes import checks
from llm_notes.checks.check import Exercise


def exercises() -> dict[str, Exercise]:
    found = {}
    for info in pkgutil.iter_modules(checks.__path__):
        module = importlib.import_module(f"llm_notes.checks.{info.name}")
        for name, thing in vars(module).items():
            if isinstance(thing, Exercise):
                found[f"{info.name}.{name}"] = thing
    return found


ALL = exercises()
MISTAKES = [(name, mistake) for name, one in ALL.items() for mistake in one.mistakes]


@pytest.mark.parametrize("name", ALL)
def test_the_solution_passes(name):
    verdict = ALL[name](ALL[name].solution)
    assert verdict.is_right, verdict


@pytest.mark.parametrize("name", ALL)
def test_three_mistakes_or_more_are_known_and_told_apart(name):
    said = [mistake.says for mistake in ALL[name].mistakes.values()]
    assert len(said) >= 3
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_a_mistake_is_named(name, mistake):
    exercise = ALL[name]
    verdict = exercise(exercise.mistakes[mistake].answer)
    assert not verdict.is_right
    assert verdict.message == exercise.mistakes[mistake].says


@pytest.mark.parametrize("name", ALL)
def test_an_empty_answer_is_not_done_yet(name):
    assert "Not done yet" in ALL[name](None).message
