"""One display is redrawn in Jupyter; elsewhere nothing is drawn."""

import sys
import types

import matplotlib.pyplot as plt
import pytest

from llm_notes.viz.live import LiveFigure


@pytest.fixture
def jupyter(monkeypatch):
    """A shell with a kernel, that notes what is displayed."""
    plt.close(plt.figure())  # pyplot asks the shell when it draws for the first time
    log = []

    class Handle:
        def update(self, figure):
            log.append(("update", figure))

    def display(figure, display_id):
        log.append(("display", figure))
        return Handle()

    module = types.ModuleType("IPython")
    module.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    inner = types.ModuleType("IPython.display")
    inner.display = display
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    return log


def test_the_same_display_shows_every_drawing(jupyter):
    live = LiveFigure()
    live.show_training([3.0, 2.0])
    live.show_training([3.0, 2.0, 1.0], [0, 3], [3.1, 1.2], bytes_per_token=2.0)
    assert [kind for kind, _ in jupyter] == ["display", "update"]
    axes = jupyter[1][1].axes[0]
    drawn = [list(line.get_ydata()) for line in axes.lines]
    assert [3.0, 2.0, 1.0] in drawn and [3.1, 1.2] in drawn
    assert list(axes.lines[0].get_xdata()) == [1, 2, 3]
    assert plt.get_fignums() == []  # or the cell would show it again


def test_nothing_is_drawn_before_the_first_step_or_outside_jupyter(
    jupyter, monkeypatch
):
    live = LiveFigure()
    live.show_training([])
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: None)
    live.show_training([1.0])
    assert jupyter == []
