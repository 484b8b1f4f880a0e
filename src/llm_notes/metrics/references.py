"""What is scored beside what is right: as many of one as of the other.

A text may have one right answer or several. Knows nothing of how they are compared.
"""

from collections.abc import Iterable, Sequence, Sized
from typing import Any

References = str | Sequence[str]


def plain_list(entries: Iterable) -> list:
    """Entries as a list, those of arrays and tensors as Python's own numbers.

    Tensors that hold the same number are different keys of a set or a dictionary.
    """

    def plain(entry: Any) -> Any:
        return entry.tolist() if hasattr(entry, "tolist") else entry

    # First the whole: a tensor on a GPU is copied once, and not number by number.
    return [plain(entry) for entry in plain(entries)]


def require_same_number(scored: Sized, right: Sized, what: str) -> None:
    """Raise ValueError unless both have the same number of entries, at least one."""
    if len(scored) != len(right):
        raise ValueError(
            f"{len(scored)} {what} are to be scored by {len(right)} right ones; each "
            "needs its own"
        )
    if not len(scored):
        raise ValueError(f"no {what} were given; a score needs at least one")


def reference_list(references: References) -> list[str]:
    """The right answers to one question: a text counts as a list of one.

    Raises ValueError for an empty list.
    """
    listed = [references] if isinstance(references, str) else list(references)
    if not listed:
        raise ValueError("a text has no reference; it needs at least one to be scored")
    return listed


def reference_lists(
    hypotheses: Sequence[str], references: Sequence[References]
) -> list[list[str]]:
    """The references of each hypothesis.

    Raises ValueError for one text in place of a list, for lists of different lengths,
    and for empty ones.
    """
    if isinstance(hypotheses, str) or isinstance(references, str):
        raise ValueError(
            "a corpus is a list of texts, and a single text was given; put it into a "
            "list, or take the score for one sentence"
        )
    require_same_number(hypotheses, references, "texts")
    return [reference_list(entry) for entry in references]
