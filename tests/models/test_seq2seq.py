"""The recurrent encoder-decoder: steps, padding, alignment, and what it refuses."""

import pytest
import torch

from llm_notes.models.layers.mask import padding_mask
from llm_notes.models.seq2seq import PRESETS, Seq2Seq, Seq2SeqConfig
from llm_notes.parity.case import randomise
from llm_notes.runtime import count_parameters

V_SOURCE, V_TARGET, D, H = 13, 11, 4, 5
B, S, T = 3, 9, 8


def make(**options) -> Seq2Seq:
    torch.manual_seed(0)
    config = Seq2SeqConfig(V_SOURCE, V_TARGET, D, H, d_attention=6, **options)
    model = Seq2Seq(config).eval()
    randomise(model, std=0.3)
    return model


@pytest.fixture(params=[True, False], ids=["attention", "bottleneck"])
def model(request) -> Seq2Seq:
    return make(attention=request.param)


@pytest.fixture
def source_ids() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(V_SOURCE, (B, S), generator=generator)


@pytest.fixture
def target_ids() -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(V_TARGET, (B, T), generator=generator)


def assert_equal(ours, theirs):
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_steps_equal_teacher_forcing(model, source_ids, target_ids):
    mask = padding_mask(torch.tensor([9, 4, 6]), S)
    state = model.encode(source_ids, mask)
    steps = []
    for token_ids in target_ids.unbind(dim=1):
        logits, state = model.step(token_ids, state)
        steps.append(logits)
    assert_equal(torch.stack(steps, dim=1), model(source_ids, target_ids, mask))


def test_states_keep_where_each_step_looked(source_ids, target_ids):
    model = make()
    _, weights = model(source_ids, target_ids, return_weights=True)
    state = model.encode(source_ids)
    assert state.weights is None
    for t in range(T):
        _, state = model.step(target_ids[:, t], state)
        assert_equal(state.weights, weights[:, t])


@pytest.mark.parametrize("left", [False, True])
def test_padding_in_the_source_changes_nothing(model, source_ids, target_ids, left):
    mask = padding_mask(torch.tensor([S, 4, 1]), S, left=left)
    logits = model(source_ids, target_ids, mask)
    for row in range(B):
        real = source_ids[row, mask[row, 0, 0]]
        assert_equal(logits[row], model(real[None], target_ids[row][None])[0])


def test_alignment_rows_sum_to_one_over_real_positions(source_ids, target_ids):
    mask = padding_mask(torch.tensor([9, 4, 6]), S)
    _, weights = make()(source_ids, target_ids, mask, return_weights=True)
    assert weights.shape == (B, T, S)
    assert_equal(weights.sum(-1), torch.ones(B, T))
    assert weights[~mask[:, 0].expand(B, T, S)].eq(0).all()


def test_future_target_tokens_do_not_change_past_logits(model, source_ids, target_ids):
    changed = target_ids.clone()
    changed[:, 5] = (changed[:, 5] + 1) % V_TARGET
    before, after = model(source_ids, target_ids), model(source_ids, changed)
    assert_equal(before[:, :5], after[:, :5])
    assert (before[:, 5:] - after[:, 5:]).abs().amax(dim=(1, 2)).min() > 1e-3


