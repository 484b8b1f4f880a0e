"""Jacobians of steps multiply to the gradient through time."""

import pytest
import torch

from llm_notes.analysis.recurrent_gradients import gradient_by_lag, step_jacobian
from llm_notes.models.layers.recurrent import Recurrent
from llm_notes.models.layers.recurrent_cells import GRUCell, LSTMCell, RNNCell

CELLS = {"rnn": RNNCell, "lstm": LSTMCell, "gru": GRUCell}


@pytest.fixture(params=CELLS)
def cell(request):
    torch.manual_seed(0)
    return CELLS[request.param](3, 5).double()


def random_state(cell):
    return tuple(torch.randn(5, dtype=torch.float64) for _ in range(cell.n_states))


def flat_step(cell, x, flat):
    state = tuple(part[None] for part in flat.split(5))
    return torch.cat([part[0] for part in cell(x[None], state)]).detach()


def test_a_step_jacobian_equals_finite_differences(cell):
    x, state = torch.randn(3, dtype=torch.float64), random_state(cell)
    jacobian, flat = step_jacobian(cell, x, state), torch.cat(state)
    for column in range(len(flat)):
        nudge = torch.zeros_like(flat)
        nudge[column] = 1e-6
        plus, minus = (flat_step(cell, x, flat + s * nudge) for s in (1, -1))
        slope = (plus - minus) / 2e-6
        assert torch.allclose(jacobian[:, column], slope, atol=1e-7)


def test_products_of_step_jacobians_are_the_gradient_through_time(cell):
    inputs = torch.randn(1, 7, 3, dtype=torch.float64)
    norms = gradient_by_lag(Recurrent([cell]), inputs)[0]
    states = [tuple(torch.zeros(5, dtype=torch.float64) for _ in range(cell.n_states))]
    for x in inputs[0]:
        new = cell(x[None], tuple(part[None] for part in states[-1]))
        states.append(tuple(part[0].detach() for part in new))
    product = torch.eye(5 * cell.n_states, dtype=torch.float64)
    for lag, t in enumerate(reversed(range(7))):
        x = inputs[0, t]
        before = torch.cat(states[t])
        by_input = torch.func.jacrev(
            lambda x, before=before: torch.cat(
                [p[0] for p in cell(x[None], tuple(s[None] for s in before.split(5)))]
            )
        )(x)
        expected = (product @ by_input)[:5].norm()  # h, the first part of the state
        assert torch.allclose(norms[lag], expected.detach(), rtol=1e-9)
        product = product @ step_jacobian(cell, x, states[t])


def test_rows_of_a_batch_do_not_meet(cell):
    recurrent = Recurrent([cell])
    inputs = torch.randn(2, 4, 3, dtype=torch.float64)
    alone = torch.cat([gradient_by_lag(recurrent, row[None]) for row in inputs])
    assert torch.allclose(gradient_by_lag(recurrent, inputs), alone)


def test_wrong_shapes_and_two_directions_are_refused():
    cell = LSTMCell(3, 5)
    with pytest.raises(ValueError, match=r"x must have shape \(3,\)"):
        step_jacobian(cell, torch.zeros(3), (torch.zeros(5),))
    both = Recurrent([cell], [LSTMCell(3, 5)])
    with pytest.raises(ValueError, match="both directions"):
        gradient_by_lag(both, torch.zeros(1, 4, 3))
