"""Instructions with answers, in English and Chinese: what a model is fine-tuned on.

The texts were written for this book one at a time, from no template and no public
set. They cover sixteen kinds of request, a few hundred in all: enough to see a small
model change its manners, far too few to teach it facts. Where a machine can tell
whether an answer is right (sums, code, sorted lists), `checks` says how.

`stratified_split` holds out a part of this set or of another. This module knows no
tokenizer and no chat template: an instruction becomes turns, and turns are text.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from llm_notes.data.tasks.json_lines import read_json_lines

LANGUAGES = ("en", "zh")
CATEGORIES = (
    "arithmetic",
    "classify",
    "code",
    "compare",
    "explain",
    "extract",
    "format",
    "grammar",
    "ideas",
    "passage",
    "refusal",
    "rewrite",
    "sort",
    "summarise",
    "translate",
    "write",
)
# Lists where a text may be missing: the reader refuses empty strings.
FIELDS = {
    "id": str,
    "language": str,
    "category": str,
    "instruction": str,
    "input": list,  # the lines of the text to work on; most instructions have none
    "answer": str,
    "checks": list,
}

Example = TypeVar("Example")


@dataclass(frozen=True)
class Instruction:
    """One request and a good answer to it.

    Args:
        id: the language and a number, such as "en-001".
        language: "en" or "zh", the language in which the request is made.
        category: what is asked for, one of `CATEGORIES`.
        instruction: the request.
        input: the text that the request is about; "" when there is none.
        answer: a good answer. In the category "code" it is Python and nothing else.
        checks: Python expressions that hold for a right answer. They see `answer`,
            `input`, the modules `json` and `re`, and, for code, what it defines.

    Raises ValueError when the language or the category is none of those known.
    """

    id: str
    language: str
    category: str
    instruction: str
    input: str
    answer: str
    checks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_language(self.language)
        if self.category not in CATEGORIES:
            raise ValueError(
                f"{self.id}: category is {self.category!r}; "
                f"it must be one of {', '.join(CATEGORIES)}"
            )

    @property
    def prompt(self) -> str:
        """What the user says: the instruction, a blank line, the input if any."""
        return f"{self.instruction}\n\n{self.input}" if self.input else self.instruction

    def as_turns(self) -> list[tuple[str, str]]:
        """The exchange as (role, text) pairs, which is what a chat template takes."""
        return [("user", self.prompt), ("assistant", self.answer)]


def instructions(language: str | None = None) -> tuple[Instruction, ...]:
    """The instructions of the book, in the order of the file: English, then Chinese.

    Args:
        language: "en" or "zh" for those in one language, None for all.

    Raises ValueError for another language. The file is read once.
    """
    if language is None:
        return _read()
    require_language(language)
    return _in_language(language)


def stratified_split(
    examples: Sequence[Example],
    stratum: Callable[[Example], tuple[str, ...]] = lambda e: (e.language, e.category),
    validation_share: float = 0.1,
    seed: int = 0,
) -> tuple[list[Example], list[Example]]:
    """Hold out a share of the examples, nearly the same share of each stratum.

    Systematic sampling: the examples are laid in a row, ordered by stratum and at
    random inside it. Then one in every 1 / `validation_share` is taken, from a random
    start. A stratum is a run of the row, and so is a group of strata that share their
    first names (all of one language). Of a run of n examples, n · share are held out,
    rounded down or up (Cochran, Sampling Techniques, 1977, chapter 8).

    Args:
        examples: what to split. Copies are not looked for.
        stratum: the names of an example's stratum, the most important first.
        validation_share: the share to hold out, between 0 and 1.
        seed: it alone decides which examples are held out.

    Returns:
        (train, validation), both in the order of `examples`, neither empty.

    Raises ValueError when the share is not between 0 and 1, or leaves a part empty.
    """
    if not 0 < validation_share < 1:
        raise ValueError(
            f"validation_share is {validation_share}; it must lie between 0 and 1"
        )
    # `random()` repeats on every Python version; `shuffle` does not promise that.
    generator = random.Random(seed)
    start = generator.random()
    keys = [generator.random() for _ in examples]
    row = sorted(range(len(examples)), key=lambda i: (stratum(examples[i]), keys[i]))
    passed = [math.floor(start + i * validation_share) for i in range(len(row) + 1)]
    held_out = {row[i] for i in range(len(row)) if passed[i + 1] > passed[i]}

    train = [e for i, e in enumerate(examples) if i not in held_out]
    validation = [e for i, e in enumerate(examples) if i in held_out]
    if not train or not validation:
        raise ValueError(
            f"of {len(examples)} example(s), a validation_share of {validation_share} "
            f"leaves {len(train)} to train and {len(validation)} to validate; "
            "give more examples or another share"
        )
    return train, validation


def require_language(language: str) -> None:
    """Raise ValueError unless the book's sets have this language."""
    if language not in LANGUAGES:
        raise ValueError(
            f"language is {language!r}; the instructions and preferences "
            f"are in {' and '.join(map(repr, LANGUAGES))}"
        )


@cache
def _read() -> tuple[Instruction, ...]:
    """All instructions, checked."""
    return tuple(
        Instruction(
            **row | {"input": "\n".join(row["input"]), "checks": tuple(row["checks"])}
        )
        for row in read_json_lines("instructions.jsonl", FIELDS)
    )


@cache
def _in_language(language: str) -> tuple[Instruction, ...]:
    """The instructions in one language, picked once."""
    return tuple(each for each in _read() if each.language == language)
