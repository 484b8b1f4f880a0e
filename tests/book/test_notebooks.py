"""The form notebooks are committed in."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from clean_notebooks import clean, clean_file
from notebook_plan import book_notebooks
from notebook_sources import cell_source, notebook_needs

ROOT = Path(__file__).resolve().parents[2]
NAMES = book_notebooks(ROOT)
TRAINS_THE_BOOK_GPT = "notebooks/4_code/04_gpt"


def code(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_each_part_of_the_book_has_a_notebook():
    parts = {name.split("/")[1] for name in NAMES}
    assert len(parts - {"appendix"}) == 5


def test_all_notebooks_are_in_the_book(notebooks):
    assert set(notebooks) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_notebook_is_valid_and_its_cells_have_ids(name, notebooks):
    nbformat.validate(nbformat.from_dict(notebooks[name]))
    ids = [cell["id"] for cell in notebooks[name]["cells"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", NAMES)
def test_notebook_is_committed_without_outputs(name, notebooks):
    for cell in code(notebooks[name]):
        assert cell["outputs"] == [], cell["id"]
        assert cell["execution_count"] is None, cell["id"]
    left = "run book/_ext/clean_notebooks.py"
    assert clean(notebooks[name]) == notebooks[name], left


@pytest.mark.parametrize("name", NAMES)
def test_notebook_runs_on_the_kernel_of_the_book(name, notebooks):
    assert notebooks[name]["metadata"]["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize("name", NAMES)
def test_code_has_at_most_80_columns(name, notebooks):
    long = [
        line
        for cell in code(notebooks[name])
        for line in cell_source(cell).splitlines()
        if len(line) > 80
    ]
    assert not long


@pytest.mark.parametrize("name", NAMES)
def test_first_code_cell_is_the_common_setup(name, notebooks):
    first = code(notebooks[name])[0]
    assert "setup" in first["metadata"].get("tags", [])
    # The contributor's guide holds the text that everybody copies.
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    setup = guide.partition("```python\n")[2].partition("\n```")[0]
    assert "find_spec" in setup
    assert cell_source(first).strip() == setup


@pytest.mark.parametrize("name", NAMES)
def test_figures_have_alternative_texts(name, notebooks):
    for cell in code(notebooks[name]):
        mystnb = cell["metadata"].get("mystnb", {})
        if "figure" in mystnb:
            assert mystnb.get("image", {}).get("alt", "").strip(), cell["id"]
            assert mystnb["figure"].get("caption", "").strip(), cell["id"]
            # All that such a cell shows gets the caption and the name, a table too.
            last = cell_source(cell).strip().splitlines()[-1]
            assert not last.startswith("table("), cell["id"]


@pytest.mark.parametrize("name", NAMES)
def test_who_loads_the_books_gpt_names_who_trains_it(name, notebooks):
    text = "\n".join(cell_source(cell) for cell in code(notebooks[name]))
    if "book_gpt(" in text and name != TRAINS_THE_BOOK_GPT:
        assert TRAINS_THE_BOOK_GPT in notebook_needs(ROOT / f"{name}.ipynb")


def test_cleaning_removes_traces_and_keeps_the_rest(tmp_path):
    path = tmp_path / "one.ipynb"
    cell = nbformat.v4.new_code_cell("1 + 1", metadata={"tags": ["timing"]})
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["llm_notes"] = {"needs": []}
    nbformat.write(notebook, path)
    clean_file(path)
    before = path.read_text(encoding="utf-8")
    assert not clean_file(path)  # nothing more to do

    run = nbformat.read(path, as_version=4)
    run.cells[0].execution_count = 3
    run.cells[0].outputs = [nbformat.v4.new_output("stream", text="2")]
    run.cells[0].metadata["execution"] = {"iopub.status.busy": "now"}
    run.metadata["widgets"] = {}
    nbformat.write(run, path)
    assert clean_file(path)
    assert path.read_text(encoding="utf-8") == before
