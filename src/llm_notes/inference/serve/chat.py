"""Dialogues as prompts.

Where the tokenizer has the special tokens <|user|>, <|assistant|> and <|end|>, turns
are put between them (`ChatTemplate`); what a user types never becomes one of them. A
tokenizer without them gets plain text, a line for each turn:

    user: How are you?
    assistant:

and the answer ends where the next line of a user would begin. In plain text a user can
forge a turn; only special tokens prevent that.
"""

from collections.abc import Sequence

from llm_notes.data.batching.instructions import ChatTemplate, Message, prompt_ids
from llm_notes.data.tokenizers import Tokenizer

END_MARKS = ("<|end|>", "<|endoftext|>", "<|im_end|>", "</s>", "[SEP]")


def template_of(tokenizer: Tokenizer) -> ChatTemplate | None:
    """The template of the tokenizer's special tokens; None where it lacks them."""
    special = tokenizer.special_ids
    if not {"<|user|>", "<|assistant|>", "<|end|>"} <= special.keys():
        return None
    roles = ("system", "user", "assistant")
    role_ids = {r: special[f"<|{r}|>"] for r in roles if f"<|{r}|>" in special}
    return ChatTemplate(role_ids, special["<|end|>"])


def end_ids_of(tokenizer: Tokenizer) -> set[int]:
    """The tokens that end an answer, by the names that they usually have."""
    special = tokenizer.special_ids
    return {special[mark] for mark in END_MARKS if mark in special}


def chat_prompt(
    messages: Sequence[Message], tokenizer: Tokenizer
) -> tuple[list[int], tuple[str, ...]]:
    """The ids that the model reads, and texts that end its answer.

    Raises:
        ValueError: for a text or role that cannot be encoded, or when the last message
            is the assistant's own.
    """
    template = template_of(tokenizer)
    if template is not None:
        return prompt_ids(messages, template, tokenizer.encode), ()
    if not messages or messages[-1]["role"] == "assistant":
        raise ValueError("the last message has to be one that waits for an answer")
    lines = [f"{message['role']}: {message['content']}\n" for message in messages]
    return tokenizer.encode("".join(lines) + "assistant:"), ("\nuser:",)
