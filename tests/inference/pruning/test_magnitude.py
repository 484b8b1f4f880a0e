"""Masks equal PyTorch's, have exact counts, and are kept in forms that lose nothing."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn
from torch.nn.utils import prune as torch_prune

from llm_notes.inference.pruning import (
    bitmask_form,
    keep_largest,
    magnitude_masks,
    prune,
    sparsity,
    stored_bytes,
    two_of_four,
    two_of_four_form,
)
from llm_notes.inference.quantization import (
    FORMATS,
    compression_report,
    quantize_model,
)
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.training.lora import add_lora

O, I = 5, 12  # noqa: E741 - the letters of outputs and inputs


@pytest.fixture
def weight() -> torch.Tensor:
    return torch.randn(O, I, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def gpt() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(19, 10, 2, 2, 8, init_std=0.3)).eval()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.77, 1.0])
def test_the_share_of_one_matrix_equals_torch(weight, share):
    linear = nn.Linear(I, O)
    linear.weight.data = weight
    torch_prune.l1_unstructured(linear, "weight", amount=share)
    mask = keep_largest(weight, share)
    assert mask.equal(linear.weight_mask.bool())
    assert int((~mask).sum()) == round(share * O * I)


def test_the_share_of_a_whole_model_equals_torch(gpt):
    masks = magnitude_masks(gpt, 0.4, scope="global")
    linear = {n: m for n, m in gpt.named_modules() if isinstance(m, nn.Linear)}
    torch_prune.global_unstructured(
        [(module, "weight") for module in linear.values()],
        pruning_method=torch_prune.L1Unstructured,
        amount=0.4,
    )
    assert masks.keys() == linear.keys()
    for name, module in linear.items():
        assert masks[name].equal(module.weight_mask.bool())
    shares = {mask.float().mean().item() for mask in masks.values()}
    assert len(shares) > 1  # some layers lose more than others


def test_two_of_four_equals_torch(weight):
    from torch.ao.pruning import WeightNormSparsifier

    model = nn.Sequential(nn.Linear(I, O))
    model[0].weight.data = weight
    sparsifier = WeightNormSparsifier(1.0, sparse_block_shape=(1, 4), zeros_per_block=2)
    sparsifier.prepare(model, [{"tensor_fqn": "0.weight"}])
    sparsifier.step()
    expected = model[0].parametrizations["weight"][0].mask.bool()
    assert two_of_four(weight).equal(expected)


@given(arrays(np.float32, (3, 8), elements=st.sampled_from([-2.0, 0.0, 1.0, 2.0])))
def test_exactly_two_of_four_stay_and_none_that_goes_is_larger(values):
    weight = torch.from_numpy(values)
    mask = two_of_four(weight)
    groups, kept = weight.abs().unflatten(1, (-1, 4)), mask.unflatten(1, (-1, 4))
    assert (kept.sum(dim=-1) == 2).all()
    smallest = groups.masked_fill(~kept, torch.inf).amin(dim=-1)
    largest = groups.masked_fill(kept, 0).amax(dim=-1)
    assert (smallest >= largest).all()


def test_of_equal_weights_the_first_go():
    assert keep_largest(torch.ones(4), 0.5).tolist() == [False, False, True, True]


def test_a_pruned_model_has_zeros_and_the_other_weights(gpt):
    for scope, share in (("layer", 0.25), ("global", 0.6), ("2:4", None)):
        masks = magnitude_masks(gpt, share, scope)
        pruned = prune(gpt, masks)
        for name, mask in masks.items():
            before = gpt.get_submodule(name).weight
            after = pruned.get_submodule(name).weight
            assert after.equal(before * mask)
            assert (before != 0).all()  # the model that was given stays whole
        assert sparsity(pruned) == pytest.approx(share or 0.5, abs=2e-3)
        assert compression_report(gpt, pruned).max_error > 0
    assert sparsity(gpt) == 0


def test_weights_that_are_not_stored_as_they_are_cannot_be_pruned(gpt):
    masks = magnitude_masks(gpt, 0.5)
    adapted = copy.deepcopy(gpt)
    add_lora(adapted, 2, 4.0, pattern="q_proj")
    for model in (quantize_model(gpt, FORMATS["int8"]), adapted):
        with pytest.raises(ValueError, match="prune the plain model"):
            prune(model, masks)


def test_what_is_skipped_stays_whole():
    torch.manual_seed(0)
    config = LlamaConfig(19, 10, 1, 2, 1, 8, 12, n_experts=3, n_active_experts=2)
    masks = magnitude_masks(Llama(config), 0.5, skip=("router", "head"))
    assert not any(name.endswith(("router", "head")) for name in masks)
    assert "blocks.0.feed_forward.experts.2.up_proj" in masks


@settings(deadline=None)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.sampled_from([4, 8, 12])),
        elements=st.floats(-4, 4, width=32),
    )
)
def test_compact_forms_lose_nothing(values):
    weight = torch.from_numpy(values)
    assert bitmask_form(weight).dense().equal(weight)
    thinned = weight * two_of_four(weight)
    assert two_of_four_form(thinned).dense().equal(thinned)


def test_bytes_are_those_of_the_forms(weight):
    mask = keep_largest(weight, 0.5)
    n_bits = -(-O * I // 8)
    found = stored_bytes(weight * mask)
    assert found == {
        "dense": 4 * O * I,
        "bitmask": n_bits + 4 * O * I // 2,
        "2:4": None,
    }
    # Four bits for each group of four: three groups take two bytes in each row.
    found = stored_bytes(weight * two_of_four(weight))
    assert found["2:4"] == 4 * O * I // 2 + 2 * O


def test_the_place_of_a_weight_is_written_from_the_lowest_bit():
    weight = torch.tensor([[0, 5, 0, 0, 0, 0, 0, 0, 7.0, 0, 0, 0]])
    assert bitmask_form(weight).bits.tolist() == [2, 1]
    form = two_of_four_form(torch.tensor([[0, 5, 0, 6.0, 7, 8, 0, 0]]))
    assert form.values.tolist() == [[5, 6, 7, 8]]
    assert form.places.tolist() == [[0b0100_1101]]  # places 0 and 1 above 1 and 3
    # A single weight is joined by a zero, and the two stand in their order.
    form = two_of_four_form(torch.tensor([[0, 0, 0, 5.0]]))
    assert form.values.tolist() == [[0, 5]]
    assert form.places.tolist() == [[0b1100]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: keep_largest(torch.ones(3), 1.5), r"must lie in \[0, 1\], got 1.5"),
        (
            lambda m: two_of_four(torch.ones(2, 6)),
            r"got shape \(2, 6\)",
        ),
        (lambda m: two_of_four_form(torch.ones(2, 6)), "does not divide the 6 columns"),
        (
            lambda m: two_of_four_form(torch.tensor([[0, 1.0, 1, 1]])),
            "more than two weights",
        ),
        (lambda m: magnitude_masks(m, 0.5, "row"), "'layer', 'global' or '2:4'"),
        (lambda m: magnitude_masks(m, 0.5, "2:4"), "2:4 removes a half"),
        (lambda m: magnitude_masks(m), "any other scope needs one"),
        (lambda m: magnitude_masks(m.final_norm, 0.5), "no linear layer to prune"),
        (
            lambda m: prune(m, {"blocks.0.attention.q_proj": torch.ones(3, 3)}),
            r"weight of shape \(8, 8\) and a mask of shape \(3, 3\)",
        ),
    ],
)
def test_what_cannot_be_pruned_is_refused(gpt, call, message):
    with pytest.raises(ValueError, match=message):
        call(gpt)
