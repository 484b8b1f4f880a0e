import matplotlib as mpl
import pytest

mpl.use("agg")


@pytest.fixture(autouse=True)
def styled_and_closed():
    """Draw in the style of the book; leave no setting and no figure behind."""
    import matplotlib.pyplot as plt

    from llm_notes.viz import use_style

    with mpl.rc_context():
        use_style()
        yield
        plt.close("all")
