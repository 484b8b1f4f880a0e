"""Recurrent cells: one step of time, from an input and a state to the next state.

Elman's cell, the LSTM and the GRU. A cell knows nothing of sequences; `Recurrent` in
`layers.recurrent` runs it over one. Its weights map one to one to those of
`torch.nn.RNN`, `LSTM` and `GRU`: `x_proj` is their `ih`, `h_proj` their `hh`.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

# (h,) for Elman's cell and the GRU, (h, c) for the LSTM; h is what others read.
State = tuple[Tensor, ...]


class RecurrentCell(nn.Module):
    """What all cells share: an affine map of the input, another one of the state.

    Args:
        d_input: width of the input.
        d_hidden: H, width of the state.

    Weights start uniform within 1/sqrt(H), as PyTorch's do. The two maps have a bias
    each, as PyTorch's; only the GRU's candidate needs both.

    Raises:
        ValueError: when a width is not positive.
    """

    n_gates: int  # vectors of width H that each map gives
    n_states: int  # tensors in the state
    kernel: Callable | None = None  # PyTorch's fused loop over time, where it has one

    def __init_subclass__(cls) -> None:
        # A kernel belongs to one `step`: who writes another one does not inherit it.
        if "step" in vars(cls) and "kernel" not in vars(cls):
            cls.kernel = None

    def __init__(self, d_input: int, d_hidden: int) -> None:
        super().__init__()
        if d_input < 1 or d_hidden < 1:
            raise ValueError(
                f"widths must be at least 1, got d_input = {d_input} and "
                f"d_hidden = {d_hidden}"
            )
        self.d_input, self.d_hidden = d_input, d_hidden
        self.x_proj = nn.Linear(d_input, self.n_gates * d_hidden)
        self.h_proj = nn.Linear(d_hidden, self.n_gates * d_hidden)
        limit = 1 / math.sqrt(d_hidden)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -limit, limit)

    def forward(self, x: Tensor, state: State) -> State:
        """One step of time: input (B, D) and state (B, H) each to the next state."""
        return self.step(self.x_proj(x), state)

    def step(self, from_x: Tensor, state: State) -> State:
        """The same from `x_proj(x)`, which a whole sequence can compute at once."""
        raise NotImplementedError

    @classmethod
    def parameter_count(cls, d_input: int, d_hidden: int) -> int:
        """Two matrices and two biases for each gate."""
        return cls.n_gates * d_hidden * (d_input + d_hidden + 2)


class RNNCell(RecurrentCell):
    r"""The simple recurrent network (Elman 1990) with tanh.

    $$h_t = \tanh(W_x x_t + b_x + W_h h_{t-1} + b_h)$$
    """

    n_gates, n_states = 1, 1
    kernel = staticmethod(torch.rnn_tanh)

    def step(self, from_x: Tensor, state: State) -> State:
        (h,) = state
        h = (from_x + self.h_proj(h)).tanh()
        return (h,)


class LSTMCell(RecurrentCell):
    r"""Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate.

    $$\begin{aligned}
      i_t &= \sigma(W_x^i x_t + b_x^i + W_h^i h_{t-1} + b_h^i) \\
      f_t &= \sigma(W_x^f x_t + b_x^f + W_h^f h_{t-1} + b_h^f) \\
      g_t &= \tanh(W_x^g x_t + b_x^g + W_h^g h_{t-1} + b_h^g) \\
      o_t &= \sigma(W_x^o x_t + b_x^o + W_h^o h_{t-1} + b_h^o) \\
      c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
      h_t &= o_t \odot \tanh(c_t)
    \end{aligned}$$

    The forget gate is by Gers, Schmidhuber & Cummins (2000); there are no peepholes.

    Args:
        forget_bias: what $b_x^f + b_h^f$ is before training. At 1 the cell starts
            out remembering (Gers et al. 2000; Jozefowicz et al. 2015).
    """

    n_gates, n_states = 4, 2
    kernel = staticmethod(torch.lstm)

    def __init__(self, d_input: int, d_hidden: int, forget_bias: float = 1.0) -> None:
        super().__init__(d_input, d_hidden)
        forget = slice(d_hidden, 2 * d_hidden)
        with torch.no_grad():  # only the sum of the two matters
            self.x_proj.bias[forget] = forget_bias
            self.h_proj.bias[forget] = 0.0

    def step(self, from_x: Tensor, state: State) -> State:
        h, c = state
        i, f, g, o = (from_x + self.h_proj(h)).chunk(4, dim=-1)
        i = i.sigmoid()  # how much of the candidate is written
        f = f.sigmoid()  # how much of the memory is kept
        g = g.tanh()  # the candidate
        o = o.sigmoid()  # how much of the memory is shown
        c = f * c + i * g
        h = o * c.tanh()
        return h, c


class GRUCell(RecurrentCell):
    r"""The gated recurrent unit (Cho et al. 2014, equations 5 to 8).

    $$\begin{aligned}
      r_t &= \sigma(W_x^r x_t + b_x^r + W_h^r h_{t-1} + b_h^r) \\
      z_t &= \sigma(W_x^z x_t + b_x^z + W_h^z h_{t-1} + b_h^z) \\
      n_t &= \tanh(W_x^n x_t + b_x^n + r_t \odot (W_h^n h_{t-1} + b_h^n)) \\
      h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1}
    \end{aligned}$$

    The paper resets the state before the product, $W_h^n (r_t \odot h_{t-1})$. Here
    the product is reset, as in cuDNN and PyTorch: one product serves all three gates.
    Some papers (Bahdanau et al. 2015 among them) call $1 - z_t$ what is $z_t$ here.
    """

    n_gates, n_states = 3, 1
    kernel = staticmethod(torch.gru)

    def step(self, from_x: Tensor, state: State) -> State:
        (h,) = state
        r_x, z_x, n_x = from_x.chunk(3, dim=-1)
        r_h, z_h, n_h = self.h_proj(h).chunk(3, dim=-1)
        r = (r_x + r_h).sigmoid()  # how much of the past the candidate sees
        z = (z_x + z_h).sigmoid()  # how much of the past is kept
        n = (n_x + r * n_h).tanh()  # the candidate
        h = (1 - z) * n + z * h
        return (h,)
