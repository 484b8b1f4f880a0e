"""The exercises of the chapter on the Transformer agree with the package."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from llm_notes.checks import transformer as check
from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.block import PreNormBlock
from llm_notes.models.layers.feedforward import FeedForward
from llm_notes.models.layers.position import SinusoidalPosition
from llm_notes.models.transformer import PRESETS, Transformer
from llm_notes.runtime import count_parameters


def test_the_count_is_that_of_a_living_decoder_block():
    with torch.device("meta"):
        model = Transformer(PRESETS["transformer-base"])
    assert check.decoder_block(count_parameters(model.decoder[0])).is_right


def test_the_packages_block_solves_the_exercise():
    def block(x, norm, attend, feed_forward):
        class Attend(torch.nn.Module):
            def forward(self, x, **_):
                return torch.tensor(attend(x.numpy())), None

        def as_layer(f):
            layer = torch.nn.Identity()
            layer.forward = lambda x: torch.tensor(f(x.numpy()))
            return layer

        parts = Attend(), as_layer(feed_forward), as_layer(norm), as_layer(norm)
        return PreNormBlock(*parts)(torch.tensor(x))[0]

    assert check.pre_norm_block(block).is_right


def test_the_packages_sinusoids_solve_the_exercise():
    def table(length, width):
        return SinusoidalPosition(length, width).table

    assert check.sinusoids(table).is_right


def test_the_table_costs_what_the_feed_forward_layer_does_at_the_length_asked_for():
    width = 8
    length = check.longer_than.solution * width // 512

    def flops(layer, **options):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            layer(torch.randn(1, length, width), **options)
        return counter.get_total_flops()

    attention = MultiHeadAttention(width, 2)
    table = flops(attention, return_weights=True) - 8 * length * width**2
    assert table == flops(FeedForward(width, 4 * width))
