"""Sequence to sequence: one recurrent network reads, another one writes.

The translator of Bahdanau, Cho & Bengio (2015, appendix A): a bidirectional GRU
encoder, additive attention, a GRU decoder. Without the attention, all that the decoder
learns of the source is one vector, as in Cho et al. and Sutskever et al. (2014). It
knows nothing of text: source and target ids go in, logits come out.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from llm_notes.models.layers.attention import AdditiveAttention
from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.inputs import (
    require_dropout,
    require_sizes,
    require_token_ids,
)
from llm_notes.models.layers.recurrent import Recurrent
from llm_notes.models.layers.recurrent_cells import GRUCell


@dataclass(frozen=True)
class Seq2SeqConfig:
    """What makes an encoder-decoder of recurrent networks.

    Args:
        source_vocab_size, target_vocab_size: V, number of token ids on each side.
        d_model: D, width of the token vectors.
        d_hidden: H, width of the decoder's state and of each of the encoder's two.
        d_attention: width of the layer that compares states; H when not given.
        d_readout: width of the layer before the logits; H / 2 when not given.
        attention: look at all positions of the source at each step, or else at one
            summary of it.
        dropout: share of token vectors and of the readout dropped while training.
        init_std: deviation of the token vectors before training.

    Raises:
        ValueError: when a size is not positive or dropout is outside [0, 1).
    """

    source_vocab_size: int
    target_vocab_size: int
    d_model: int
    d_hidden: int
    d_attention: int | None = None
    d_readout: int | None = None
    attention: bool = True
    dropout: float = 0.0
    init_std: float = 0.5

    def __post_init__(self) -> None:
        if self.d_attention is None:
            object.__setattr__(self, "d_attention", self.d_hidden)
        if self.d_readout is None:
            object.__setattr__(self, "d_readout", max(1, self.d_hidden // 2))
        require_sizes(
            self,
            "source_vocab_size",
            "target_vocab_size",
            "d_model",
            "d_hidden",
            "d_attention",
            "d_readout",
        )
        require_dropout(self.dropout)


# "RNNsearch" of Bahdanau et al. 2015, appendix A.2.3: English to French.
PRESETS = {"rnnsearch": Seq2SeqConfig(30_000, 30_000, d_model=620, d_hidden=1000)}


@dataclass(frozen=True)
class DecoderState:
    """All that the decoder needs to write the next token.

    Args:
        hidden: (B, H) the state $s_t$.
        memory: (B, S, 2 H) what the encoder has left of each source position; without
            attention (B, 1, 2 H), its summary of all.
        mask: (B, 1, S) boolean, True at real positions of the source.
        projected_keys: (B, S, A) memory as the attention compares it; None without.
        context: (B, 2 H) what was looked at to reach `hidden`; None at the start.
        weights: (B, S) where it was looked; None at the start, and without attention.
    """

    hidden: Tensor
    memory: Tensor
    mask: Tensor
    projected_keys: Tensor | None = None
    context: Tensor | None = None
    weights: Tensor | None = None

    def select(self, rows: Tensor) -> "DecoderState":
        """The state of these rows of the batch, in this order: for beam search."""
        tensors = {name: t for name, t in vars(self).items() if t is not None}
        return replace(self, **{name: t[rows] for name, t in tensors.items()})


class Seq2Seq(nn.Module):
    r"""A recurrent encoder-decoder with additive attention.

    $$\begin{aligned}
      m_j &= [\overrightarrow{h}_j; \overleftarrow{h}_j], \qquad
      s_0 = \tanh(W_s \overleftarrow{h}_1 + b_s) \\
      e_{tj} &= v^\top \tanh(W_q s_{t-1} + W_k m_j), \qquad
      \alpha_{t\cdot} = \mathrm{softmax}(e_{t\cdot}), \qquad
      c_t = \sum_j \alpha_{tj} m_j \\
      s_t &= \mathrm{GRU}([E y_{t-1}; c_t],\, s_{t-1}) \\
      \text{logits}_t &= W_o\, \mathrm{maxout}(W_r [s_t; c_t; E y_{t-1}] + b_r)
    \end{aligned}$$

    Maxout keeps the larger one of each two neighbours (Goodfellow et al. 2013). The
    readout sees the new state $s_t$, as section 3.1 of the paper says; its appendix
    writes $s_{t-1}$. The GRU is PyTorch's, see `GRUCell`. Without attention,
    $c_t = [\overrightarrow{h}_S; \overleftarrow{h}_1]$ at each step: all else is
    equal, so that a comparison shows what attention does.
    """

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.config = config
        d_model, d_hidden = config.d_model, config.d_hidden
        d_memory = 2 * d_hidden
        self.source_embedding = TokenEmbedding(config.source_vocab_size, d_model)
        self.target_embedding = TokenEmbedding(config.target_vocab_size, d_model)
        for table in (self.source_embedding, self.target_embedding):
            nn.init.normal_(table.weight, std=config.init_std)
        self.encoder = Recurrent(
            [GRUCell(d_model, d_hidden)], [GRUCell(d_model, d_hidden)]
        )
        self.state_proj = nn.Linear(d_hidden, d_hidden)
        self.attention = None
        if config.attention:
            self.attention = AdditiveAttention(d_hidden, d_memory, config.d_attention)
        self.decoder = GRUCell(d_model + d_memory, d_hidden)
        self.readout_proj = nn.Linear(
            d_hidden + d_memory + d_model, 2 * config.d_readout
        )
        self.output_proj = nn.Linear(
            config.d_readout, config.target_vocab_size, bias=False
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        source_ids: Tensor,
        target_ids: Tensor,
        source_mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits of the next target token at each position, with teacher forcing.

        Args:
            source_ids: (B, S) integers below `source_vocab_size`.
            target_ids: (B, T) integers below `target_vocab_size`: what stands before
                each prediction, so the first one is the start token.
            source_mask: (B, 1, 1, S) as `mask.padding_mask` gives it.
            return_weights: also return where each step looked.

        Returns:
            logits (B, T, V); with `return_weights` also the alignment (B, T, S),
            whose rows sum to one.

        Raises:
            ValueError: when ids or the mask do not fit, or weights are asked of a
                model without attention.
        """
        if return_weights and self.attention is None:
            raise ValueError(
                "there are no weights to return: config.attention is False"
            )
        self._require_target_ids(target_ids)
        if source_ids.size(0) != target_ids.size(0):
            raise ValueError(
                f"{source_ids.size(0)} sources but {target_ids.size(0)} targets"
            )
        state = self.encode(source_ids, source_mask)
        embedded = self.dropout(self.target_embedding(target_ids))  # (B, T, D)
        states = []
        for embedded_token in embedded.unbind(dim=1):
            state = self._advance(embedded_token, state)
            states.append(state)
        hidden = torch.stack([state.hidden for state in states], dim=1)  # (B, T, H)
        context = torch.stack([state.context for state in states], dim=1)
        logits = self._read_out(hidden, context, embedded)
        if not return_weights:
            return logits
        return logits, torch.stack([state.weights for state in states], dim=1)

    def encode(
        self, source_ids: Tensor, source_mask: Tensor | None = None
    ) -> DecoderState:
        """Read the source: (B, S) to the state before the first target token."""
        require_token_ids(source_ids, self.config.source_vocab_size, name="source_ids")
        n_rows, n_keys = source_ids.shape
        if source_mask is None:
            source_mask = torch.ones_like(source_ids, dtype=torch.bool)[:, None, None]
        if source_mask.shape != (n_rows, 1, 1, n_keys):
            raise ValueError(
                f"source_mask must have shape {(n_rows, 1, 1, n_keys)} as padding_mask "
                f"gives it, got {tuple(source_mask.shape)}"
            )
        if not source_mask.any(dim=-1).all():
            raise ValueError(
                "each source needs at least one real token, and source_mask leaves "
                f"none in {int((~source_mask.any(dim=-1)).sum())} of {n_rows}"
            )
        embedded = self.dropout(self.source_embedding(source_ids))  # (B, S, D)
        # Without padding the encoder may run PyTorch's kernel.
        real = None if source_mask.all() else source_mask[:, 0, 0]  # (B, S)
        memory, (last,) = self.encoder(embedded, mask=real)
        forward_last, backward_last = last  # (B, H) each
        hidden = self.state_proj(backward_last).tanh()
        if self.attention is None:
            # A memory of one place: both directions after their last token.
            memory = torch.cat([forward_last, backward_last], dim=-1)[:, None]
            return DecoderState(hidden, memory, source_mask[:, 0])
        # The memory does not change while the decoder writes: one product serves all.
        projected_keys = self.attention.k_proj(memory)
        return DecoderState(hidden, memory, source_mask[:, 0], projected_keys)

    def step(
        self, token_ids: Tensor, state: DecoderState
    ) -> tuple[Tensor, DecoderState]:
        """Write one token on: ids (B,) of the last ones to logits (B, V)."""
        self._require_target_ids(token_ids[:, None])
        embedded = self.dropout(self.target_embedding(token_ids))  # (B, D)
        state = self._advance(embedded, state)
        return self._read_out(state.hidden, state.context, embedded), state

    @staticmethod
    def parameter_count(config: Seq2SeqConfig) -> int:
        """Number of parameters by formula, without building the model.

        Two tables; the encoder's two GRUs over D; the map to the first state; the
        attention's three matrices; the decoder's GRU over D + 2 H; the readout's
        map of D + 3 H to pairs, and its logits.
        """
        d_model, d_hidden = config.d_model, config.d_hidden
        d_memory = 2 * d_hidden
        tables = (config.source_vocab_size + config.target_vocab_size) * d_model
        encoder = 2 * GRUCell.parameter_count(d_model, d_hidden)
        start = d_hidden * (d_hidden + 1)
        attention = config.d_attention * (d_hidden + d_memory + 1) * config.attention
        decoder = GRUCell.parameter_count(d_model + d_memory, d_hidden)
        readout = 2 * config.d_readout * (d_hidden + d_memory + d_model + 1)
        output = config.d_readout * config.target_vocab_size
        return tables + encoder + start + attention + decoder + readout + output

    def _advance(self, embedded: Tensor, state: DecoderState) -> DecoderState:
        """Look at the memory with the old state, then step to the new one."""
        if self.attention is None:
            context, weights = state.memory[:, 0], None
        else:
            context, weights = self.attention(
                state.hidden[:, None],
                state.memory,
                mask=state.mask,
                projected_keys=state.projected_keys,
            )  # (B, 1, 2 H), (B, 1, S)
            context, weights = context[:, 0], weights[:, 0]
        x = torch.cat([embedded, context], dim=-1)
        (hidden,) = self.decoder(x, (state.hidden,))
        return replace(state, hidden=hidden, context=context, weights=weights)

    def _read_out(self, hidden: Tensor, context: Tensor, embedded: Tensor) -> Tensor:
        """Logits (..., V) from state, context and the last token's vector."""
        pairs = self.readout_proj(torch.cat([hidden, context, embedded], dim=-1))
        readout = pairs.unflatten(-1, (-1, 2)).amax(dim=-1)  # maxout
        return self.output_proj(self.dropout(readout))

    def _require_target_ids(self, target_ids: Tensor) -> None:
        require_token_ids(target_ids, self.config.target_vocab_size, name="target_ids")
