"""A chain of cleaning steps, and what each of them took away.

A step maps documents to as many results: the document as it shall be, or `Removed`
with the reason. This module knows no particular step.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

EXCERPT_LENGTH = 80  # characters of a document that an example shows


@dataclass(frozen=True)
class Removed:
    """Stands where a document was, and says why it went."""

    reason: str


Step = Callable[[Sequence[str]], Sequence[str | Removed]]


@dataclass(frozen=True)
class Report:
    """What one step did to the documents that reached it.

    Args:
        step: its name.
        n_documents, n_bytes: what reached it (bytes of UTF-8).
        n_removed: documents that it took out.
        n_changed: documents that it kept in another form.
        n_bytes_removed: by how much the text shrank, by either.
        examples: (reason, beginning of the text) of the first documents removed; of a
            step that only changes, ("changed", beginning of the old text).
    """

    step: str
    n_documents: int
    n_bytes: int
    n_removed: int
    n_changed: int
    n_bytes_removed: int
    examples: tuple[tuple[str, str], ...]

    @property
    def removed_share(self) -> float:
        """The share of documents removed, of those that reached the step."""
        return self.n_removed / self.n_documents if self.n_documents else 0.0

    @property
    def removed_bytes_share(self) -> float:
        """The share of bytes removed, of those that reached the step."""
        return self.n_bytes_removed / self.n_bytes if self.n_bytes else 0.0

    def __str__(self) -> str:
        return (
            f"{self.step}: removed {self.n_removed:,} of {self.n_documents:,} documents"
            f" ({self.removed_share:.1%}), changed {self.n_changed:,}; "
            f"{self.n_bytes_removed:,} of {self.n_bytes:,} bytes went"
            f" ({self.removed_bytes_share:.1%})"
        )


def clean(
    documents: Sequence[str], steps: Mapping[str, Step], n_examples: int = 3
) -> tuple[list[str], list[Report]]:
    """Pass documents through steps, one after the other, and keep the books.

    A document is charged to the first step that removes it, so the order of steps
    matters: what two filters both refuse counts for the earlier one.

    Args:
        documents: texts; all are held in memory.
        steps: name and step, in the order of work. `each` and `reject` make a step
            from a function of one text.
        n_examples: the most examples that a report shows.

    Returns:
        The documents that remain, in their order, and one report for each step.

    Raises:
        ValueError: when a step returns more or fewer results than it got documents.
    """
    kept = list(documents)
    reports = []
    for name, step in steps.items():
        results = step(kept)
        if len(results) != len(kept):
            raise ValueError(
                f"step {name!r} got {len(kept)} documents and returned {len(results)} "
                "results; it has to return one for each: a text or Removed"
            )
        report = _report(name, kept, results, n_examples)
        reports.append(report)
        kept = [result for result in results if isinstance(result, str)]
    return kept, reports


def each(change: Callable[[str], str]) -> Step:
    """The step that changes each document by a function, and removes none."""
    return lambda documents: [change(text) for text in documents]


def reject(reason_of: Callable[[str], str | None]) -> Step:
    """The step that removes the documents for which a filter gives a reason."""

    def step(documents: Sequence[str]) -> list[str | Removed]:
        reasons = map(reason_of, documents)
        return [
            text if reason is None else Removed(reason)
            for text, reason in zip(documents, reasons, strict=True)
        ]

    return step


def _report(
    name: str, before: Sequence[str], after: Sequence[str | Removed], n_examples: int
) -> Report:
    removed, changed = [], []
    n_bytes = n_bytes_after = 0
    for text, result in zip(before, after, strict=True):
        n_bytes += _n_bytes(text)
        if isinstance(result, Removed):
            removed.append((result.reason, text))
            continue
        n_bytes_after += _n_bytes(result)
        if result != text:
            changed.append(("changed", text))
    examples = (removed or changed)[:n_examples]
    return Report(
        step=name,
        n_documents=len(before),
        n_bytes=n_bytes,
        n_removed=len(removed),
        n_changed=len(changed),
        n_bytes_removed=n_bytes - n_bytes_after,
        examples=tuple((reason, text[:EXCERPT_LENGTH]) for reason, text in examples),
    )


def _n_bytes(text: str) -> int:
    # Text that has not been cleaned yet may hold half a surrogate pair.
    return len(text.encode("utf-8", "surrogatepass"))
