"""Notebooks are executed when they have to be, in the right order, side by side."""

from __future__ import annotations

import json

import pytest

from notebook_plan import Queue, urgency
from notebook_store import NotebookStore
from run_notebooks import run_notebooks

NUMBER = {"llm_notes/number.py": '"""A number."""\n\nNUMBER = 41\n'}


def statuses(root, said=None, **options) -> dict[str, str]:
    say = (said if said is not None else []).append
    outcomes = run_notebooks(root, say=say, **options)
    return {o.name.removeprefix("notebooks/"): o.status for o in outcomes}


def output(root, name: str) -> str:
    store = NotebookStore(root / "_build" / ".jupyter_cache")
    cells = store.executed(root / "notebooks" / f"{name}.ipynb").cells
    return "".join(out.get("text", "") for out in cells[-1].outputs)


def test_only_what_changed_is_executed_again(small_book, monkeypatch):
    root = small_book(
        {
            "one": ["from llm_notes.number import NUMBER\nprint(NUMBER)"],
            "two": ["print(2)"],
        },
        package=NUMBER,
    )
    monkeypatch.setenv("PYTHONPATH", str(root / "src"))
    said: list[str] = []
    assert statuses(root, said) == {"one": "executed", "two": "executed"}
    assert sum(line.startswith("[") for line in said) == 2  # one line a notebook
    assert output(root, "one") == "41\n"

    assert set(statuses(root).values()) == {"up to date"}

    (root / "src/llm_notes/number.py").write_text('"""A number."""\nNUMBER = 42\n')
    assert statuses(root) == {"one": "executed", "two": "up to date"}
    assert output(root, "one") == "42\n"


def test_a_failing_cell_is_shown_and_stops_only_who_needs_it(small_book):
    root = small_book(
        {"bad": ["1 + 1", "total = 1 / 0"], "after": ["1"], "apart": ["print('ran')"]},
        needs={"after": ["bad"]},
    )
    said: list[str] = []
    found = statuses(root, said)
    assert found == {"bad": "failed", "after": "skipped", "apart": "executed"}
    text = "\n".join(said)
    assert "total = 1 / 0" in text
    assert "ZeroDivisionError" in text
    assert output(root, "apart") == "ran\n"
    # What ran through is kept; what failed is tried again.
    assert statuses(root)["apart"] == "up to date"


def test_a_notebook_gets_the_threads_it_asks_for_and_room_for_them(small_book):
    stamp = (
        "import os, time\n"
        "print(os.environ['OMP_NUM_THREADS'], time.time())\n"
        "time.sleep(1)\n"
        "print(time.time())"
    )
    root = small_book({n: [f"{stamp}  # {n}"] for n in ("one", "two", "wide")})
    notebook = root / "notebooks/wide.ipynb"
    content = json.loads(notebook.read_text())
    content["metadata"]["llm_notes"] = {"threads": 2}
    notebook.write_text(json.dumps(content))
    assert set(statuses(root, jobs=2).values()) == {"executed"}
    ran = {name: output(root, name).split() for name in ("one", "two", "wide")}
    assert {name: threads for name, (threads, _, _) in ran.items()} == {
        "one": "1",
        "two": "1",
        "wide": "2",
    }
    _, began, ended = ran["wide"]
    for name in ("one", "two"):
        assert ran[name][1] > ended or ran[name][2] < began  # never beside it


def test_a_needed_notebook_runs_first_and_leaves_what_it_made(small_book):
    leave = (
        "import os, pathlib, time\n"
        "time.sleep(1)\n"
        "home = pathlib.Path(os.environ['LLM_NOTES_HOME'])\n"
        "(home / 'made.txt').write_text('by one')"
    )
    take = leave.splitlines()[0] + (
        "\nhome = pathlib.Path(os.environ['LLM_NOTES_HOME'])\n"
        "print((home / 'made.txt').read_text())"
    )
    root = small_book({"later": [take], "first": [leave]}, needs={"later": ["first"]})
    assert set(statuses(root, names=["notebooks/later"]).values()) == {"executed"}
    assert output(root, "later") == "by one\n"


