"""Instructions with answers, in English and Chinese: what a model is fine-tuned on.

The texts were written for this book one at a time, from no template and no public
set. They cover sixteen kinds of request, a few hundred in all: enough to see a small
model change its manners, far too few to teach it facts. Where a machine can tell
whether an answer is right (sums, code, sorted lists), `checks` says how.

This module knows no tokenizer and no chat template: an instruction becomes messages,
and messages are text. `stratified_split` of `splits` holds out a part; give it
`stratum` from here, which keeps languages and categories in proportion.
"""

from dataclasses import dataclass
from functools import cache

from llm_notes.data.tasks.json_lines import read_json_lines
from llm_notes.data.tasks.splits import in_language, require_language

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

    def messages(self) -> list[dict[str, str]]:
        """The exchange as roles with contents, which is what a chat template takes."""
        return [
            {"role": "user", "content": self.prompt},
            {"role": "assistant", "content": self.answer},
        ]


def instructions(language: str | None = None) -> tuple[Instruction, ...]:
    """The instructions of the book, in the order of the file: English, then Chinese.

    Args:
        language: "en" or "zh" for those in one language, None for all.

    Raises ValueError for another language. The file is read once.
    """
    return in_language(_read(), language)


def stratum(instruction: Instruction) -> tuple[str, ...]:
    """The language, then the category: for `stratified_split`."""
    return instruction.language, instruction.category


@cache
def _read() -> tuple[Instruction, ...]:
    """All instructions, checked."""
    return tuple(
        Instruction(
            **row | {"input": "\n".join(row["input"]), "checks": tuple(row["checks"])}
        )
        for row in read_json_lines("instructions.jsonl", FIELDS)
    )
