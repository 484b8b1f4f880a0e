"""How far back a recurrent network's gradient reaches (Pascanu et al. 2013).

Jacobians of single steps, and the gradient of the last output by its distance to the
input. Knows nothing of training: it looks at a cell as it is.
"""

import torch
from torch import Tensor

from llm_notes.models.layers.recurrent import Recurrent
from llm_notes.models.layers.recurrent_cells import RecurrentCell, State


def step_jacobian(cell: RecurrentCell, x: Tensor, state: State) -> Tensor:
    r"""Jacobian of one step, from the state before to the state after.

    $$J_t = \frac{\partial s_t}{\partial s_{t-1}}$$

    Args:
        cell: Elman's cell, an LSTM or a GRU.
        x: (D,) the input of the step.
        state: the state before, tensors (H,): one, or (h, c) for the LSTM.

    Returns:
        (N, N) with N = H, or 2 H for the LSTM, whose state is h and then c. Row i holds
        the derivatives of entry i after the step.

    Raises:
        ValueError: when shapes do not fit the cell.
    """
    wanted = [(cell.d_hidden,)] * cell.n_states
    if x.shape != (cell.d_input,) or [tuple(s.shape) for s in state] != wanted:
        raise ValueError(
            f"x must have shape ({cell.d_input},) and the state shapes {wanted}, got "
            f"{tuple(x.shape)} and {[tuple(s.shape) for s in state]}"
        )

    def step(flat: Tensor) -> Tensor:
        before = tuple(part[None] for part in flat.split(cell.d_hidden))
        return torch.cat([part[0] for part in cell(x[None], before)])

    return torch.func.jacrev(step)(torch.cat(state)).detach()


def gradient_by_lag(recurrent: Recurrent, x: Tensor) -> Tensor:
    r"""Norm of the last output's derivative by each input, the nearest first.

    $$\left\lVert \frac{\partial h_T}{\partial x_{T-k}} \right\rVert_F, \qquad
      k = 0, \dots, T-1$$

    Args:
        recurrent: one direction, any number of layers.
        x: (B, T, D) inputs.

    Returns:
        (B, T); entry k is the norm at lag k.

    Raises:
        ValueError: when the network reads in both directions: its last output is not
            the end of what it has read.
    """
    if recurrent.n_directions != 1:
        raise ValueError(
            "a network that reads in both directions has no last output; pass one "
            "without backward_cells"
        )
    x = x.detach().requires_grad_()
    outputs, _ = recurrent(x)
    last = outputs[:, -1]  # (B, H)
    squares = torch.zeros(x.shape[:2], dtype=x.dtype)
    # Rows of a batch do not meet, so one pass gives the gradients of all of them.
    for unit in range(last.size(1)):
        (gradient,) = torch.autograd.grad(last[:, unit].sum(), x, retain_graph=True)
        squares += gradient.square().sum(dim=-1)
    return squares.sqrt().flip(dims=(1,))
