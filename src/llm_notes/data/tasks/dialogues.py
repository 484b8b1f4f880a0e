"""Dialogues of several turns, in English and Chinese: what a chat model is tuned on.

The dialogues were written for this book one at a time. Later turns lean on earlier
ones ("is the lift worth the queue?"), so the last turn alone is often not enough to
answer well. The assistant asks back when it has to, says when it does not know, and
refuses some things. That gives a small model manners; it is far too little to give it
knowledge. In the topic "mistakes" the assistant slips on purpose and then mends it, so
whoever trains on every answer there trains on the slip as well.

This module knows no tokenizer and no chat template: a dialogue is turns, and turns
are text. `stratified_split` of `splits` holds out a part; give it `stratum`
from here, which keeps languages and topics in proportion.
"""

from dataclasses import dataclass
from functools import cache

from llm_notes.data.tasks.json_lines import read_json_lines
from llm_notes.data.tasks.splits import in_language, require_language

TOPICS = (
    "clarification",
    "cooking",
    "customer_service",
    "everyday_help",
    "language_models",
    "learning",
    "mistakes",
    "not_knowing",
    "planning",
    "programming",
    "refusal",
    "small_talk",
    "travel",
)
ROLES = ("user", "assistant")  # in the order in which they speak
FIELDS = {"id": str, "language": str, "topic": str, "turns": list}


@dataclass(frozen=True)
class Turn:
    """What one side says before the other side speaks.

    Args:
        role: "user" or "assistant".
        text: what is said, without space around it.

    Raises ValueError when the role is another one, or the text is no text, is empty
    or has space around it.
    """

    role: str
    text: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(
                f"role is {self.role!r}; it must be {' or '.join(map(repr, ROLES))}"
            )
        if not isinstance(self.text, str) or not self.text:
            raise ValueError(f"text is {self.text!r}; a turn says something")
        if self.text != self.text.strip():
            raise ValueError(f"text {self.text!r} has space around it; take it away")


@dataclass(frozen=True)
class Dialogue:
    """A conversation that a user begins and the assistant ends.

    Args:
        id: the language and a number, such as "en-001".
        language: "en" or "zh", the language that both sides speak.
        topic: what it is about or what it shows, one of `TOPICS`.
        turns: user and assistant by turns.

    Raises ValueError when the language or the topic is none of those known, when
    there are no turns, or when the turns do not alternate from user to assistant.
    """

    id: str
    language: str
    topic: str
    turns: tuple[Turn, ...]

    def __post_init__(self) -> None:
        require_language(self.language)
        if self.topic not in TOPICS:
            raise ValueError(
                f"{self.id}: topic is {self.topic!r}; "
                f"it must be one of {', '.join(TOPICS)}"
            )
        roles = tuple(turn.role for turn in self.turns)
        if not roles or roles != ROLES * (len(roles) // 2):
            raise ValueError(
                f"{self.id}: the roles are {', '.join(roles) or 'none'}; user and "
                "assistant alternate, the user begins and the assistant ends"
            )

    def messages(self) -> list[dict[str, str]]:
        """The dialogue as roles with contents, which is what a chat template takes."""
        return [{"role": turn.role, "content": turn.text} for turn in self.turns]


def dialogues(language: str | None = None) -> tuple[Dialogue, ...]:
    """The dialogues of the book, in the order of the file: English, then Chinese.

    Args:
        language: "en" or "zh" for those in one language, None for all.

    Raises ValueError for another language. The file is read once.
    """
    return in_language(_read(), language)


def stratum(dialogue: Dialogue) -> tuple[str, ...]:
    """The language, then the topic: for `stratified_split`."""
    return dialogue.language, dialogue.topic


@cache
def _read() -> tuple[Dialogue, ...]:
    """All dialogues, checked; an error names the line."""
    name = "dialogues.jsonl"
    found = []
    for number, row in enumerate(read_json_lines(name, FIELDS), start=1):
        try:
            turns = tuple(_turn(entry) for entry in row["turns"])
            found.append(Dialogue(**row | {"turns": turns}))
        except ValueError as error:
            raise ValueError(f"{name}, line {number}: {error}") from None
    return tuple(found)


def _turn(entry: object) -> Turn:
    """A turn as it stands in the file: a JSON object with a role and a text."""
    if not isinstance(entry, dict) or entry.keys() != {"role", "text"}:
        raise ValueError(f"turn {entry!r}; a turn has exactly a role and a text")
    return Turn(**entry)