def test_surroundings_of_a_notebook_are_fixed(small_book):
    source = "import os\nprint(os.environ['OMP_NUM_THREADS'], os.getcwd())"
    root = small_book({"one": [source]})
    statuses(root)
    assert output(root, "one") == f"1 {root / 'notebooks'}\n"


def test_an_edited_caption_replaces_the_stored_one(small_book):
    root = small_book({"one": ["print(1)"]})
    statuses(root)
    path = root / "notebooks/one.ipynb"
    notebook = json.loads(path.read_text())
    metadata = {"mystnb": {"image": {"alt": "Now described."}}}
    notebook["cells"][1]["metadata"] = metadata
    path.write_text(json.dumps(notebook))
    assert statuses(root) == {"one": "up to date"}
    store = NotebookStore(root / "_build" / ".jupyter_cache")
    stored = store.executed(path).cells[1]
    assert stored.metadata == metadata
    assert stored.outputs[0].text == "1\n"


def test_an_unknown_notebook_is_refused(small_book):
    root = small_book({"one": ["1"]}, needs={"one": ["missing"]})
    with pytest.raises(ValueError, match=r"missing.*no notebook of the book.*one"):
        run_notebooks(root, say=print)


def test_notebooks_that_need_each_other_are_refused(small_book):
    root = small_book(
        {"one": ["1"], "two": ["2"]}, needs={"one": ["two"], "two": ["one"]}
    )
    with pytest.raises(ValueError, match="cycle"):
        run_notebooks(root, say=print)


def test_the_longest_chain_starts_first():
    needs = {"short": [], "trains": [], "uses": ["trains"], "long": []}
    seconds = {"short": 5.0, "trains": 60.0, "uses": 50.0, "long": 90.0}
    assert urgency(needs, seconds) == {
        "short": 5.0,
        "trains": 110.0,
        "uses": 50.0,
        "long": 90.0,
    }
    queue = Queue(needs, seconds)
    assert [queue.next_ready() for _ in range(4)] == ["trains", "long", "short", None]
    queue.done("trains")
    assert queue.next_ready() == "uses"
    assert not queue


def test_all_that_waits_for_a_failed_notebook_is_dropped():
    queue = Queue({"a": [], "b": ["a"], "c": ["b"], "d": ["a", "c"], "e": []}, {})
    assert sorted(queue.drop_dependents("a")) == ["b", "c", "d"]
    assert {queue.next_ready(), queue.next_ready()} == {"a", "e"}


def test_text_is_kept_in_one_piece_and_empty_displays_are_not_kept(small_book):
    cell = (
        "from IPython.display import display\n"
        "line = display({'text/plain': 'half way'}, raw=True, display_id=True)\n"
        "for _ in range(3):\n"
        "    print('tick', flush=True)\n"
        "line.update({'text/plain': ''}, raw=True)\n"
        "display({'text/plain': 'stays'}, raw=True)"
    )
    root = small_book({"one": [cell]})
    assert statuses(root) == {"one": "executed"}
    store = NotebookStore(root / "_build" / ".jupyter_cache")
    outputs = store.executed(root / "notebooks" / "one.ipynb").cells[-1].outputs
    assert [o.get("text") or o.data["text/plain"] for o in outputs] == [
        "tick\ntick\ntick\n",
        "stays",
    ]


def test_the_name_of_a_live_widget_is_not_kept_beside_its_twin(small_book):
    cell = (
        "from IPython.display import display\n"
        "live = {'application/vnd.jupyter.widget-view+json': {'model_id': 'x'}}\n"
        "display({**live, 'text/html': '<b>twin</b>'}, raw=True)"
    )
    root = small_book({"one": [cell]})
    assert statuses(root) == {"one": "executed"}
    store = NotebookStore(root / "_build" / ".jupyter_cache")
    (output,) = store.executed(root / "notebooks" / "one.ipynb").cells[-1].outputs
    assert output.data == {"text/html": "<b>twin</b>"}
