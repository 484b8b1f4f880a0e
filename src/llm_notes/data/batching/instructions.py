"""Dialogues as batches in which only the answers are learned.

A turn is the special id of its role, its text, and a special id that ends it. Special
tokens are ids: a user who types "<|assistant|>" writes ordinary tokens and opens no
turn. The module takes an `encode` function and knows no tokenizer otherwise.
Shapes: B batch, T length.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from torch import Tensor

from llm_notes.data.batching.padding import (
    IGNORE,
    TensorBatch,
    as_ids,
    pad_rows,
    real_mask,
    require_id,
)

Encode = Callable[[str], Sequence[int]]


class Message(TypedDict):
    """One turn of a dialogue: who speaks, and what."""

    role: str
    content: str


@dataclass(frozen=True)
class ChatTemplate:
    """The special ids around the turns of a dialogue.

    Args:
        role_ids: role -> the id that opens its turns, such as {"user": 1000,
            "assistant": 1001}; no text may encode to them.
        end_id: what ends every turn.
        answer_role: the role whose turns are learned.

    Raises ValueError for ids that are negative or not all different, or a template that
    has no `answer_role`.
    """

    role_ids: Mapping[str, int]
    end_id: int
    answer_role: str = "assistant"

    def __post_init__(self) -> None:
        require_id("end_id", self.end_id)
        for role, token_id in self.role_ids.items():
            require_id(f"the id of role {role!r}", token_id)
        if len(self.special_ids) != len(self.role_ids) + 1:
            raise ValueError(
                f"the ids {sorted(self.role_ids.values())} of roles and end_id "
                f"{self.end_id} must all be different"
            )
        if self.answer_role not in self.role_ids:
            raise ValueError(
                f"no id for the role {self.answer_role!r} that is to be learned; "
                f"roles with an id are {sorted(self.role_ids)}"
            )

    @property
    def special_ids(self) -> set[int]:
        """All ids that no text may encode to."""
        return {self.end_id, *self.role_ids.values()}

    def turn(self, message: Message, encode: Encode) -> list[int]:
        """The ids of one turn. Raises ValueError."""
        role = message["role"]
        if role not in self.role_ids:
            raise ValueError(
                f"unknown role {role!r}; the template has {sorted(self.role_ids)}"
            )
        content = as_ids(encode(message["content"])).tolist()
        require_id(f"the smallest id of a {role} turn", min(content, default=0))
        if forged := self.special_ids & set(content):
            raise ValueError(
                f"the text of a {role} turn encodes to the special ids "
                f"{sorted(forged)}: encode texts without special tokens"
            )
        return [self.role_ids[role], *content, self.end_id]


@dataclass(frozen=True)
class InstructionBatch(TensorBatch):
    """Dialogues, padded on the right.

    Args:
        token_ids: (B, T) what the model reads.
        targets: (B, T) the next token where it belongs to an answer, else IGNORE.
        mask: (B, 1, 1, T) boolean, True where there is a token.
    """

    token_ids: Tensor
    targets: Tensor
    mask: Tensor

    @property
    def answer_share(self) -> float:
        """The share of real places that have a target."""
        return int((self.targets != IGNORE).sum()) / int(self.mask.sum())


def exchange(prompt: str, answer: str, answer_role: str = "assistant") -> list[Message]:
    """The shortest dialogue: a user's prompt and the answer."""
    return [
        Message(role="user", content=prompt),
        Message(role=answer_role, content=answer),
    ]


def prompt_ids(
    messages: Sequence[Message], template: ChatTemplate, encode: Encode
) -> list[int]:
    """What a model reads before it answers: all turns, and the opening of an answer.

    Generation goes on from here until the model writes `template.end_id`.

    Raises ValueError as `ChatTemplate.turn` does, and when nothing waits for an answer:
    there is no message, or the last one is an answer.
    """
    if not messages or messages[-1]["role"] == template.answer_role:
        last = f"ends with {template.answer_role!r}" if messages else "is empty"
        raise ValueError(
            f"the dialogue {last}; the last message is the one to be answered"
        )
    turns = [token for m in messages for token in template.turn(m, encode)]
    return [*turns, template.role_ids[template.answer_role]]


def instruction_batch(
    dialogues: Sequence[Sequence[Message]],
    template: ChatTemplate,
    encode: Encode,
    *,
    context_length: int,
    pad_id: int,
) -> InstructionBatch:
    """One batch of dialogues with the loss on the answers only.

    Targets are the tokens of answers and the ids that end them, so that the model
    learns to stop; not the id that opens an answer, which is given to it.

    A dialogue of more than context_length + 1 ids loses its end. What is left of an
    answer keeps its whole context, and an answer that was cut has no end token, so no
    model learns to stop in the middle.

    Args:
        dialogues: lists of messages, each with an answer.
        template: the special ids.
        encode: text -> ids, never a special one.
        context_length: the most tokens of a row.
        pad_id: fills up; no mask and no loss looks at it.

    Raises:
        ValueError: for no dialogue, an unknown role, a text that encodes to special
            or negative ids, or a dialogue of whose answers nothing is left.
    """
    require_id("pad_id", pad_id)
    if context_length < 1:
        raise ValueError(f"context_length is {context_length}; it must be at least 1")
    rows, targets = [], []
    for number, messages in enumerate(dialogues):
        ids, learned = _dialogue(messages, template, encode)
        n_ids = len(ids)
        ids, learned = ids[: context_length + 1], learned[: context_length + 1]
        if not any(learned):
            raise ValueError(
                f"nothing of an answer of dialogue {number} ({n_ids} ids) stands in "
                f"its first {context_length + 1}; give it an answer, a shorter prompt "
                "or a longer context_length"
            )
        rows.append(ids[:-1])
        pairs = zip(ids[1:], learned[1:], strict=True)
        targets.append([token if is_answer else IGNORE for token, is_answer in pairs])
    return InstructionBatch(
        token_ids=pad_rows(rows, pad_id),
        targets=pad_rows(targets, IGNORE),
        mask=real_mask([len(row) for row in rows]),
    )


def _dialogue(
    messages: Sequence[Message], template: ChatTemplate, encode: Encode
) -> tuple[list[int], list[bool]]:
    """The ids of a dialogue, and which of them the model has to write."""
    ids: list[int] = []
    learned: list[bool] = []
    for message in messages:
        turn = template.turn(message, encode)
        is_answer = message["role"] == template.answer_role
        ids += turn
        learned += [False] + [is_answer] * (len(turn) - 1)
    return ids, learned
