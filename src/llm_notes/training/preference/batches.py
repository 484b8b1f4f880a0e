"""Pairs of answers as token ids, and batches of them.

It knows the chat template and no model. Shapes: B pairs, T length.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from llm_notes.data.batching import (
    IGNORE,
    ChatTemplate,
    exchange,
    pad_rows,
    prompt_ids,
)
from llm_notes.data.batching.instructions import Encode
from llm_notes.data.tasks.preferences import Preference


@dataclass(frozen=True)
class EncodedPair:
    """A prompt with its better and its worse answer, each as one row of ids.

    Args:
        chosen, rejected: ids of prompt and answer with the ids that end them.
        chosen_targets, rejected_targets: of the same lengths: the next token where it
            belongs to the answer, else IGNORE (the last place has no next token).
    """

    chosen: list[int]
    chosen_targets: list[int]
    rejected: list[int]
    rejected_targets: list[int]


def encode_preferences(
    preferences: Sequence[Preference],
    template: ChatTemplate,
    encode: Encode,
    context_length: int,
) -> list[EncodedPair]:
    """Pairs as token ids, in the form of dialogues with one turn each.

    A row of more than `context_length` ids loses its end.

    Args:
        preferences: anything with a `prompt`, a `chosen` and a `rejected` answer.
        template: the special ids.
        encode: text -> ids, never a special one.
        context_length: the most ids of a row.

    Raises:
        ValueError: when nothing of an answer is left, or the template refuses a text.
    """
    pairs = []
    for index, pair in enumerate(preferences):
        rows = []
        for answer in (pair.chosen, pair.rejected):
            messages = exchange(pair.prompt, answer, template.answer_role)
            ids = [token for m in messages for token in template.turn(m, encode)]
            n_prompt = len(prompt_ids(messages[:1], template, encode))
            ids = ids[:context_length]
            if len(ids) <= n_prompt:
                raise ValueError(
                    f"the prompt of pair {index} has {n_prompt} ids, so that nothing "
                    f"of its answers stands in the first {context_length}; give a "
                    "longer context_length, or leave the pair out"
                )
            # The id that opens the answer is given; the first of its text is learned.
            targets = [IGNORE] * (n_prompt - 1) + ids[n_prompt:] + [IGNORE]
            rows += [ids, targets]
        pairs.append(EncodedPair(*rows))
    return pairs


def collate_pairs_of_answers(
    pairs: Sequence[EncodedPair], pad_id: int
) -> dict[str, Tensor]:
    """One batch: all rows padded on the right to the same length.

    Args:
        pairs: B encoded pairs.
        pad_id: fills up; the model is causal, so no real token sees it.

    Returns:
        for "chosen" and "rejected": "..._ids" (B, T), "..._targets" (B, T) and
        "..._length" (B,), the number of real ids.
    """
    sides = ("chosen", "rejected")
    rows = {side: [getattr(pair, side) for pair in pairs] for side in sides}
    targets = {
        side: [getattr(pair, f"{side}_targets") for pair in pairs] for side in sides
    }
    ids = pad_rows(rows["chosen"] + rows["rejected"], pad_id).chunk(2)
    goals = pad_rows(targets["chosen"] + targets["rejected"], IGNORE).chunk(2)
    batch = {}
    for side, some_ids, some_goals in zip(sides, ids, goals, strict=True):
        batch[f"{side}_ids"], batch[f"{side}_targets"] = some_ids, some_goals
        batch[f"{side}_length"] = torch.tensor([len(row) for row in rows[side]])
    return batch
