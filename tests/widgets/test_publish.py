"""What a notebook publishes is what MyST-NB's own `glue` would write."""

import nbformat
from nbclient import NotebookClient

CELLS = [
    """
from llm_notes.widgets.question import question
from llm_notes.widgets.publish import publish
widget = question("One?", {"yes": "because", "no": "not so"}, "yes")
publish("asked", widget)
""",
    """
from myst_nb import glue
glue("asked", widget, display=False)
""",
]


def test_it_writes_what_glue_writes(tmp_path):
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, kernel_name="python3", resources=resources).execute()
    ours, theirs = (cell.outputs[-1] for cell in notebook.cells)
    assert ours.output_type == theirs.output_type == "display_data"
    assert ours.metadata == theirs.metadata
    html = "application/papermill.record/text/html"
    assert ours.data[html] == theirs.data[html]
    assert set(ours.data) == {html}  # nothing that a notebook shows
