"""Constraints at work: a logits processor, and generation that always parses.

A token that may not come gets minus infinity; the others keep their logits, and with
them their odds. This module knows no automaton.
"""

import torch
from torch import Tensor, nn

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.inference.constrained.constraint import Constraint
from llm_notes.inference.generate import check_prompt, decoder_for
from llm_notes.inference.sampling import filter_logits, sample


class ConstraintProcessor:
    """A logits processor, (token_ids (B, T), logits (B, V)) -> logits (B, V).

    The rows of a batch are constrained each for itself; what they have written is read
    from `token_ids`, so rows may change places, as in beam search. Put it before
    filters such as top-k, which could leave none of the allowed tokens.

    Args:
        constraint: needs an `eos_id`, without which generation could not end. After
            it, a row repeats it.
        prompt_length: how many of the T tokens belong to the prompt.
        max_new_tokens: close the text within this many tokens (the end token may be
            missing then). When not given, a text that is cut off is the beginning of
            one that matches.

    Raises:
        ValueError: without `eos_id`; when the shortest text needs more tokens than
            `max_new_tokens`; and, when called, for a row that does not match.
    """

    def __init__(
        self,
        constraint: Constraint,
        prompt_length: int,
        max_new_tokens: int | None = None,
    ) -> None:
        if constraint.eos_id is None:
            raise ValueError(
                "the constraint has no eos_id, so a complete text could not end: give "
                "it one, or use generate_constrained"
            )
        require_room(constraint, max_new_tokens)
        self.constraint = constraint
        self.prompt_length = prompt_length
        self.max_new_tokens = max_new_tokens
        self._last: dict[tuple[int, ...], int] = {}  # states of the rows last seen

    def __call__(self, token_ids: Tensor, logits: Tensor) -> Tensor:
        rows = [tuple(row) for row in token_ids[:, self.prompt_length :].tolist()]
        self._last = {row: self._state(row) for row in rows}
        masks = [self._mask(row) for row in rows]
        return keep_allowed(logits, torch.stack(masks))

    def _state(self, row: tuple[int, ...]) -> int:
        if row in self._last:
            return self._last[row]
        if self.constraint.eos_id in row:
            return self.constraint.start  # over: what fills it up is not read
        known = row[:-1] in self._last
        state = self._last[row[:-1]] if known else self.constraint.start
        for token_id in row[-1:] if known else row:
            state = self.constraint.step(state, token_id)
        return state

    def _mask(self, row: tuple[int, ...]) -> Tensor:
        eos_id = self.constraint.eos_id
        if eos_id in row:
            return torch.arange(self.constraint.vocab_size) == eos_id
        n_left = None
        if self.max_new_tokens is not None:
            n_left = self.max_new_tokens - len(row)
        mask = self.constraint.allowed(self._last[row], n_left)
        if not mask.any():
            raise ValueError(
                f"nothing may follow the tokens {list(row)}: they break the "
                "constraint, or fill max_new_tokens. Check prompt_length, and apply "
                "the processor at every step"
            )
        return mask


def keep_allowed(logits: Tensor, mask: Tensor) -> Tensor:
    """Logits (B, V) with minus infinity where the mask (B, V) is False.

    A model may have more logits than the tokenizer has tokens; those are ruled out.

    Raises:
        ValueError: when it has fewer.
    """
    n_more = logits.size(-1) - mask.size(-1)
    if n_more < 0:
        raise ValueError(
            f"the model has {logits.size(-1)} logits and the tokenizer "
            f"{mask.size(-1)} tokens; they do not belong together"
        )
    mask = nn.functional.pad(mask, (0, n_more), value=False).to(logits.device)
    return logits.masked_fill(~mask, -torch.inf)


def require_room(constraint: Constraint, max_new_tokens: int | None) -> None:
    """Raise ValueError when not even the shortest text has room."""
    if max_new_tokens is not None and max_new_tokens < max(constraint.shortest, 1):
        raise ValueError(
            f"max_new_tokens is {max_new_tokens}, and the shortest text that matches "
            f"has {constraint.shortest} tokens; allow more"
        )


@torch.inference_mode()
def generate_constrained(
    model: nn.Module,
    tokenizer: Tokenizer,
    prompt: str,
    constraint: Constraint,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    close: bool = True,
) -> str:
    """Continue a text by one that matches; the new text alone is returned.

    It ends at the constraint's `eos_id`, or where nothing can follow. Without an
    `eos_id` it goes on for as long as it can.

    Args:
        model, tokenizer: as for `complete`; the prompt has at least one token.
        constraint: made for the same tokenizer.
        max_new_tokens: the most tokens to write.
        temperature, top_k, top_p: see `llm_notes.inference.sampling`; they choose
            among the tokens that are allowed.
        close: allow only tokens after which what is open can be closed in time, so
            that the text matches even when it fills `max_new_tokens`. Otherwise it is
            cut off there, and only the beginning of a text that matches.

    Raises:
        ValueError: for an empty prompt, fewer than one new token, when the shortest
            text has no room (and has to be closed), or when prompt and text are longer
            than the model's context.
    """
    require_room(constraint, max_new_tokens if close else None)
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    prompt_ids = torch.tensor([tokenizer.encode(prompt)], device=device)
    check_prompt(model, prompt_ids, max_new_tokens)
    decoder = decoder_for(model, 1, prompt_ids.size(1) + max_new_tokens - 1)
    new_ids, read = prompt_ids, decoder.prefill
    written: list[int] = []
    state = constraint.start
    while len(written) < max_new_tokens:
        n_left = max_new_tokens - len(written) if close else None
        mask = constraint.allowed(state, n_left)
        if not mask.any():  # complete, and nothing can follow
            break
        logits = read(new_ids)  # (1, V)
        logits = keep_allowed(logits, mask[None])
        logits = filter_logits(logits, temperature, top_k, top_p)
        new_ids, read = sample(logits, generator), decoder.step  # (1, 1)
        token_id = int(new_ids)
        if token_id == constraint.eos_id:
            break
        written.append(token_id)
        state = constraint.step(state, token_id)
    return tokenizer.decode(written)
