"""The live half in JupyterLab and in Notebook 7: servers on loopback, in a browser."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import unquote

import nbformat
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CELL = """
import matplotlib.pyplot as plt
from llm_notes.widgets import explore
scale = 1
def draw(height):
    figure, ax = plt.subplots(figsize=(2, 1))
    ax.set_title(f"height {height * scale}")
    return ax
shown = explore(draw, height=[1, 2, 3], alt=lambda height: f"height {height * scale}")
scale = 100
shown
"""
SECOND_CELL = """
import numpy as np
from llm_notes.widgets import AttentionMaps, attention_explorer
def compute(text):
    n = len(text)
    return AttentionMaps(np.full((1, 2, n, n), 1 / n), list(text))
attention_explorer(compute("ab"), compute=compute)
"""


@dataclass(frozen=True)
class Program:
    """A notebook server: its module, its name for settings, its pages' path.

    arrows: whether it leaves the arrow keys to a slider that has the focus. Notebook 7
    moves through its cells with them; Home, End and the page keys reach the slider.
    """

    module: str
    settings: str
    path: str
    arrows: bool


PROGRAMS = {
    "JupyterLab": Program("jupyterlab", "LabApp", "doc/tree", True),
    "Notebook 7": Program("notebook", "JupyterNotebookApp", "notebooks", False),
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(params=list(PROGRAMS))
def jupyter(request, tmp_path):
    """The address of a server, and of its page that shows one notebook of two cells."""
    program = PROGRAMS[request.param]
    pytest.importorskip(program.module)
    cells = [nbformat.v4.new_code_cell(source) for source in (CELL, SECOND_CELL)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    root = tmp_path / "root"
    root.mkdir()
    nbformat.write(notebook, root / "explore.ipynb")
    port, token = free_port(), secrets.token_hex()
    # Nothing of the user's own settings, and nothing that would ask another host.
    settings = {
        "ServerApp": {"root_dir": str(root), "open_browser": False, "port": port},
        "IdentityProvider": {"token": token},
        program.settings: {
            "news_url": None,
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "extension_manager": "readonly",
        },
    }
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings))
    private = {
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
    }
    command = [sys.executable, "-m", program.module, "--ip=127.0.0.1", "--allow-root"]
    log = (tmp_path / "log").open("w+")
    server = subprocess.Popen(
        [*command, f"--config={config}"],
        cwd=root, env=os.environ | private, stdout=log, stderr=log,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(f"{address}/api/status?token={token}", server, log)
        page = f"{address}/{program.path}/explore.ipynb?token={token}"
        yield address, page, program.arrows
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def wait_until_up(address, server, log, timeout=120):
    end = time.monotonic() + timeout
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except urllib.error.HTTPError as error:
            error.close()
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.3)
    log.seek(0)
    pytest.fail(f"the server did not start:\n{log.read()[-3000:]}")


def test_in_a_notebook_a_key_asks_python_for_a_new_picture(chromium, jupyter):
    address, notebook, arrows = jupyter
    page = chromium.new_page(viewport={"width": 1000, "height": 800})
    page.set_default_timeout(120_000)
    elsewhere = []
    page.on(
        "request",
        lambda request: (
            request.url.startswith((address, "data:", "blob:"))
            or elsewhere.append(request.url)
        ),
    )
    page.goto(notebook)
    page.locator(".jp-Cell .cm-content").first.click()
    # Until the kernel answers, the notebook says that it is still connecting.
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
    page.keyboard.press("Shift+Enter")
    output = page.locator(".jp-OutputArea-output")
    # First the picture that explore() drew; the variable has changed since.
    output.get_by_alt_text("height 1", exact=True).wait_for()
    before = output.locator("img").get_attribute("src")
    page.locator(".noUi-handle").press("End")
    output.get_by_alt_text("height 300", exact=True).wait_for()
    after = output.locator("img").get_attribute("src")
    assert after != before
    assert "height 300" in unquote(after)
    if arrows:
        page.locator(".noUi-handle").press("ArrowLeft")
        output.get_by_alt_text("height 200", exact=True).wait_for()
    output.get_by_role("button", name="Reset").press("Enter")
    output.get_by_alt_text("height 100", exact=True).wait_for()
    # An explorer that draws itself: the same scripts, and Python behind them.
    page.locator(".jp-Cell .cm-content").nth(1).click()
    page.keyboard.press("Shift+Enter")
    page.locator(".llm-cell").first.wait_for()
    page.get_by_label("Your own text").fill("xyz")
    page.get_by_role("button", name="Show").press("Enter")
    expect(page.locator(".llm-cell")).to_have_count(6)
    page.locator(".llm-cell").nth(1).click()
    expect(page.locator(".llm-about")).to_contain_text("“y” looks at “x” 0.33")
    # The widget stands alone: no twin beside it.
    assert page.locator(".llm-explore").count() == 0
    assert elsewhere == []
    page.close()
