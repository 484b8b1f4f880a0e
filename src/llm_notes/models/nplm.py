"""NPLM: the neural probabilistic language model (Bengio et al. 2003).

An n-gram model whose table of counts is replaced by vectors: words that behave alike
share what is learnt about them. It knows nothing of text: token ids go in, logits come
out.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.initialise import initialise
from llm_notes.models.layers.inputs import require_sizes, require_token_ids


@dataclass(frozen=True)
class NPLMConfig:
    """The integers that make an NPLM.

    Args:
        vocab_size: V, number of token ids.
        context_length: n - 1, the words it looks at to predict the next one.
        d_model: D, width of the word vectors; the paper's m.
        d_hidden: width of the hidden layer; the paper's h.
        direct: also connect the word vectors straight to the logits.
        init_std: deviation of the weights before training.

    Raises:
        ValueError: when a size is not positive.
    """

    vocab_size: int
    context_length: int
    d_model: int
    d_hidden: int
    direct: bool = False
    init_std: float = 0.1

    def __post_init__(self) -> None:
        require_sizes(self, "vocab_size", "context_length", "d_model", "d_hidden")


PRESETS = {  # tables 1 and 2 of the paper; n is 5 for Brown and 6 for AP News
    "brown": NPLMConfig(16_383, 4, d_model=30, d_hidden=100),
    "brown-direct": NPLMConfig(16_383, 4, d_model=60, d_hidden=50, direct=True),
    "ap-news": NPLMConfig(17_964, 5, d_model=100, d_hidden=60, direct=True),
}


class NPLM(nn.Module):
    r"""The next word from the vectors of the last n - 1 words, joined.

    $$x_t = (C_{w_{t-n+2}}, \dots, C_{w_{t-1}}, C_{w_t}), \qquad
      \text{logits}_t = b + U \tanh(d + H x_t) \;[\, + W x_t \,]$$

    (equation 1 of the paper; W is the direct connection). The words stand here in the
    order of reading; the paper joins them in the opposite one, which only renames the
    columns of H and W. In front of a text stand vectors of zeros, so that one pass
    predicts after every position, also those with fewer than n - 1 words before them.
    """

    def __init__(self, config: NPLMConfig) -> None:
        super().__init__()
        self.config = config
        d_input = config.context_length * config.d_model
        self.token_embedding = TokenEmbedding(config.vocab_size, config.d_model)
        self.hidden_proj = nn.Linear(d_input, config.d_hidden)
        self.output_proj = nn.Linear(config.d_hidden, config.vocab_size)
        self.direct_proj = None
        if config.direct:
            self.direct_proj = nn.Linear(d_input, config.vocab_size, bias=False)
        initialise(self, config.init_std, n_layers=1)

    def forward(self, token_ids: Tensor) -> Tensor:
        """Logits of the next token at each position.

        Args:
            token_ids: (B, T) integers below `vocab_size`; T may be any length, since
                each position looks back at its own n - 1 words only.

        Returns:
            logits (B, T, V).

        Raises:
            ValueError: when ids are not (B, T) integers, none, or out of range.
        """
        require_token_ids(token_ids, self.config.vocab_size)
        n_words = self.config.context_length  # n - 1
        x = self.token_embedding(token_ids)  # (B, T, D)
        x = nn.functional.pad(x, (0, 0, n_words - 1, 0))  # zeros before the text
        x = x.unfold(1, n_words, 1)  # (B, T, D, n - 1)
        x = x.transpose(2, 3).flatten(2)  # (B, T, (n - 1) D), word after word
        logits = self.output_proj(torch.tanh(self.hidden_proj(x)))  # (B, T, V)
        return logits if self.direct_proj is None else logits + self.direct_proj(x)

    @staticmethod
    def parameter_count(config: NPLMConfig) -> int:
        """Number of parameters by formula.

        With n - 1 = context_length, m = d_model, h = d_hidden, and direct connections,
        this is the paper's |V| (1 + nm + h) + h (1 + (n - 1) m).
        """
        d_input = config.context_length * config.d_model
        tables = config.vocab_size * (config.d_model + config.d_hidden + 1)
        direct = config.vocab_size * d_input if config.direct else 0
        return tables + direct + config.d_hidden * (d_input + 1)
