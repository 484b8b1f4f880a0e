"""NPLM is Bengio's network, looks back at n - 1 words, and refuses bad ids."""

import pytest
import torch

from llm_notes.models.nplm import NPLM, PRESETS, NPLMConfig
from llm_notes.parity import word_vectors
from llm_notes.parity.case import randomise
from llm_notes.runtime import count_parameters

V, CONTEXT, D, H = 11, 3, 4, 6
B, T = 2, 8


@pytest.fixture(params=[False, True], ids=["hidden only", "direct"])
def model(request) -> NPLM:
    torch.manual_seed(0)
    model = NPLM(NPLMConfig(V, CONTEXT, D, H, direct=request.param))
    randomise(model, std=0.3)
    return model


@pytest.fixture
def token_ids() -> torch.Tensor:
    return torch.randint(V, (B, T), generator=torch.Generator().manual_seed(1))


def test_logits_and_gradients_equal_those_of_the_formula():
    parity = word_vectors.nplm()
    assert parity.output_error <= 1e-5
    assert parity.gradient_error <= 1e-5


def test_logits_equal_those_of_one_window_after_the_other(model, token_ids):
    logits = model(token_ids)
    assert logits.shape == (B, T, V)
    for t in range(T):
        words = model.token_embedding(token_ids[:, max(0, t - CONTEXT + 1) : t + 1])
        x = words.flatten(1)
        x = torch.cat([torch.zeros(B, CONTEXT * D - x.size(1)), x], dim=1)
        expected = model.output_proj(torch.tanh(model.hidden_proj(x)))
        if model.direct_proj is not None:
            expected = expected + model.direct_proj(x)
        torch.testing.assert_close(logits[:, t], expected, atol=1e-5, rtol=0)


def test_gradients_equal_finite_differences(model, token_ids):
    model = model.double()
    parameters = dict(model.named_parameters())

    def logits(*values):
        named = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(model, named, token_ids[:1, :4])

    values = tuple(p.detach().requires_grad_() for p in parameters.values())
    assert torch.autograd.gradcheck(logits, values, atol=1e-7, rtol=1e-5)


def test_a_word_reaches_the_next_predictions_and_no_others(model, token_ids):
    changed = token_ids.clone()
    changed[:, 3] = (changed[:, 3] + 1) % V
    moved = (model(token_ids) - model(changed)).abs().amax(dim=(0, 2)) > 1e-6
    assert moved.tolist() == [3 <= t < 3 + CONTEXT for t in range(T)]


def test_the_last_words_alone_decide(model, token_ids):
    whole = model(token_ids)[:, -1]
    torch.testing.assert_close(model(token_ids[:, -CONTEXT:])[:, -1], whole)


def test_the_order_of_words_matters(model, token_ids):
    swapped = token_ids[:, [1, 0, 2]]
    assert not torch.allclose(model(swapped)[:, 2], model(token_ids[:, :3])[:, 2])


def test_weights_start_with_the_deviation_that_is_asked_for():
    torch.manual_seed(0)
    model = NPLM(NPLMConfig(300, 4, 20, 50, direct=True, init_std=0.07))
    for name, parameter in model.named_parameters():
        expected = 0 if name.endswith("bias") else 0.07
        assert float(parameter.detach().std()) == pytest.approx(expected, rel=0.05), (
            name
        )


def test_the_parameter_count_is_that_of_the_model_and_of_the_paper(model):
    assert NPLM.parameter_count(model.config) == count_parameters(model)
    for config in PRESETS.values():
        n, m, h = config.context_length + 1, config.d_model, config.d_hidden
        papers = config.vocab_size * (1 + n * m + h) + h * (1 + (n - 1) * m)
        if not config.direct:  # the paper's formula counts the direct connections
            papers -= config.vocab_size * (n - 1) * m
        assert NPLM.parameter_count(config) == papers


@pytest.mark.parametrize(
    "name", ["vocab_size", "context_length", "d_model", "d_hidden"]
)
def test_sizes_below_one_are_refused(name):
    sizes = {"vocab_size": V, "context_length": CONTEXT, "d_model": D, "d_hidden": H}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        NPLMConfig(**sizes | {name: 0})


def test_bad_ids_are_refused(model, token_ids):
    with pytest.raises(ValueError, match=r"vocab_size - 1 = 10, got 0 to 11"):
        model(torch.tensor([[0, 11]]))
    with pytest.raises(ValueError, match=r"shape \(8,\)"):
        model(token_ids[0])
    with pytest.raises(ValueError, match="float32"):
        model(token_ids.float())
    with pytest.raises(ValueError, match="at least one token"):
        model(token_ids[:, :0])
