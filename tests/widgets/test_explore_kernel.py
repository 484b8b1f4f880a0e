"""The live half in a real kernel: what Jupyter would send, sent by hand."""

import time

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

from llm_notes.widgets.explore import WIDGET_VIEW

CELL = """
import matplotlib.pyplot as plt
from llm_notes.widgets import explore
calls = []
scale = 1
def draw(height):
    "a line"
    calls.append(height)
    figure, ax = plt.subplots(figsize=(2, 1))
    ax.set_title(f"height {height * scale}")
    return ax
explore(draw, height=[1, 2, 3], start={"height": 2})
"""


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def messages(client, parent_id, until, timeout=60):
    """Return what `parent_id` caused, up to the first message that fits `until`."""
    seen, end = [], time.monotonic() + timeout
    while time.monotonic() < end:
        message = client.get_iopub_msg(timeout=timeout)
        if message["parent_header"].get("msg_id") == parent_id:
            seen.append(message)
            if until(message):
                return seen
    raise TimeoutError(f"no such message within {timeout} s")


def idle(message):
    return message["content"].get("execution_state") == "idle"


def run(client, code):
    return messages(client, client.execute(code), idle)


def printed(seen):
    return "".join(m["content"].get("text", "") for m in seen)


def opened(seen, model_name):
    """The id of the widget of this kind that the messages opened."""
    (comm_id,) = {
        m["content"]["comm_id"]
        for m in seen
        if m["msg_type"] == "comm_open"
        and m["content"]["data"]["state"].get("_model_name") == model_name
    }
    return comm_id


def move(client, comm_id, state):
    content = {"comm_id": comm_id, "data": {"method": "update", "state": state}}
    message = client.session.msg("comm_msg", content)
    client.shell_channel.send(message)
    return messages(client, message["header"]["msg_id"], idle)


def picture(seen, comm_id):
    values = [
        m["content"]["data"]["state"]["value"]
        for m in seen
        if m["msg_type"] == "comm_msg"
        and m["content"]["comm_id"] == comm_id
        and "value" in m["content"]["data"].get("state", {})
    ]
    return values[-1] if values else None


def test_in_a_live_kernel_the_slider_calls_python(kernel):
    seen = run(kernel, CELL)
    (shown,) = [m["content"]["data"] for m in seen if m["msg_type"] == "execute_result"]
    assert set(shown) == {"text/plain", "text/html", WIDGET_VIEW}
    # The protocol that Colab (ipywidgets 7) and VS Code speak as well.
    assert shown[WIDGET_VIEW]["version_major"] == 2
    opens = [m for m in seen if m["msg_type"] == "comm_open"]
    assert {m["metadata"]["version"].split(".")[0] for m in opens} == {"2"}
    assert {m["content"]["target_name"] for m in opens} == {"jupyter.widget"}
    slider, html = opened(seen, "SelectionSliderModel"), opened(seen, "HTMLModel")
    assert printed(run(kernel, "print(calls)")) == "[1, 2, 3]\n"

    after = move(kernel, slider, {"index": 2})
    assert printed(run(kernel, "print(calls)")) == "[1, 2, 3, 3]\n"
    assert "height 3" in picture(after, html)

    # Live means: the picture follows the kernel's state, not only its own slider.
    run(kernel, "scale = 100")
    after = move(kernel, slider, {"index": 0})
    assert "height 100" in picture(after, html)
    assert printed(run(kernel, "print(plt.get_fignums())")) == "[]\n"


def test_an_executed_notebook_keeps_both_halves(tmp_path):
    cell = nbformat.v4.new_code_cell(CELL)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, kernel_name="python3", resources=resources).execute()
    (output,) = notebook.cells[0].outputs
    assert set(output["data"]) == {"text/plain", "text/html", WIDGET_VIEW}
    states = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]
    assert output["data"][WIDGET_VIEW]["model_id"] in states["state"]
