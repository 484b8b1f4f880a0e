r"""From an automaton over bytes to masks over the vocabulary.

For each state $s$, the tokens that may follow are those after which the text can still
be completed *with the tokens that there are*. With $d(s)$ the fewest tokens from $s$ to
an accepting state and $\delta(s, t)$ the state after token $t$,

$$d(s) = 0 \text{ if } s \text{ accepts, else } 1 + \min_t d(\delta(s, t)), \qquad
  \text{allowed}_n(s) = \{\, t : d(\delta(s, t)) \le n - 1 \,\}$$

when $n$ tokens are left: a token is allowed only if there is room to close what it
opens. Without a budget, $n = \infty$. The mask of a state is computed when the state
is first met.

Source: Willard and Louf (2023), "Efficient guided generation for large language
models", for the masks by state. This module knows no model.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.inference.constrained.automaton import DEAD, START
from llm_notes.inference.constrained.byte_automaton import Automaton
from llm_notes.inference.constrained.pattern import PatternError
from llm_notes.inference.constrained.vocabulary import TokenTree, token_texts

NEVER = np.iinfo(np.int32).max


class Constraint:
    """An automaton as seen by a tokenizer: states, and which tokens may come next.

    States are numbers: those of the automaton, and `start`, where no token has been
    written yet. It takes memory of about 5 V bytes for each state that is met.

    Args:
        automaton: from `regular_expression` or `json_schema`.
        tokenizer: any of the package. What is constrained is the text that `decode`
            gives for the new tokens alone.
        eos_id: the token that ends a text. It is allowed where the text is complete,
            and nowhere else. Without one, a text goes on for as long as it can.

    Attributes:
        start: the first state.
        shortest: how many tokens the shortest text has, the end token not counted.

    Raises:
        PatternError: when no text of the automaton can be written with the tokens.
        ValueError: for an end token that is not in the vocabulary.
    """

    def __init__(
        self, automaton: Automaton, tokenizer: Tokenizer, eos_id: int | None = None
    ) -> None:
        if eos_id is not None and not 0 <= eos_id < tokenizer.vocab_size:
            raise ValueError(
                f"eos_id is {eos_id}; ids are 0 to {tokenizer.vocab_size - 1}"
            )
        self.automaton = automaton
        self.eos_id = eos_id
        self.vocab_size = tokenizer.vocab_size
        self.start = len(automaton.table)
        self._texts = token_texts(tokenizer)
        for texts in self._texts:
            if eos_id is not None:
                texts[eos_id] = b""  # also where it is no special token
        self._first_tree, self._tree = map(TokenTree, self._texts)
        self._distance = self._distances()
        self._needed: dict[int, NDArray[np.int32]] = {}
        self._masks: dict[int, Tensor] = {}
        self.shortest = int(self._distance[self.start])
        if self.shortest == NEVER:
            raise PatternError(
                f"no text that the pattern allows can be written with the "
                f"{self.vocab_size} tokens of this {type(tokenizer).__name__}: train "
                "it on a text with the characters of the pattern, or use a byte-level "
                "tokenizer, which can write everything"
            )

    def accepts(self, state: int) -> bool:
        """Whether the text may end here."""
        return bool(self.automaton.accepting[self._place(state)])

    def step(self, state: int, token_id: int) -> int:
        """The state after one more token; 0 when the text can no longer match."""
        text = self._texts[state != self.start][token_id]
        return self.automaton.step(self._place(state), text) if text else DEAD

    def allowed(self, state: int, n_left: int | None = None) -> Tensor:
        """Which tokens may come next, boolean (V,).

        Args:
            state: from `start` or `step`.
            n_left: how many tokens may still be written, this one included; None for
                any number.

        With n_left at least `shortest`, and an allowed token each time, the text is
        complete when none are left. All is False in a state that nothing can follow.
        """
        if state not in self._masks:
            needed = self._distance[self._ends(state)]  # (V,), after the token
            self._needed[state] = needed
            self._masks[state] = self._with_end(state, needed < NEVER)
        if n_left is None:
            return self._masks[state]
        return self._with_end(state, self._needed[state] < n_left)

    def _with_end(self, state: int, mask: NDArray[np.bool_]) -> Tensor:
        if self.eos_id is not None:
            mask[self.eos_id] = self.accepts(state)
        return torch.from_numpy(mask)

    def _place(self, state: int) -> int:
        return START if state == self.start else state

    def _ends(self, state: int) -> NDArray[np.int32]:
        """The state after each token, (V,)."""
        tree = self._first_tree if state == self.start else self._tree
        return tree.walk(self.automaton.table, self._place(state))

    def _distances(self) -> NDArray[np.int32]:
        """d of each state that tokens lead to; NEVER for all others."""
        before: dict[int, list[int]] = {self.start: []}
        waiting = [self.start]
        for state in waiting:  # it grows while it is read
            for end in np.unique(self._ends(state)).tolist():
                if end == DEAD:
                    continue
                if end not in before:
                    before[end] = []
                    waiting.append(end)
                before[end].append(state)
        distance = np.full(self.start + 1, NEVER, dtype=np.int32)
        reached = [state for state in waiting if self.accepts(state)]
        distance[reached] = 0
        for state in reached:  # breadth first, from the ends backwards
            for earlier in before[state]:
                if distance[earlier] == NEVER:
                    distance[earlier] = distance[state] + 1
                    reached.append(earlier)
        return distance
