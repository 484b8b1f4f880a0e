"""Exercises of the chapter on recurrence."""

import torch

from llm_notes.checks.check import function, value

_V, _D, _H = 10_000, 200, 200
_TABLES = 2 * _V * _D

parameters = value(
    _TABLES + 4 * _H * (_D + _H + 2),
    {
        "one bias": (
            _TABLES + 4 * _H * (_D + _H + 1),
            "The two maps have a bias each; you counted one.",
        ),
        "three gates": (
            _TABLES + 3 * _H * (_D + _H + 2),
            "That is a GRU. An LSTM has three gates and a candidate: four maps.",
        ),
        "one gate": (
            _TABLES + _H * (_D + _H + 2),
            "That is Elman's network: it has no gates at all.",
        ),
        "no logits": (
            _V * _D + 4 * _H * (_D + _H + 2),
            "One of the two tables is missing. Do vectors and logits share one here?",
        ),
        "cells alone": (
            4 * _H * (_D + _H + 2),
            "That is the cell alone. A token must become a vector, and a state logits.",
        ),
    },
    praise="Most of it stands in the two tables, and hardly any in the recurrence.",
)


def _gates(from_x, w_h, h):
    r_x, z_x, n_x = from_x.chunk(3)
    w_r, w_z, w_n = w_h.chunk(3)
    return (r_x + w_r @ h).sigmoid(), (z_x + w_z @ h).sigmoid(), n_x, w_n


def _paper(from_x, w_h, h):
    r, z, n_x, w_n = _gates(from_x, w_h, h)
    return (1 - z) * (n_x + w_n @ (r * h)).tanh() + z * h


def _reset_after(from_x, w_h, h):
    r, z, n_x, w_n = _gates(from_x, w_h, h)
    return (1 - z) * (n_x + r * (w_n @ h)).tanh() + z * h


def _turned_over(from_x, w_h, h):
    r, z, n_x, w_n = _gates(from_x, w_h, h)
    return z * (n_x + w_n @ (r * h)).tanh() + (1 - z) * h


def _gates_exchanged(from_x, w_h, h):
    r, z, n_x, w_n = _gates(from_x, w_h, h)
    return (1 - r) * (n_x + w_n @ (z * h)).tanh() + r * h


def _input_reset(from_x, w_h, h):
    r, z, n_x, w_n = _gates(from_x, w_h, h)
    return (1 - z) * (r * n_x + w_n @ h).tanh() + z * h


def _no_bend(from_x, w_h, h):
    r, z, n_x, w_n = _gates(from_x, w_h, h)
    return (1 - z) * (n_x + w_n @ (r * h)) + z * h


def _gru_probe(width, seed):
    generator = torch.Generator().manual_seed(seed)
    from_x = torch.randn(3 * width, generator=generator)
    w_h = torch.randn(3 * width, width, generator=generator)
    return from_x, w_h, torch.randn(width, generator=generator)


gru_of_the_paper = function(
    _paper,
    {
        "reset after the product": (
            _reset_after,
            "That is PyTorch's version: you reset the product, the paper the state.",
        ),
        "update turned over": (
            _turned_over,
            "z and 1 - z are exchanged. Here z is the share of the past that is kept.",
        ),
        "gates exchanged": (
            _gates_exchanged,
            "r and z are exchanged: the first part of from_x belongs to the reset.",
        ),
        "input reset": (
            _input_reset,
            "You reset the input. The reset hides the past from the candidate.",
        ),
        "no bend": (_no_bend, "The candidate has lost its tanh."),
    },
    probes=[_gru_probe(3, 1), _gru_probe(2, 2)],
    praise="Both versions learn; they differ wherever the reset gate is between 0 and "
    "1, so weights cannot move from one to the other.",
)


def _step(token, state):
    """A toy model: its logits depend on the token and on the whole past."""
    state = (3 * state + token + 1) % 11
    logits = torch.zeros(7)
    logits[(2 * state + token) % 7] = 1.0
    logits[(2 * state + token + 3) % 7] = -1.0
    return logits, state


def _write_on(step, token, state, n):
    written = []
    for _ in range(n):
        logits, state = step(token, state)
        token = int(logits.argmax())
        written.append(token)
    return written


def _state_forgotten(step, token, state, n):
    written = []
    for _ in range(n):
        logits, _ = step(token, state)
        token = int(logits.argmax())
        written.append(token)
    return written


def _token_not_fed(step, token, state, n):
    written = []
    for _ in range(n):
        logits, state = step(token, state)
        written.append(int(logits.argmax()))
    return written


def _from_the_start(step, token, state, n):
    return [token, *_write_on(step, token, state, n)][:n]


def _least_probable(step, token, state, n):
    written = []
    for _ in range(n):
        logits, state = step(token, state)
        token = int(logits.argmin())
        written.append(token)
    return written


def _one_too_many(step, token, state, n):
    return _write_on(step, token, state, n + 1)


write_on = function(
    _write_on,
    {
        "state forgotten": (
            _state_forgotten,
            "Each step starts from the first state: the model forgets what it wrote.",
        ),
        "token not fed back": (
            _token_not_fed,
            "The model reads the same token again and again, not what it has written.",
        ),
        "starts with what was read": (
            _from_the_start,
            "Your list begins with the token that was read. Only what follows counts.",
        ),
        "least probable": (_least_probable, "You take the smallest logit."),
        "one too many": (_one_too_many, "You wrote one token too many."),
    },
    probes=[(_step, 2, 1, 5), (_step, 4, 6, 7)],
    praise="One token in, one token out, and a state of fixed size: no past is read "
    "twice.",
)
