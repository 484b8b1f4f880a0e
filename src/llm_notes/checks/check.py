"""What makes an answer right, and which misconception a wrong one shows.

An exercise is a solution, probes to try an answer on, and the mistakes that people
make, each as an answer of its own. An answer that gives what a mistake gives has made
it. Knows no chapter and no picture.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

NOT_DONE = "Not done yet: put your own answer in place of the stub."
_NO_FUNCTION = "A function is asked for, and this is none: pass it without calling it."


@dataclass(frozen=True)
class Verdict:
    """What the check says; the last expression of a cell shows it."""

    is_right: bool
    message: str

    def __repr__(self) -> str:
        return f"{'right' if self.is_right else 'not yet'}: {self.message}"

    def _repr_html_(self) -> str:
        word = "Right." if self.is_right else "Not yet."
        return (
            f'<p class="llm-check" role="status"><strong>{word}</strong> '
            f"{escape(self.message)}</p>"
        )


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give, and what it shows.

    says: what was mixed up and where to look, without the answer itself.
    answer: the wrong answer, of the same kind as the solution.
    """

    says: str
    answer: Any


@dataclass(frozen=True)
class Exercise:
    """An exercise that checks itself; call it with an answer.

    Args:
        solution: the right answer: a function, or a value.
        mistakes: by a short name; the first one that gives what the answer gives is
            named.
        probes: the arguments to try a function on, a tuple for each call; none when the
            answer is a value.
        praise: what a right answer shows.
        tolerance: how far a number may be off, relative where it is above 1.
    """

    solution: Any
    mistakes: Mapping[str, Mistake]
    probes: Sequence[tuple] = ()
    praise: str = "Your answer gives what it should."
    tolerance: float = 1e-5

    def __call__(self, answer: Any) -> Verdict:
        """Say whether an answer is right; if not, what it mixes up."""
        if answer is None or (self.probes and not callable(answer)):
            return Verdict(False, NOT_DONE if answer is None else _NO_FUNCTION)
        try:
            given = self._results(answer)
        except NotImplementedError:
            return Verdict(False, NOT_DONE)
        except Exception as error:
            return Verdict(False, f"It stops with {type(error).__name__}: {error}")
        if self.probes and all(one is None for one in given):
            return Verdict(False, NOT_DONE)
        wanted = self._results(self.solution)
        if self._same(given, wanted):
            return Verdict(True, self.praise)
        for mistake in self.mistakes.values():
            if self._same(given, self._results_or_none(mistake.answer)):
                return Verdict(False, mistake.says)
        return Verdict(False, self._difference(given, wanted))

    def _results(self, answer: Any) -> list:
        if not self.probes:
            return [answer]
        # Each call gets arguments of its own: an answer may change them in place.
        return [answer(*map(_copied, probe)) for probe in self.probes]

    def _results_or_none(self, answer: Any) -> list | None:
        try:
            return self._results(answer)
        except Exception:
            return None

    def _same(self, given: list, wanted: list | None) -> bool:
        return wanted is not None and all(
            _distance(g, w) <= self.tolerance
            for g, w in zip(given, wanted, strict=True)
        )

    def _difference(self, given: list, wanted: list) -> str:
        for probe, ours, theirs in zip(self.probes or [()], wanted, given, strict=True):
            distance = _distance(theirs, ours)
            if distance <= self.tolerance:
                continue
            where = f" for {_shown(probe)}" if probe else ""
            if isinstance(theirs, str) != isinstance(ours, str):
                return f"It gives {_shown(theirs)}{where}: another kind of thing."
            shape, wanted_shape = np.shape(_array(theirs)), np.shape(_array(ours))
            if shape != wanted_shape:
                return f"The shape is {shape}{where}, and it should be {wanted_shape}."
            if math.isinf(distance):
                return f"It gives {_shown(theirs)}{where}: another kind of thing."
            return f"The largest difference{where} is {distance:.3g}. Look again."
        return "Look again."


def _array(thing: Any) -> Any:
    """Numbers of any kind as an array; other things as they are."""
    if hasattr(thing, "detach"):
        thing = thing.detach().cpu().numpy()
    if isinstance(thing, str | bytes) or thing is None:
        return thing
    try:
        return np.asarray(thing, dtype=np.float64)
    except (TypeError, ValueError):
        return thing


def _distance(given: Any, wanted: Any) -> float:
    """Largest difference, relative where a number is above 1; inf for other things."""
    given, wanted = _array(given), _array(wanted)
    if not (isinstance(given, np.ndarray) and isinstance(wanted, np.ndarray)):
        same = type(given) is type(wanted) and bool(np.all(given == wanted))
        return 0.0 if same else math.inf
    if given.shape != wanted.shape:
        return math.inf
    if not given.size:
        return 0.0
    # Equal infinities (a mask's) are no difference; nan is one.
    same = (given == wanted) | (np.isnan(given) & np.isnan(wanted))
    with np.errstate(invalid="ignore"):
        gaps = np.where(same, 0.0, np.abs(given - wanted))
    sizes = np.where(np.isfinite(wanted), np.abs(wanted), 0.0)
    gaps = np.nan_to_num(gaps, nan=np.inf, posinf=np.inf) / np.maximum(1.0, sizes)
    return float(gaps.max())


def _copied(argument: Any) -> Any:
    for method in ("clone", "copy"):
        if hasattr(argument, method):
            return getattr(argument, method)()
    return argument


def _shown(thing: Any) -> str:
    text = " ".join(repr(thing).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def value(
    solution: Any, mistakes: Mapping[str, tuple[Any, str]], **options: Any
) -> Exercise:
    """An exercise that asks for a value; mistakes are (wrong value, what it shows)."""
    return Exercise(solution, _mistakes(mistakes), **options)


def function(
    solution: Callable,
    mistakes: Mapping[str, tuple[Callable, str]],
    probes: Sequence[tuple],
    **options: Any,
) -> Exercise:
    """Asks for a function; mistakes are (wrong one, what it shows)."""
    return Exercise(solution, _mistakes(mistakes), probes, **options)


def _mistakes(given: Mapping[str, tuple[Any, str]]) -> dict[str, Mistake]:
    return {name: Mistake(says, answer) for name, (answer, says) in given.items()}
