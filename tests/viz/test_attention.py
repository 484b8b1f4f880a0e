import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from llm_notes.viz import figure_svg, plot_attention, plot_attention_heads

TOKENS = ["The", " cat", "$x$_1", "\n"]
WEIGHTS = np.random.default_rng(0).dirichlet(np.ones(4), size=4)
CAUSAL = np.tril(np.ones((4, 4), bool))


def labels(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def test_rows_are_queries_and_columns_are_keys():
    ax = plot_attention(WEIGHTS[:, :3], TOKENS, ["a", "b", "c"])
    assert labels(ax.yaxis) == ["The", "␣cat", "$x$_1", "↵"]
    assert labels(ax.xaxis) == ["a", "b", "c"]
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("query", "key")
    assert ax.images[0].get_array().data == pytest.approx(WEIGHTS[:, :3])


def test_dollar_signs_in_tokens_start_no_formula():
    ax = plot_attention(WEIGHTS, TOKENS)
    assert not any(text.get_parse_math() for text in ax.get_yticklabels())
    assert "$x$_1" in figure_svg(ax.figure)


def test_torch_tensors_are_accepted():
    ax = plot_attention(torch.tensor(WEIGHTS), TOKENS, mask=torch.tensor(CAUSAL))
    assert ax.images[0].get_array().filled(0) == pytest.approx(WEIGHTS * CAUSAL)


def test_masked_cells_do_not_look_like_a_weight_of_zero():
    weights = np.where(CAUSAL, WEIGHTS, 0.0)
    weights[2, 0] = 0.0
    ax = plot_attention(weights, TOKENS, mask=CAUSAL)
    shades = ax.images[0].to_rgba(ax.images[0].get_array())
    assert shades[2, 0].tolist() == [1, 1, 1, 1]
    assert shades[0, 2, :3].max() < 0.9
    (strokes,) = ax.get_lines()
    assert np.isfinite(strokes.get_xdata()).sum() == 2 * (~CAUSAL).sum()


def test_values_are_printed_in_the_cells_that_may_be_seen():
    ax = plot_attention(WEIGHTS, TOKENS, mask=CAUSAL, show_values=True)
    printed = [text.get_text() for text in ax.texts]
    assert printed == [f"{w:.2f}".removeprefix("0") for w in WEIGHTS[CAUSAL]]


def test_the_colour_bar_is_optional():
    assert len(plot_attention(WEIGHTS, TOKENS).figure.axes) == 1
    assert len(plot_attention(WEIGHTS, TOKENS, colour_bar=True).figure.axes) == 2


def test_every_head_has_its_map_and_label():
    weights = np.stack([WEIGHTS, WEIGHTS[::-1], WEIGHTS.T, WEIGHTS, WEIGHTS * 0])
    figure = plot_attention_heads(weights, TOKENS, n_columns=2)
    shown = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in shown] == [f"head {i}" for i in range(5)]
    assert shown[1].images[0].get_array().data == pytest.approx(WEIGHTS[::-1])
    assert labels(shown[4].xaxis) == labels(shown[0].yaxis)
    assert set(labels(shown[1].yaxis)) <= {""}


@pytest.mark.parametrize(
    ("weights", "rows", "columns", "mask", "message"),
    [
        (WEIGHTS[0], TOKENS, TOKENS, None, r"\(T, S\), got \(4,\)"),
        (WEIGHTS[:3], TOKENS, TOKENS, None, "3 queries by 4 keys.*4 row tokens"),
        (WEIGHTS, TOKENS, TOKENS[:2], None, "4 keys.*2 column tokens"),
        (WEIGHTS, TOKENS, TOKENS, CAUSAL[:2], r"\(4, 4\), got \(2, 4\)"),
        (WEIGHTS[:0], [], TOKENS, None, r"got \(0, 4\)"),
    ],
)
def test_shapes_that_do_not_agree_are_refused(weights, rows, columns, mask, message):
    with pytest.raises(ValueError, match=message):
        plot_attention(weights, rows, columns, mask=mask)


def test_heads_need_three_axes_and_one_label_each():
    with pytest.raises(ValueError, match=r"\(H, T, S\), got \(4, 4\)"):
        plot_attention_heads(WEIGHTS, TOKENS)
    with pytest.raises(ValueError, match="1 heads but 2 head labels"):
        plot_attention_heads(WEIGHTS[None], TOKENS, head_labels=["a", "b"])


def test_given_axes_leave_pyplot_alone():
    mine, ax = plt.subplots()
    current = plt.figure()
    plot_attention(WEIGHTS, TOKENS, colour_bar=True, ax=ax)
    assert plt.gcf() is current
    assert plt.get_fignums() == [mine.number, current.number]
