"""What each token writes, and a tree of all of them that an automaton runs through.

Tokens with the same beginning share its nodes, so the automaton reads each beginning
once. The tree is walked level by level, all nodes of a level at a time.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.data.tokenizers.byte_level import ByteLevelTokenizer
from llm_notes.inference.constrained.automaton import DEAD


def token_texts(tokenizer: Tokenizer) -> tuple[list[bytes], list[bytes]]:
    """The bytes that each token adds to a text, (as its first token, after others).

    The two differ for tokenizers that put spaces between words. A token writes the same
    after every other one. Special tokens write nothing.
    """
    special = set(tokenizer.special_ids.values())
    ordinary = [i for i in range(tokenizer.vocab_size) if i not in special]
    first = [b""] * tokenizer.vocab_size
    later = list(first)
    for token_id in ordinary:
        if isinstance(tokenizer, ByteLevelTokenizer):
            first[token_id] = later[token_id] = tokenizer.token_bytes(token_id)
        else:
            before = tokenizer.decode(ordinary[:1])
            after = tokenizer.decode([ordinary[0], token_id])
            first[token_id] = tokenizer.decode([token_id]).encode()
            later[token_id] = after[len(before) :].encode()
    return first, later


class TokenTree:
    """The tokens of a vocabulary by their bytes; node 0 is the root.

    Args:
        texts: the bytes of each token; one without bytes is in no place of the tree.
    """

    def __init__(self, texts: Sequence[bytes]) -> None:
        lengths = np.array([len(text) for text in texts])
        self.node_of = np.zeros(len(texts), dtype=np.int64)
        self.n_nodes = 1
        self._levels: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        depth = 0
        while len(longer := np.flatnonzero(lengths > depth)):
            next_bytes = np.array([texts[i][depth] for i in longer])
            keys = self.node_of[longer] * 256 + next_bytes
            edges, which = np.unique(keys, return_inverse=True)
            self._levels.append((edges // 256, edges % 256))
            self.node_of[longer] = self.n_nodes + which
            self.n_nodes += len(edges)
            depth += 1

    def walk(self, table: NDArray[np.int32], state: int) -> NDArray[np.int32]:
        """The state of an automaton after each token, (V,); dead for no bytes.

        Args:
            table: (states, 256), the next state; a dead state stays dead.
            state: the one before the token.
        """
        states = np.empty(self.n_nodes, dtype=np.int32)
        states[0] = state
        first = 1
        for parents, next_bytes in self._levels:
            last = first + len(parents)
            states[first:last] = table[states[parents], next_bytes]
            first = last
        return np.where(self.node_of > 0, states[self.node_of], DEAD)
