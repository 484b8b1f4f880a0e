"""What the answers of the chapter on likelihood have to be, from other sources."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from llm_notes import metrics
from llm_notes.checks import likelihood as check


def test_the_reports_are_in_the_units_of_the_package():
    by_package = metrics.bits_per_byte(3.0, 4.2), metrics.bits_per_byte(2.2, 2.8)
    assert check.two_reports.solution == pytest.approx(by_package)


def test_a_report_may_be_rounded():
    assert check.two_reports((1.03, 1.13)).is_right
    assert not check.two_reports((1.0, 1.1)).is_right


def test_log_softmax_is_that_of_torch():
    for (z,) in check.log_softmax.probes:
        expected = torch.log_softmax(z.double(), dim=-1).float()
        found = check.log_softmax.solution(z)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert check.log_softmax(torch.nn.LogSoftmax(dim=-1)).is_right


def test_the_mean_of_perplexities_exceeds_that_of_the_whole():
    for nats, size in check.two_perplexities.probes:
        assert len(nats) % size == 0  # else the whole would be open to debate
        blocks = [nats[i : i + size] for i in range(0, len(nats), size)]
        mean = np.mean([metrics.perplexity(block.mean()) for block in blocks])
        found = check.two_perplexities.solution(nats, size)
        assert found == pytest.approx((mean, metrics.perplexity(nats.mean())))
        assert found[0] > found[1]
