"""A check accepts what is right and names the mistake in what is wrong."""

import math
import re

import numpy as np
import pytest
import torch

from llm_notes.checks.check import NOT_DONE, function, value

softmax = function(
    lambda x: x.softmax(dim=-1),
    {
        "axis": (lambda x: x.softmax(dim=0), "you normalised the columns"),
        "no exp": (lambda x: x / x.sum(-1, keepdim=True), "the exponential is missing"),
    },
    probes=[(torch.tensor([[1.0, 2.0, 0.5], [0.1, 0.2, 0.3]]),)],
    praise="Rows sum to one.",
)
bits = value(
    3.0, {"nats": (3 * math.log(2), "these are nats"), "sign": (-3.0, "the sign")}
)


def by_hand(x):
    e = x.exp()
    return e / e.sum(dim=-1, keepdim=True)


def test_a_right_answer_of_another_form_passes():
    verdict = softmax(by_hand)
    assert verdict.is_right and "Rows sum to one" in repr(verdict)
    assert softmax(lambda x: by_hand(x).numpy()).is_right
    assert bits(np.float32(3.0)).is_right and bits(torch.tensor(3)).is_right


def test_a_typical_mistake_is_named():
    verdict = softmax(lambda x: torch.softmax(x, 0))
    assert not verdict.is_right and "columns" in verdict.message
    assert "nats" in bits(2.0794415).message


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, NOT_DONE),
        (lambda x: None, NOT_DONE),
        (lambda x: x[:, :2], r"shape is \(2, 2\)"),
        (lambda x: x.softmax(-1) + 0.25, r"largest difference .* is 0\.25"),
        (lambda x: 1 / 0, "stops with ZeroDivisionError"),
        (lambda x: "text", "another kind"),
        (7, "A function is asked for"),
    ],
)
def test_other_answers_are_told_what_is_seen(answer, message):
    verdict = softmax(answer)
    assert not verdict.is_right
    if message == NOT_DONE:
        assert verdict.message == message
    else:
        assert re.search(message, verdict.message)


def test_a_stub_that_is_not_implemented_is_not_done():
    def stub(x):
        raise NotImplementedError

    assert softmax(stub).message == NOT_DONE


def test_an_answer_may_change_its_arguments():
    def in_place(x):
        return x.exp_().div_(x.sum(dim=-1, keepdim=True))

    assert softmax(in_place).is_right
    assert softmax(by_hand).is_right  # the probes are as they were


def test_masks_may_hold_infinities_and_nan_is_never_right():
    mask = value(np.array([0.0, -np.inf]), {})
    assert mask(torch.tensor([0.0, -torch.inf])).is_right
    assert not mask([0.0, -1e9]).is_right
    assert not value(1.0, {})(float("nan")).is_right


def test_lists_of_ids_are_compared_as_they_are():
    ids = value([1, 2, 3], {"reversed": ([3, 2, 1], "from the other end")})
    assert ids([1, 2, 3]).is_right
    assert "other end" in ids([3, 2, 1]).message
    assert "shape" in ids([1, 2]).message


def test_text_is_escaped_on_the_page():
    html = value(1, {"x": (2, "<b>no</b>")})(2)._repr_html_()
    assert "&lt;b&gt;" in html and "<b>" not in html
