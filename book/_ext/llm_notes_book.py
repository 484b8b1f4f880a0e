"""The Sphinx side of the book's build.

Before pages are read it brings the notebooks' results up to date; it has pages read
again whose results are new; it repairs the finished pages; and it adds the directive
``build-times``, the table of measured seconds. How notebooks are run is the business
of ``run_notebooks``.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

from docutils import nodes
from myst_nb.ext.glue.utils import PendingGlueReference
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from html_tidy import tidy_folder
from notebook_store import NotebookStore
from run_notebooks import NOT_DONE, available_cores, run_notebooks, short


def without_thebe(app: Sphinx, *_: object) -> None:
    """Keep out sphinx-thebe, which Jupyter Book always loads.

    Its feature (code that runs on a server) is off in this book, and yet it writes a
    script with the address of another host into each page, in some builds twice,
    which the browser reports as an error.
    """
    for listeners in list(app.events.listeners.values()):
        for listener in list(listeners):
            if listener.handler.__module__.startswith("sphinx_thebe"):
                app.disconnect(listener.id)
    # Each page would name its style sheet too, which now nobody copies.
    styles = app.registry.css_files
    styles[:] = [style for style in styles if not style[0].startswith("sphinx-thebe")]


def execute_notebooks(app: Sphinx) -> None:
    """Bring the stored results up to date, before Sphinx looks at any page.

    Ends the build with status 1 when a notebook does not run through, after all have
    had their turn.
    """
    app.llm_notes_keys = {}
    if app.config.nb_execution_mode != "cache":
        return
    outcomes = run_notebooks(
        Path(app.srcdir), store_folder=Path(app.env.mystnb_config.execution_cache_path)
    )
    bad = [short(o.name) for o in outcomes if o.status in NOT_DONE]
    if bad:
        # Going on would make MyST-NB execute them once more, one after the other; an
        # ordinary error would bury theirs under the traces of three programs.
        print(f"The book is not built: see above for {', '.join(bad)}.", flush=True)
        raise SystemExit(1)
    app.llm_notes_keys = {outcome.name: outcome.key for outcome in outcomes}


def pages_to_read_again(app: Sphinx, env: BuildEnvironment, *_: object) -> list[str]:
    """Pages whose text is unchanged while what a notebook computes is not.

    Compares with the keys that the pages were made from, so it is right after an
    interrupted build and after notebooks were run without Sphinx, too.
    """
    read_from = getattr(env, "llm_notes_keys", {})
    new = [n for n, key in app.llm_notes_keys.items() if read_from.get(n) != key]
    env.llm_notes_keys = dict(app.llm_notes_keys)
    if new:
        glued = getattr(env, "llm_notes_glued", {})
        new += [page for page, sources in glued.items() if sources & set(new)]
        new += sorted(getattr(env, "build_times_pages", set()))
    return [name for name in new if name in env.all_docs]


def note_glued(app: Sphinx, document: nodes.document) -> None:
    """Remember whose results a page shows: it is made anew when they are new."""
    sources = {ref.refdoc for ref in document.findall(PendingGlueReference)}
    glued = getattr(app.env, "llm_notes_glued", {})
    app.env.llm_notes_glued = {**glued, app.env.docname: sources}


def tidy_pages(app: Sphinx, error: Exception | None) -> None:
    """Repair what the theme gets wrong, in the pages that have just been written."""
    if error is None and app.builder.format == "html":
        tidy_folder(Path(app.outdir))


class BuildTimes(SphinxDirective):
    """A table of the seconds each notebook took in this build, and on what machine."""

    def run(self) -> list[nodes.Node]:
        pages = getattr(self.env, "build_times_pages", set())
        self.env.build_times_pages = pages | {self.env.docname}
        self.env.note_reread()  # cheap, and right when only the machine changed
        folder = Path(self.env.mystnb_config.execution_cache_path)
        runs = NotebookStore(folder).runs()
        rows: list[tuple[nodes.Node, ...]] = [
            (self._page_link(name), _text(run.n_cells), _text(f"{run.seconds:.1f}"))
            for name, run in runs.items()
            if name in self.env.app.llm_notes_keys
        ]
        total = sum(runs[n].seconds for n in runs if n in self.env.app.llm_notes_keys)
        rows.append(
            (_text("all, one after the other"), _text(""), _text(f"{total:.1f}"))
        )
        machine = [(_text(k), _text(v)) for k, v in machine_facts().items()]
        return [
            _table(("chapter", "code cells", "seconds"), rows),
            _table(("measured on", "value"), machine),
        ]

    def _page_link(self, name: str) -> nodes.Node:
        """A link to a page that shows the page's title."""
        link = pending_xref(
            "",
            nodes.inline("", name, classes=["xref", "doc"]),
            refdoc=self.env.docname,
            refdomain="std",
            reftype="doc",
            reftarget=f"/{name}",
            refexplicit=False,
            refwarn=True,
        )
        return nodes.paragraph("", "", link)


def machine_facts() -> dict[str, str]:
    """What the seconds depend on, as this machine reports it."""
    facts = {"processor": _processor(), "cores": str(available_cores())}
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        n_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        facts["memory"] = f"{n_bytes / 2**30:.0f} GiB"
    facts["system"] = f"{platform.system()} {platform.machine()}"
    facts["Python"] = platform.python_version()
    for package in ("torch", "numpy"):
        facts[package] = importlib.metadata.version(package)
    return facts


def _processor() -> str:
    """The processor's name; ``platform`` knows only its architecture on Linux."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _text(content: object) -> nodes.Node:
    return nodes.paragraph("", str(content))


def _table(header: tuple[str, ...], rows: list[tuple[nodes.Node, ...]]) -> nodes.table:
    def row(cells: tuple[nodes.Node, ...]) -> nodes.row:
        return nodes.row("", *(nodes.entry("", cell) for cell in cells))

    group = nodes.tgroup("", cols=len(header))
    group += [nodes.colspec(colwidth=1) for _ in header]
    group += nodes.thead("", row(tuple(_text(name) for name in header)))
    group += nodes.tbody("", *(row(cells) for cells in rows))
    return nodes.table("", group, classes=["colwidths-auto", "build-times"])


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("config-inited", without_thebe, priority=0)
    # After MyST-NB (500), which decides there where the cache is.
    app.connect("builder-inited", execute_notebooks, priority=900)
    app.connect("env-get-outdated", pages_to_read_again)
    app.connect("doctree-read", note_glued)
    app.connect("build-finished", tidy_pages)
    app.add_directive("build-times", BuildTimes)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
