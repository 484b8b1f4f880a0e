"""Preference pairs, in English and Chinese: two answers, one of them better.

A reward model learns to tell them apart, and preference optimisation makes the better
one more likely. The pairs were written for this book one at a time. Each rejected
answer is plausible and worse for one reason, which is named. A set that prefers long
answers teaches length, so here the chosen answer is the longer one in about half of
the pairs. The exception is the reason "verbose", where it is always the shorter one.

This module knows no tokenizer and no model. `stratified_split` of `splits`
holds out a part; give it `stratum` from here, which keeps the reasons in proportion.
"""

from dataclasses import dataclass
from functools import cache

from llm_notes.data.tasks.json_lines import read_json_lines
from llm_notes.data.tasks.splits import in_language, require_language

CATEGORIES = (
    "advice",
    "arithmetic",
    "code",
    "explain",
    "facts",
    "rewrite",
    "summarise",
    "translate",
    "write",
)
# Why an answer was rejected.
REASONS = (
    "ignores_format",
    "incorrect",
    "invented",
    "off_topic",
    "rude",
    "unhelpful",
    "unsafe",
    "verbose",
)
FIELDS = dict.fromkeys(
    ("id", "language", "category", "prompt", "chosen", "rejected", "reason"), str
)


@dataclass(frozen=True)
class Preference:
    """A prompt with a better and a worse answer.

    Args:
        id: the language and a number, such as "zh-001".
        language: "en" or "zh", the language in which the prompt is written.
        category: what the prompt asks for, one of `CATEGORIES`.
        prompt: what the user says.
        chosen: the better answer.
        rejected: the worse answer.
        reason: what is wrong with the rejected answer, one of `REASONS`.

    Raises ValueError when the language, the category or the reason is none of those
    known, or when both answers are the same.
    """

    id: str
    language: str
    category: str
    prompt: str
    chosen: str
    rejected: str
    reason: str

    def __post_init__(self) -> None:
        require_language(self.language)
        for name, known in (("category", CATEGORIES), ("reason", REASONS)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{self.id}: {name} is {getattr(self, name)!r}; "
                    f"it must be one of {', '.join(known)}"
                )
        if self.chosen == self.rejected:
            raise ValueError(
                f"{self.id}: the chosen and the rejected answer are both "
                f"{self.chosen!r}; a preference needs two answers"
            )


def preferences(language: str | None = None) -> tuple[Preference, ...]:
    """The preference pairs of the book, in the order of the file.

    Args:
        language: "en" or "zh" for those in one language, None for all.

    Raises ValueError for another language. The file is read once.
    """
    return in_language(_read(), language)


def stratum(preference: Preference) -> tuple[str, ...]:
    """The language, then the reason, then the category: for `stratified_split`."""
    return preference.language, preference.reason, preference.category


@cache
def _read() -> tuple[Preference, ...]:
    """All pairs, checked."""
    rows = read_json_lines("preferences.jsonl", FIELDS)
    return tuple(Preference(**row) for row in rows)
