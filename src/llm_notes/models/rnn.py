"""Recurrent language models: Elman's network, LSTM and GRU.

Embedding, a stack of recurrent cells, logits (Mikolov et al. 2010; Sundermeyer et al.
2012). The three differ in one word of the configuration. All of the past is in the
state, so the model reads texts of any length. It knows nothing of text or training.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.inputs import (
    require_dropout,
    require_sizes,
    require_token_ids,
)
from llm_notes.models.layers.recurrent import Recurrent
from llm_notes.models.layers.recurrent_cells import GRUCell, LSTMCell, RNNCell, State

CELLS = {"rnn": RNNCell, "lstm": LSTMCell, "gru": GRUCell}


@dataclass(frozen=True)
class RNNConfig:
    """What makes a recurrent language model.

    Args:
        vocab_size: V, number of token ids.
        d_model: D, width of the token vectors.
        d_hidden: H, width of the state; D when not given.
        n_layers: L, cells on top of each other.
        cell: "rnn", "lstm" or "gru".
        forget_bias: of the LSTM's forget gate before training; 1 when not given.
        tied: use one table for the first and the last layer (Press & Wolf 2017).
            Where D and H differ, a D x H projection stands before the last.
        dropout: share dropped while training, of token vectors and of each layer's
            outputs, never inside the recurrence (Zaremba et al. 2014).
        init_std: deviation of the token vectors before training. It is far above a
            Transformer's, because no norm brings them to the size of the state.

    Raises:
        ValueError: when a size is not positive, the cell is unknown, dropout is
            outside [0, 1), or a cell other than the LSTM gets a forget bias.
    """

    vocab_size: int
    d_model: int
    d_hidden: int | None = None
    n_layers: int = 1
    cell: str = "lstm"
    forget_bias: float | None = None
    tied: bool = False
    dropout: float = 0.0
    init_std: float = 0.5

    def __post_init__(self) -> None:
        if self.d_hidden is None:
            object.__setattr__(self, "d_hidden", self.d_model)
        require_sizes(self, "vocab_size", "d_model", "d_hidden", "n_layers")
        if self.cell not in CELLS:
            raise ValueError(f"cell must be one of {', '.join(CELLS)}, got {self.cell}")
        if self.forget_bias is not None and self.cell != "lstm":
            raise ValueError(
                f"forget_bias = {self.forget_bias} belongs to the forget gate of an "
                f"lstm, and cell is {self.cell}: leave it out"
            )
        require_dropout(self.dropout)


# The LSTMs of Zaremba et al. 2014 for the Penn Treebank.
PRESETS = {
    "zaremba-small": RNNConfig(10_000, 200, n_layers=2),
    "zaremba-medium": RNNConfig(10_000, 650, n_layers=2, dropout=0.5),
    "zaremba-large": RNNConfig(10_000, 1500, n_layers=2, dropout=0.65),
}


class RNNLanguageModel(nn.Module):
    r"""A recurrent network that predicts the next token.

    $$x_t = E[w_t], \quad s_t = \mathrm{Cell}(x_t, s_{t-1}), \quad
      \text{logits}_t = W_o h_t$$

    Here $h_t$ is the part of the state $s_t$ that is shown. When tied,
    $W_o = E$, or $E P$ with a projection P where the widths differ.
    """

    def __init__(self, config: RNNConfig) -> None:
        super().__init__()
        self.config = config
        d_model, d_hidden = config.d_model, config.d_hidden
        self.token_embedding = TokenEmbedding(config.vocab_size, d_model)
        nn.init.normal_(self.token_embedding.weight, std=config.init_std)
        self.dropout = nn.Dropout(config.dropout)
        options = {}
        if config.forget_bias is not None:
            options["forget_bias"] = config.forget_bias
        self.recurrent = Recurrent(
            [
                CELLS[config.cell](d_hidden if layer else d_model, d_hidden, **options)
                for layer in range(config.n_layers)
            ],
            dropout=config.dropout,
        )
        self.tied_proj = self.output_proj = None
        if not config.tied:
            self.output_proj = nn.Linear(d_hidden, config.vocab_size, bias=False)
        elif d_hidden != d_model:
            self.tied_proj = nn.Linear(d_hidden, d_model, bias=False)

    def forward(
        self,
        token_ids: Tensor,
        state: State | None = None,
        mask: Tensor | None = None,
        return_state: bool = False,
    ) -> Tensor | tuple[Tensor, State]:
        """Logits of the next token at each position.

        To train on a long text window by window, pass each window's state to the next
        through `layers.recurrent.detach`: without it, the second backward pass would
        run through the first window again, whose graph is gone.

        Args:
            token_ids: (B, T) integers below `vocab_size`.
            state: what an earlier call returned for the tokens before; none when not
                given.
            mask: (B, 1, 1, T) as `mask.padding_mask` gives it, True at real tokens.
            return_state: also return the state after the last token.

        Returns:
            logits (B, T, V); with `return_state` also the state, a tuple of tensors
            (L, B, H): one for "rnn" and "gru", two for "lstm".

        Raises:
            ValueError: when ids are not (B, T) or out of range, or the state or the
                mask has other shapes.
        """
        require_token_ids(token_ids, self.config.vocab_size)
        n_rows, n_steps = token_ids.shape
        if mask is not None and mask.shape != (n_rows, 1, 1, n_steps):
            raise ValueError(
                f"mask must have shape {(n_rows, 1, 1, n_steps)} as padding_mask "
                f"gives it, got {tuple(mask.shape)}"
            )
        x = self.dropout(self.token_embedding(token_ids))  # (B, T, D)
        h, state = self.recurrent(x, state, None if mask is None else mask[:, 0, 0])
        logits = self._logits(self.dropout(h))  # (B, T, V)
        return (logits, state) if return_state else logits

    @staticmethod
    def parameter_count(config: RNNConfig) -> int:
        """Number of parameters by formula, without building the model.

        A table of V x D; in each layer, for each of g gates (1 in Elman's cell, 4 in
        the LSTM, 3 in the GRU), one matrix for the input, one H x H for the state and
        two biases; V x H for the logits, unless they are tied.
        """
        d_model, d_hidden = config.d_model, config.d_hidden
        count = CELLS[config.cell].parameter_count
        layers = count(d_model, d_hidden)
        layers += (config.n_layers - 1) * count(d_hidden, d_hidden)
        output = config.vocab_size * d_hidden
        if config.tied:
            output = 0 if d_hidden == d_model else d_hidden * d_model
        return config.vocab_size * d_model + layers + output

    def _logits(self, h: Tensor) -> Tensor:
        """(B, T, H) to (B, T, V), with a matrix of its own or with the table."""
        if self.output_proj is not None:
            return self.output_proj(h)
        h = h if self.tied_proj is None else self.tied_proj(h)
        return self.token_embedding.logits(h)
