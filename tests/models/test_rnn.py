"""Recurrent language models are causal, carry a state, and say what they refuse."""

import pytest
import torch
from torch.nn import functional as F

from llm_notes.models.layers.mask import padding_mask
from llm_notes.models.layers.recurrent import detach
from llm_notes.models.rnn import CELLS, PRESETS, RNNConfig, RNNLanguageModel
from llm_notes.parity.case import randomise
from llm_notes.runtime import count_parameters
from llm_notes.training.evaluation import token_nats

V, D, H, L = 17, 5, 7, 2
B, T = 3, 8


def make(cell: str = "lstm", **options) -> RNNLanguageModel:
    torch.manual_seed(0)
    model = RNNLanguageModel(RNNConfig(V, D, H, L, cell, **options)).eval()
    randomise(model)
    return model


@pytest.fixture(params=CELLS)
def model(request) -> RNNLanguageModel:
    return make(request.param)


@pytest.fixture
def token_ids() -> torch.Tensor:
    return torch.randint(V, (B, T), generator=torch.Generator().manual_seed(1))


def assert_equal(ours, theirs):
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_future_tokens_do_not_change_past_logits(model, token_ids):
    changed = token_ids.clone()
    changed[:, 5] = (changed[:, 5] + 1) % V
    before, after = model(token_ids), model(changed)
    assert before[:, :5].equal(after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])


def test_sequences_of_a_batch_do_not_see_each_other(model, token_ids):
    assert_equal(model(token_ids)[1:2], model(token_ids[1:2]))


def test_windows_with_the_state_carried_equal_the_whole_text(model, token_ids):
    whole, last = model(token_ids, return_state=True)
    state, parts = None, []
    for window in token_ids.split([3, 1, 4], dim=1):
        logits, state = model(window, state, return_state=True)
        parts.append(logits)
    assert_equal(torch.cat(parts, dim=1), whole)
    assert_equal(state, last)


def test_a_window_without_the_state_has_forgotten_the_text_before(model, token_ids):
    _, state = model(token_ids[:, :4], return_state=True)
    carried, fresh = model(token_ids[:, 4:], state), model(token_ids[:, 4:])
    assert not torch.allclose(carried, fresh)


def test_training_continues_over_windows_when_the_state_is_detached(model, token_ids):
    state = None
    for window in token_ids.split(4, dim=1):
        logits, state = model(window, state, return_state=True)
        logits.logsumexp(-1).sum().backward()
        state = detach(state)  # without: "backward through the graph a second time"
    assert not any(tensor.requires_grad for tensor in state)


@pytest.mark.parametrize("left", [False, True])
def test_padding_changes_nothing(model, token_ids, left):
    lengths = torch.tensor([T, 3, 1])
    mask = padding_mask(lengths, T, left=left)
    logits, state = model(token_ids, mask=mask, return_state=True)
    for row in range(B):
        is_real = mask[row, 0, 0]
        alone, alone_state = model(token_ids[row, is_real][None], return_state=True)
        assert_equal(logits[row, is_real], alone[0])
        assert_equal(tuple(s[:, row : row + 1] for s in state), alone_state)


@pytest.mark.parametrize("cell", CELLS)
def test_state_has_one_row_for_each_layer_and_sequence(cell, token_ids):
    _, state = make(cell)(token_ids, return_state=True)
    n_tensors = {"rnn": 1, "gru": 1, "lstm": 2}[cell]
    assert [tensor.shape for tensor in state] == [(L, B, H)] * n_tensors


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("d_hidden", [None, H])
@pytest.mark.parametrize("cell", CELLS)
def test_parameter_count_by_formula_equals_the_model(cell, d_hidden, tied):
    config = RNNConfig(V, D, d_hidden, 3, cell, tied=tied)
    assert RNNLanguageModel.parameter_count(config) == count_parameters(
        RNNLanguageModel(config)
    )


@pytest.mark.parametrize(
    # As Merity et al. 2018 list them in their table 1.
    ("preset", "millions"),
    [("zaremba-medium", 20), ("zaremba-large", 66)],
)
def test_presets_have_the_published_sizes(preset, millions):
    count = RNNLanguageModel.parameter_count(PRESETS[preset])
    assert round(count / 1e6) == millions


