"""What the exercises on the mathematics of attention ask for is true."""

import torch

from llm_notes.analysis.attention_gradients import softmax_jacobian
from llm_notes.checks import attention_mathematics as check
from llm_notes.models.layers.online_attention import online_attention
from llm_notes.models.layers.rotary import RotaryPosition


def test_the_spread_of_scores_is_that_of_drawn_ones():
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(2, 200_000, 1, generator=generator)
    own = torch.randn(2, 200_000, 16, generator=generator)
    q, k = 0.5**0.5 * shared + 0.5**0.5 * own  # correlation 0.5, variance 1
    measured = ((q * k).sum(-1) / 4).std().item()
    assert abs(measured / check.score_spread.solution - 1) < 0.02


def test_an_answer_with_two_decimals_is_right():
    assert check.score_spread(round(check.score_spread.solution, 2)).is_right


def test_the_backward_of_a_softmax_is_its_jacobian_times_the_gradient():
    for p, g in check.softmax_backward.probes:
        wanted = (softmax_jacobian(p) @ g[..., None]).squeeze(-1)
        assert torch.allclose(check.softmax_backward.solution(p, g), wanted)


def test_merged_parts_are_the_softmax_over_all_keys():
    generator = torch.Generator().manual_seed(0)
    scores, values = torch.randn(2, 9, generator=generator, dtype=torch.float64)

    def part(keys):
        m = scores[keys].max()
        w = (scores[keys] - m).exp()
        return m, w.sum(), (w * values[keys]).sum()

    _, total, output = check.merge.solution(part(slice(0, 4)), part(slice(4, 9)))
    one = torch.ones(1, 1, dtype=torch.float64)
    wanted, _ = online_attention(one, scores[:, None], values[:, None])
    assert torch.allclose(output / total, wanted[0, 0])


def test_the_slowest_pair_of_a_rotation_turns_once():
    n = round(check.slowest_turn.solution)
    rotary = RotaryPosition(32, context_length=n + 1)
    assert rotary.cos[n, -1] > 0.999999
    assert rotary.cos[n // 2, -1] < -0.999999
