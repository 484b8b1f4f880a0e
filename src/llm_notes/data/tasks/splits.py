"""What the written sets share: two languages, and a split that keeps their balance.

It knows no set: which strata there are is for the module of each set to say.
"""

import math
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

LANGUAGES = ("en", "zh")

Example = TypeVar("Example")


def stratified_split(
    examples: Sequence[Example],
    stratum: Callable[[Example], tuple[str, ...]],
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
        stratum: the names of an example's stratum, the most important first. Each of
            the book's sets has a `stratum` in its module.
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


def in_language(
    examples: tuple[Example, ...], language: str | None
) -> tuple[Example, ...]:
    """The examples in one language, or all for None. Raises ValueError for others."""
    if language is None:
        return examples
    require_language(language)
    return tuple(example for example in examples if example.language == language)


def require_language(language: str) -> None:
    """Raise ValueError unless the book's sets have this language."""
    if language not in LANGUAGES:
        raise ValueError(
            f"language is {language!r}; the book's sets are in "
            f"{' and '.join(map(repr, LANGUAGES))}"
        )