def test_tied_logits_use_the_table_of_the_first_layer(token_ids):
    torch.manual_seed(0)
    model = RNNLanguageModel(RNNConfig(V, D, tied=True))
    x = model.token_embedding(token_ids)
    h, _ = model.recurrent(x)
    assert_equal(model(token_ids), h @ model.token_embedding.weight.T)


def test_tied_logits_pass_a_projection_when_widths_differ(token_ids):
    model = make("gru", tied=True)
    h, _ = model.recurrent(model.token_embedding(token_ids))
    projected = h @ model.tied_proj.weight.T
    assert_equal(model(token_ids), projected @ model.token_embedding.weight.T)


def test_forget_bias_reaches_every_layer():
    model = RNNLanguageModel(RNNConfig(V, D, H, 3, "lstm", forget_bias=2.5))
    for cell in model.recurrent.cells:
        forget = (cell.x_proj.bias + cell.h_proj.bias).chunk(4)[1]
        assert_equal(forget, torch.full((H,), 2.5))


def test_dropout_reaches_token_vectors_and_outputs_in_training_only(token_ids):
    torch.manual_seed(0)
    model = RNNLanguageModel(RNNConfig(V, D, H, dropout=0.5))
    assert model.eval()(token_ids).equal(model(token_ids))
    seen = {}
    for name in ("recurrent", "output_proj"):
        getattr(model, name).register_forward_pre_hook(
            lambda module, inputs, name=name: seen.update({name: inputs[0]})
        )
    model.train()(token_ids)
    for dropped in seen.values():
        assert 0.2 < dropped.eq(0).float().mean() < 0.8


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("tied", [False, True])
def test_fresh_model_predicts_close_to_uniform(cell, tied, token_ids):
    torch.manual_seed(0)
    model = RNNLanguageModel(RNNConfig(V, 32, cell=cell, tied=tied))
    loss = F.cross_entropy(model(token_ids).flatten(0, 1), token_ids.flatten())
    assert loss.item() == pytest.approx(torch.tensor(V).log().item(), abs=0.4)


def test_token_vectors_start_with_the_chosen_deviation():
    torch.manual_seed(0)
    table = RNNLanguageModel(RNNConfig(200, 50, init_std=0.3)).token_embedding.weight
    assert table.std().item() == pytest.approx(0.3, rel=0.05)


def test_evaluation_takes_it_as_any_causal_model(model, token_ids):
    text = token_ids.flatten()
    log_p = model(text[None, :-1])[0].log_softmax(-1)
    expected = -log_p.gather(1, text[1:, None])[:, 0]
    assert_equal(token_nats(model, text, context_length=len(text)), expected.detach())


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (torch.zeros(3, dtype=torch.long), r"shape \(3,\)"),
        (torch.zeros(1, 3), "float32"),
        (torch.zeros(1, 0, dtype=torch.long), r"at least one .* \(1, 0\)"),
        (torch.tensor([[V]]), f"vocab_size - 1 = {V - 1}.*tokenizer"),
        (torch.tensor([[-1]]), "got -1"),
    ],
)
def test_bad_token_ids_are_refused(model, ids, message):
    with pytest.raises(ValueError, match=message):
        model(ids)


def test_a_state_of_another_batch_is_refused(model, token_ids):
    _, state = model(token_ids, return_state=True)
    with pytest.raises(ValueError, match=r"\(2, 2, 7\).*got .*\(2, 3, 7\)"):
        model(token_ids[:2], state)


def test_a_mask_of_another_shape_is_refused(model, token_ids):
    with pytest.raises(ValueError, match=r"\(3, 1, 1, 8\).*got \(3, 1, 1, 9\)"):
        model(token_ids, mask=padding_mask(torch.tensor([1, 2, 3]), T + 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d_hidden": 0}, "d_hidden must be at least 1, got 0"),
        ({"n_layers": 0}, "n_layers must be at least 1, got 0"),
        ({"cell": "elman"}, "one of rnn, lstm, gru, got elman"),
        ({"cell": "gru", "forget_bias": 1.0}, "forget_bias = 1.0 .* cell is gru"),
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\)"),
        ({"dropout": -0.1}, r"dropout must lie in \[0, 1\)"),
    ],
)
def test_impossible_configurations_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        RNNConfig(**({"vocab_size": V, "d_model": D} | change))
