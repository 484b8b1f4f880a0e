"""Recurrent cells equal PyTorch's; sequences, states and padding behave."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from llm_notes.models.layers.recurrent import Recurrent, detach
from llm_notes.models.layers.recurrent_cells import (
    GRUCell,
    LSTMCell,
    RecurrentCell,
    RNNCell,
)
from llm_notes.parity.case import gradients, randomise
from llm_notes.runtime import count_parameters

B, T, D, H, L = 3, 7, 4, 5, 2
CELLS = [RNNCell, LSTMCell, GRUCell]


def stack(cell: type[RecurrentCell], two_ways: bool = False, **options) -> Recurrent:
    """A stack with random weights and biases, the same at each call."""
    torch.manual_seed(0)
    widths = [D] + [H * (1 + two_ways)] * (L - 1)
    cells = [cell(width, H) for width in widths]
    backward = [cell(width, H) for width in widths] if two_ways else []
    recurrent = Recurrent(cells, backward, **options)
    randomise(recurrent, std=0.3)
    return recurrent


def randn(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def random_state(recurrent: Recurrent, n_rows: int = B) -> tuple[torch.Tensor, ...]:
    return tuple(
        randn(*zeros.shape, seed=2 + i)
        for i, zeros in enumerate(recurrent.zero_state(n_rows))
    )


def assert_equal(ours, theirs):
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("cell", "reference"),
    [(RNNCell, nn.RNNCell), (LSTMCell, nn.LSTMCell), (GRUCell, nn.GRUCell)],
)
def test_one_step_equals_pytorch(cell, reference):
    ours, theirs = cell(D, H), reference(D, H)
    randomise(ours)
    names = {"x_proj": "ih", "h_proj": "hh"}
    theirs.load_state_dict(
        {
            f"{kind}_{names[part]}": weight
            for name, weight in ours.state_dict().items()
            for part, kind in [name.split(".")]
        }
    )
    x = randn(B, D)
    state = tuple(randn(B, H, seed=2 + i) for i in range(ours.n_states))
    after = theirs(x, state if len(state) == 2 else state[0])
    assert_equal(ours(x, state), after if len(state) == 2 else (after,))


@pytest.mark.parametrize("cell", CELLS)
def test_parameter_count_by_formula_equals_the_cell(cell):
    assert cell.parameter_count(D, H) == count_parameters(cell(D, H))


@pytest.mark.parametrize("cell", CELLS)
def test_weights_start_within_one_over_the_root_of_the_width(cell):
    torch.manual_seed(0)
    for weight in (cell(9, 100).x_proj.weight, cell(9, 100).h_proj.weight):
        assert weight.abs().max() <= 0.1
        assert weight.abs().max() > 0.099
        assert weight.mean().abs() < 0.005


def test_forget_bias_is_the_sum_of_both_biases_of_that_gate_only():
    torch.manual_seed(0)
    cell = LSTMCell(D, H, forget_bias=1.5)
    bias = cell.x_proj.bias + cell.h_proj.bias
    i, f, g, o = bias.chunk(4)
    assert_equal(f, torch.full((H,), 1.5))
    for other in (i, g, o):
        assert other.abs().max() <= 2 / H**0.5
        assert len(other.unique()) == H


def test_lstm_starts_out_remembering():
    cell = LSTMCell(D, H)
    _, f, _, _ = (cell.x_proj.bias + cell.h_proj.bias).chunk(4)
    assert_equal(f, torch.ones(H))


@pytest.mark.parametrize("two_ways", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_kernel_equals_the_loop(cell, two_ways):
    x = randn(B, T, D)
    results = []
    for fused in (True, False):
        recurrent = stack(cell, two_ways, fused=fused)
        outputs, after = recurrent(x, random_state(recurrent))
        loss = sum((y * randn(*y.shape, seed=9)).sum() for y in (outputs, *after))
        loss.backward()
        results.append((outputs, after, gradients(recurrent)))
    assert_equal(*results)


def test_kernel_runs_only_when_asked_for_and_without_a_mask(monkeypatch):
    calls = []

    def kernel(*arguments):
        calls.append(arguments)
        return torch.gru(*arguments)

    monkeypatch.setattr(GRUCell, "kernel", staticmethod(kernel))
    x = randn(B, T, D)
    stack(GRUCell, fused=False)(x)
    stack(GRUCell)(x, mask=torch.ones(B, T, dtype=torch.bool))
    assert not calls
    stack(GRUCell)(x)
    assert len(calls) == 1


def test_a_cell_of_ones_own_needs_one_line_and_no_kernel():
    class Sum(RecurrentCell):
        n_gates, n_states = 1, 1

        def step(self, from_x, state):
            return (from_x + state[0],)

    cell = Sum(D, H)
    x = randn(B, T, D)
    outputs, (last,) = Recurrent([cell])(x)
    assert_equal(outputs, cell.x_proj(x).cumsum(dim=1))
    assert_equal(last[0], outputs[:, -1])


def test_a_changed_step_is_run_and_not_the_kernel_of_the_cell_it_comes_from():
    class Sigmoid(RNNCell):
        def step(self, from_x, state):
            return ((from_x + self.h_proj(state[0])).sigmoid(),)

    outputs, _ = stack(Sigmoid)(randn(B, T, D) - 5)
    assert outputs.gt(0).all()


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("cell", CELLS)
@settings(deadline=None, max_examples=5)
@given(n_first=st.integers(1, T - 1))
def test_two_parts_with_the_state_carried_equal_the_whole(cell, fused, n_first):
    recurrent = stack(cell, fused=fused)
    x = randn(B, T, D)
    whole, last = recurrent(x)
    first, state = recurrent(x[:, :n_first])
    second, state = recurrent(x[:, n_first:], state)
    assert_equal(torch.cat([first, second], dim=1), whole)
    assert_equal(state, last)


@pytest.mark.parametrize("cell", CELLS)
def test_only_the_backward_direction_sees_the_future(cell):
    x = randn(B, T, D)
    changed = x.clone()
    changed[:, 4] += 1
    one_way, two_ways = stack(cell, fused=False), stack(cell, True, fused=False)
    assert one_way(x)[0][:, :4].equal(one_way(changed)[0][:, :4])
    assert not torch.allclose(one_way(x)[0][:, 4:], one_way(changed)[0][:, 4:])
    assert not torch.allclose(two_ways(x)[0][:, :4], two_ways(changed)[0][:, :4])


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("two_ways", [False, True])
@pytest.mark.parametrize("cell", CELLS)
@settings(deadline=None, max_examples=5)
@given(lengths=st.lists(st.integers(1, T), min_size=2, max_size=3))
def test_padding_changes_nothing(cell, two_ways, left, lengths):
    recurrent = stack(cell, two_ways)
    x = randn(len(lengths), T, D)
    mask = torch.arange(T) < torch.tensor(lengths)[:, None]
    mask = mask.flip(1) if left else mask
    state = random_state(recurrent, len(lengths))
    outputs, after = recurrent(x, state, mask)
    assert outputs[~mask].eq(0).all()
    for row in range(len(lengths)):
        alone, alone_after = recurrent(
            x[row, mask[row]][None], tuple(s[:, row : row + 1] for s in state)
        )
        assert_equal(outputs[row, mask[row]], alone[0])
        assert_equal(tuple(s[:, row : row + 1] for s in after), alone_after)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_dropout_stands_between_layers_only_and_only_in_training(cell, fused):
    x = randn(B, T, D)
    recurrent = stack(cell, dropout=0.5, fused=fused)
    outputs, state = recurrent.eval()(x)
    assert_equal(outputs, stack(cell, fused=fused)(x)[0])
    torch.manual_seed(0)
    dropped, dropped_state = recurrent.train()(x)
    assert_equal(dropped_state[0][0], state[0][0])  # the first layer is untouched
    assert not torch.allclose(dropped_state[0][1], state[0][1])
    assert dropped.ne(0).all()  # nothing is dropped behind the last layer
    torch.manual_seed(1)
    assert not torch.allclose(dropped, recurrent(x)[0])


def test_dropped_inputs_of_the_second_layer_are_zero_or_doubled():
    recurrent = stack(GRUCell, dropout=0.5, fused=False)
    seen = []
    recurrent.cells[1].x_proj.register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0])
    )
    x = randn(B, T, D)
    recurrent.eval()(x)
    recurrent.train()(x)
    kept = seen[1] != 0
    assert_equal(seen[1][kept], 2 * seen[0][kept])
    assert 0.2 < kept.float().mean() < 0.8


@pytest.mark.parametrize("cell", CELLS)
def test_a_detached_state_has_the_same_numbers_and_no_history(cell):
    recurrent = stack(cell)
    _, state = recurrent(randn(B, T, D))
    assert all(tensor.requires_grad for tensor in state)
    cut = detach(state)
    assert not any(tensor.requires_grad for tensor in cut)
    assert_equal(cut, state)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_windows_need_a_detached_state_to_train_one_by_one(cell, fused):
    recurrent = stack(cell, fused=fused)
    first, second = randn(B, T, D), randn(B, T, D, seed=5)
    for cut in (detach, lambda state: state):
        outputs, state = recurrent(first)
        outputs.sum().backward()
        outputs, _ = recurrent(second, cut(state))
        if cut is detach:
            outputs.sum().backward()
        else:
            with pytest.raises(RuntimeError, match="backward through the graph"):
                outputs.sum().backward()


def test_the_state_starts_at_zero_in_the_weights_dtype():
    recurrent = stack(LSTMCell).double()
    h, c = recurrent.zero_state(B)
    assert h.shape == c.shape == (L, B, H)
    assert h.dtype == torch.float64
    assert not h.any()
    x = randn(B, T, D).double()
    assert_equal(recurrent(x), recurrent(x, (h, c)))


@pytest.mark.parametrize(
    ("cells", "backward", "message"),
    [
        ([], [], "0 forward and 0 backward"),
        ([GRUCell(D, H)], [GRUCell(D, H)] * 2, "1 forward and 2 backward"),
        ([GRUCell(D, H)] * 2, [], r"layer 1 .*'GRUCell', 5, 5\), got .*4, 5"),
        ([GRUCell(D, H), RNNCell(H, H)], [], "'GRUCell', 5, 5.*'RNNCell', 5, 5"),
        ([GRUCell(D, H), GRUCell(H, H + 1)], [], "5, 5.*5, 6"),
        ([GRUCell(D, H)], [GRUCell(D + 1, H)], "layer 0 .*4, 5.*5, 5"),
        (
            [GRUCell(D, H), GRUCell(H, H)],
            [GRUCell(D, H), GRUCell(2 * H, H)],
            "layer 1 .*10, 5.*5, 5",
        ),
    ],
)
def test_cells_that_do_not_fit_are_refused(cells, backward, message):
    with pytest.raises(ValueError, match=message):
        Recurrent(cells, backward)


def test_empty_widths_are_refused():
    with pytest.raises(ValueError, match="d_input = 0 and d_hidden = 5"):
        GRUCell(0, 5)
    with pytest.raises(ValueError, match="d_hidden = 0"):
        GRUCell(5, 0)


@pytest.mark.parametrize(
    ("x", "state", "mask", "message"),
    [
        (torch.zeros(B, D), None, None, r"d_input = 4\) .* got \(3, 4\)"),
        (torch.zeros(B, T, D + 1), None, None, r"got \(3, 7, 5\)"),
        (torch.zeros(B, 0, D), None, None, "at least one step"),
        (torch.zeros(B, T, D), (torch.zeros(L, B, H),), None, "tuple of tensors"),
        (
            torch.zeros(B, T, D),
            (torch.zeros(L, 1, H), torch.zeros(L, 1, H)),
            None,
            "another batch",
        ),
        (torch.zeros(B, T, D), torch.zeros(L, B, H), None, "tuple of tensors"),
        (
            torch.zeros(B, T, D),
            None,
            torch.ones(T, B, dtype=torch.bool),
            r"\(3, 7\), got torch.bool of shape \(7, 3\)",
        ),
        (torch.zeros(B, T, D), None, torch.ones(B, T), "boolean .* torch.float32"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(x, state, mask, message):
    with pytest.raises(ValueError, match=message):
        stack(LSTMCell)(x, state, mask)