@pytest.mark.parametrize("place", [0, S // 2, S - 1])
def test_every_source_token_reaches_the_first_logits(
    model, source_ids, target_ids, place
):
    changed = source_ids.clone()
    changed[:, place] = (changed[:, place] + 1) % V_SOURCE
    before, after = model(source_ids, target_ids), model(changed, target_ids)
    assert (before[:, 0] - after[:, 0]).abs().amax(dim=1).min() > 1e-5


def test_without_attention_each_step_gets_the_same_summary(source_ids, target_ids):
    model = make(attention=False)
    state = model.encode(source_ids)
    summary = state.memory[:, 0]
    assert state.memory.shape == (B, 1, 2 * H)
    for token_ids in target_ids.unbind(dim=1):
        _, state = model.step(token_ids, state)
        assert state.context.equal(summary)


def test_with_attention_each_step_gets_another_context(source_ids, target_ids):
    model = make()
    _, first = model.step(target_ids[:, 0], model.encode(source_ids))
    _, second = model.step(target_ids[:, 1], first)
    assert not torch.allclose(first.context, second.context, atol=1e-5)


def test_selected_rows_continue_as_if_they_were_the_batch(
    model, source_ids, target_ids
):
    rows = torch.tensor([2, 0, 0, 1])
    mask = padding_mask(torch.tensor([9, 4, 6]), S)
    _, state = model.step(target_ids[:, 0], model.encode(source_ids, mask))
    logits, _ = model.step(target_ids[rows, 1], state.select(rows))
    expected = model(source_ids, target_ids, mask)[rows, 1]
    assert_equal(logits, expected)


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("d_readout", [None, 7])
def test_parameter_count_by_formula_equals_the_model(attention, d_readout):
    config = Seq2SeqConfig(
        V_SOURCE, V_TARGET, D, H, attention=attention, d_readout=d_readout
    )
    assert Seq2Seq.parameter_count(config) == count_parameters(Seq2Seq(config))


def test_the_papers_sizes_follow_from_the_width_of_the_state():
    # Bahdanau et al. 2015, appendix A.2.3: n = 1000, m = 620, n' = 1000, l = 500.
    config = PRESETS["rnnsearch"]
    assert (config.d_hidden, config.d_model) == (1000, 620)
    assert (config.d_attention, config.d_readout) == (1000, 500)


def test_token_vectors_of_both_sides_start_with_the_chosen_deviation():
    torch.manual_seed(0)
    model = Seq2Seq(Seq2SeqConfig(200, 300, 50, H, init_std=0.3))
    for table in (model.source_embedding, model.target_embedding):
        assert table.weight.std().item() == pytest.approx(0.3, rel=0.05)


def test_dropout_acts_in_training_only(source_ids, target_ids):
    model = make(dropout=0.5)
    assert_equal(model(source_ids, target_ids), make()(source_ids, target_ids))
    inputs = {}
    for name in ("encoder", "decoder", "output_proj"):
        getattr(model, name).register_forward_pre_hook(
            lambda module, arguments, name=name: inputs.update({name: arguments[0]})
        )
    model.train()(source_ids, target_ids)
    inputs["decoder"] = inputs["decoder"][:, :D]  # the token's vector
    for dropped in inputs.values():
        assert dropped.eq(0).any()
        assert dropped.ne(0).any()


def test_a_model_without_attention_has_no_weights_to_return(source_ids, target_ids):
    with pytest.raises(ValueError, match="attention is False"):
        make(attention=False)(source_ids, target_ids, return_weights=True)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (torch.tensor([[V_SOURCE]]), None, "source_ids .* 12, got 13"),
        (torch.tensor([[-1]]), None, "source_ids .* got -1"),
        (torch.tensor([3]), None, r"source_ids .* \(1,\)"),
        (torch.zeros(1, 0, dtype=torch.long), None, "source_ids .* at least one"),
        (None, torch.tensor([[V_TARGET]]), "target_ids .* 10, got 11"),
        (None, torch.zeros(1, 2), "target_ids .*float32"),
        (None, torch.zeros(2, 3, dtype=torch.long), "1 sources but 2 targets"),
    ],
)
def test_bad_ids_are_refused(model, source, target, message):
    some = torch.zeros(1, 3, dtype=torch.long)
    with pytest.raises(ValueError, match=message):
        model(some if source is None else source, some if target is None else target)


def test_masks_that_do_not_fit_are_refused(model, source_ids):
    with pytest.raises(ValueError, match=r"\(3, 1, 1, 9\) .* got \(3, 9\)"):
        model.encode(source_ids, torch.ones(B, S, dtype=torch.bool))
    mask = padding_mask(torch.tensor([9, 4, 6]), S)
    mask[1] = False
    with pytest.raises(ValueError, match="none in 1 of 3"):
        model.encode(source_ids, mask)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d_hidden": 0}, "d_hidden must be at least 1, got 0"),
        ({"d_readout": 0}, "d_readout must be at least 1, got 0"),
        ({"target_vocab_size": 0}, "target_vocab_size must be at least 1, got 0"),
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\)"),
    ],
)
def test_impossible_sizes_are_refused(change, message):
    sizes = {"source_vocab_size": 3, "target_vocab_size": 4, "d_model": 5}
    with pytest.raises(ValueError, match=message):
        Seq2SeqConfig(**(sizes | {"d_hidden": 6} | change))
