"""The live half in JupyterLab itself: a server on loopback, driven in the browser."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import unquote

import nbformat
import pytest

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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def jupyterlab(tmp_path):
    """The address of a JupyterLab that shows one notebook with one cell."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    root = tmp_path / "root"
    root.mkdir()
    nbformat.write(notebook, root / "explore.ipynb")
    port, token = free_port(), secrets.token_hex()
    # Nothing of the user's own settings, and nothing that would ask another host.
    settings = {
        "ServerApp": {"root_dir": str(root), "open_browser": False, "port": port},
        "IdentityProvider": {"token": token},
        "LabApp": {
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
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", "--allow-root"]
    log = (tmp_path / "log").open("w+")
    server = subprocess.Popen(
        [*command, f"--config={config}"],
        cwd=root, env=os.environ | private, stdout=log, stderr=log,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(f"{address}/api/status?token={token}", server, log)
        yield f"{address}/doc/tree/explore.ipynb?token={token}"
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
    pytest.fail(f"JupyterLab did not start:\n{log.read()[-3000:]}")


def test_in_jupyterlab_the_arrow_key_asks_python_for_a_new_picture(
    chromium, jupyterlab
):
    page = chromium.new_page(viewport={"width": 1000, "height": 800})
    page.set_default_timeout(120_000)
    elsewhere = []
    page.on(
        "request",
        lambda request: (
            request.url.startswith((jupyterlab.split("/doc")[0], "data:", "blob:"))
            or elsewhere.append(request.url)
        ),
    )
    page.goto(jupyterlab)
    page.locator(".jp-Cell .cm-content").first.click()
    # Until the kernel answers, the notebook says that it is still connecting.
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
    page.keyboard.press("Shift+Enter")
    output = page.locator(".jp-OutputArea-output")
    # First the picture that explore() drew; the variable has changed since.
    output.get_by_alt_text("height 1", exact=True).wait_for()
    before = output.locator("img").get_attribute("src")
    page.locator(".noUi-handle").press("ArrowRight")
    output.get_by_alt_text("height 200", exact=True).wait_for()
    after = output.locator("img").get_attribute("src")
    assert after != before
    assert "height 200" in unquote(after)
    # The widget stands alone: no twin beside it.
    assert page.locator(".llm-explore").count() == 0
    assert elsewhere == []
    page.close()
