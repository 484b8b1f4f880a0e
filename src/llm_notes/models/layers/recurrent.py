"""Recurrence: a state of fixed size is carried from token to token.

`Recurrent` runs a stack of cells over a batch of sequences, in one direction or two.
It knows nothing of tokens: vectors go in, vectors and the last state come out.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from llm_notes.models.layers.recurrent_cells import RecurrentCell, State


def detach(state: State) -> State:
    """The same numbers without their history: gradients stop here.

    Between two windows of a long text it keeps what was read, and cuts
    back-propagation through time (Williams & Peng 1990).
    """
    return tuple(tensor.detach() for tensor in state)


class Recurrent(nn.Module):
    """Runs a stack of cells over a sequence; each reads the outputs of the one below.

    Args:
        cells: one for each layer, from the bottom.
        backward_cells: one for each layer, which read from the end to the beginning
            (Schuster & Paliwal 1997); the outputs of both directions stand side by
            side.
        dropout: share of the outputs dropped between two layers while training,
            never inside the recurrence (Zaremba et al. 2014).
        fused: without a mask, run PyTorch's kernel if the cells have one: the same
            weights, the same numbers. Else the loop over time, which defines them.

    Raises:
        ValueError: when the cells do not fit on each other.
    """

    def __init__(
        self,
        cells: Sequence[RecurrentCell],
        backward_cells: Sequence[RecurrentCell] = (),
        dropout: float = 0.0,
        fused: bool = True,
    ) -> None:
        super().__init__()
        if not cells or len(backward_cells) not in (0, len(cells)):
            raise ValueError(
                "each layer needs one cell, or one for each direction, got "
                f"{len(cells)} forward and {len(backward_cells)} backward"
            )
        self.n_layers = len(cells)
        self.n_directions = 2 if backward_cells else 1
        self.d_input = cells[0].d_input
        self.d_output = cells[0].d_hidden * self.n_directions
        for layer, cell in [*enumerate(cells), *enumerate(backward_cells)]:
            d_input = self.d_output if layer else self.d_input
            wanted = (type(cells[0]).__name__, d_input, cells[0].d_hidden)
            found = (type(cell).__name__, cell.d_input, cell.d_hidden)
            if found != wanted:
                raise ValueError(
                    f"layer {layer} needs a cell of kind, d_input and d_hidden "
                    f"{wanted}, got {found}"
                )
        self.cells = nn.ModuleList(cells)
        self.backward_cells = nn.ModuleList(backward_cells)
        self.dropout = nn.Dropout(dropout)
        self.fused = fused

    def forward(
        self, x: Tensor, state: State | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Read a sequence.

        Args:
            x: (B, T, D) vectors.
            state: as returned for what came before; zeros when not given.
            mask: (B, T) boolean, True at real tokens. Padding, wherever it stands,
                leaves the state as it is, and its output is zero.

        Returns:
            outputs (B, T, H), of both directions (B, T, 2 H), and the state after
            the last token that each cell read: tensors (cells, B, H), in the order
            layer 0 forward, layer 0 backward, layer 1 forward and so on.

        Raises:
            ValueError: when shapes do not fit.
        """
        state = self.zero_state(x.size(0)) if state is None else state
        self._check(x, state, mask)
        if self.fused and mask is None and self.cells[0].kernel is not None:
            return self._run_kernel(x, state)
        before = list(zip(*(tensor.unbind() for tensor in state), strict=True))
        after = []
        for layer in range(self.n_layers):
            x = self.dropout(x) if layer else x
            outputs = []
            for cell, is_backward in self._directions(layer):
                y, last = _run(cell, x, before[len(after)], mask, is_backward)
                outputs.append(y)
                after.append(last)
            x = torch.cat(outputs, dim=-1)
        if mask is not None:
            x = x.masked_fill(~mask[:, :, None], 0.0)
        return x, tuple(torch.stack(tensors) for tensors in zip(*after, strict=True))

    def zero_state(self, batch_size: int) -> State:
        """The state before the first token."""
        cell = self.cells[0]
        shape = (self.n_layers * self.n_directions, batch_size, cell.d_hidden)
        return tuple(cell.h_proj.weight.new_zeros(shape) for _ in range(cell.n_states))

    def _run_kernel(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """All layers and steps in one call; the arguments are those of `nn.LSTM`."""
        weights = [
            weight
            for layer in range(self.n_layers)
            for cell, _ in self._directions(layer)
            for weight in (
                cell.x_proj.weight,
                cell.h_proj.weight,
                cell.x_proj.bias,
                cell.h_proj.bias,
            )
        ]
        outputs, *state = self.cells[0].kernel(
            x,
            state if len(state) > 1 else state[0],
            weights,
            True,  # there are biases
            self.n_layers,
            self.dropout.p,
            self.training,
            self.n_directions == 2,
            True,  # the batch is the first axis
        )
        return outputs, tuple(state)

    def _directions(self, layer: int) -> Iterator[tuple[RecurrentCell, bool]]:
        """The cells of a layer, and whether each reads backwards."""
        yield self.cells[layer], False
        if self.n_directions == 2:
            yield self.backward_cells[layer], True

    def _check(self, x: Tensor, state: State, mask: Tensor | None) -> None:
        if x.dim() != 3 or x.size(1) == 0 or x.size(2) != self.d_input:
            raise ValueError(
                f"x must have shape (batch, length, d_input = {self.d_input}) and at "
                f"least one step, got {tuple(x.shape)}"
            )
        wanted = [tuple(tensor.shape) for tensor in self.zero_state(x.size(0))]
        found = [tuple(tensor.shape) for tensor in state]
        if found != wanted:
            raise ValueError(
                f"the state must be a tuple of tensors of shapes {wanted}, got "
                f"{found}: was it made by another model, or for another batch?"
            )
        if mask is not None and (mask.dtype, mask.shape) != (torch.bool, x.shape[:2]):
            raise ValueError(
                f"mask must be boolean of shape {tuple(x.shape[:2])}, got {mask.dtype} "
                f"of shape {tuple(mask.shape)}"
            )


def _run(
    cell: RecurrentCell,
    x: Tensor,
    state: State,
    mask: Tensor | None,
    is_backward: bool,
) -> tuple[Tensor, State]:
    """One cell over all steps: (B, T, D) to outputs (B, T, H) and the last state."""
    # The inputs' half of all steps is one large product; the loop keeps the rest.
    from_x = cell.x_proj(x).unbind(dim=1)
    outputs = []
    steps = range(len(from_x))
    for t in reversed(steps) if is_backward else steps:
        new = cell.step(from_x[t], state)
        if mask is not None:
            is_real = mask[:, t, None]  # (B, 1)
            new = tuple(
                torch.where(is_real, *pair) for pair in zip(new, state, strict=True)
            )
        state = new
        outputs.append(state[0])
    return torch.stack(outputs[::-1] if is_backward else outputs, dim=1), state
