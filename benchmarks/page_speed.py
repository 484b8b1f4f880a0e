"""How soon the model in the page answers: the built page in Chromium, by the keyboard.

    python benchmarks/page_speed.py _build/html/index.html
    python benchmarks/page_speed.py _build/html/index.html --json results.json

A prompt is typed, and Enter pressed. The first token counts when it stands in the page,
at the next frame that the browser paints. Tokens per second are those of a whole text,
from Enter to the frame with its last token, with all that the page draws meanwhile.
Sizes are of the page and of all files that it asks for until the first token stands.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from statistics import median
from typing import Any

from measure import keep, machine, markdown
from playwright.sync_api import Page, sync_playwright

PROMPT = "The return value of this function"
NEW = ".llm-tokens .llm-token:not(.llm-prompt)"
# Notes when Enter went down, and when the first and the last new token were painted.
WATCH = """(selector) => {
  const playground = document.querySelector(".llm-playground");
  const seen = {};
  window.seen = seen;
  addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      const pressed = performance.now();
      Object.assign(seen, { pressed, first: null, last: null, tokens: 0 });
    }
  }, true);
  const count = () => {
    const now = playground.querySelectorAll(selector).length;
    if (now > seen.tokens) {
      seen.tokens = now;
      requestAnimationFrame(() => setTimeout(() => {
        seen.last = performance.now();
        seen.first = seen.first ?? seen.last;
      }));
    }
  };
  const all = { childList: true, subtree: true };
  new MutationObserver(count).observe(playground, all);
}"""


def once(page: Page, prompt: str) -> tuple[float, float]:
    """Milliseconds to the first token, and tokens per second of the whole text."""
    playground = page.locator(".llm-playground").first
    new = playground.locator(NEW)
    field = playground.locator("textarea, input[type=text]")
    field.first.fill("")
    field.first.press_sequentially(prompt, delay=30)
    new.first.wait_for(state="detached")  # the text of the round before
    page.keyboard.press("Enter")
    new.first.wait_for()
    n_before = -1
    while (n_now := new.count()) != n_before:  # it still writes
        n_before = n_now
        page.wait_for_timeout(700)
    seen = page.evaluate("window.seen")
    seconds = (seen["last"] - seen["pressed"]) / 1000
    return seen["first"] - seen["pressed"], seen["tokens"] / seconds


def measure(path: Path, n_rounds: int) -> dict[str, Any]:
    sizes: dict[str, int] = {}
    with sync_playwright() as p:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("requestfinished", lambda r: sizes.setdefault(r.url, _size(r.url)))
        page.goto(path.resolve().as_uri())
        page.evaluate(WATCH, NEW)
        page.locator(".llm-playground .llm-token").first.wait_for()
        results = [once(page, PROMPT) for _ in range(n_rounds)]
        browser.close()
    waits, speeds = zip(*results, strict=True)
    return {
        "first_token_ms": median(waits),
        "slowest_first_token_ms": max(waits),
        "tokens_per_second": median(speeds),
        "page_megabytes": sum(sizes.values()) / 1e6,
    }


def _size(url: str) -> int:
    path = Path(url.removeprefix("file://").partition("?")[0].partition("#")[0])
    return path.stat().st_size if path.is_file() else 0


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path, help="a page that was built, with a model")
    parser.add_argument("--rounds", type=int, default=7, help="texts that are written")
    parser.add_argument("--json", help="file that keeps the figures")
    options = parser.parse_args(arguments)
    if not options.page.is_file():
        parser.error(f"{options.page} is not there; `make book` builds it")
    figures = measure(options.page, options.rounds)
    rows = [[name.replace("_", " "), f"{x:.4g}"] for name, x in figures.items()]
    print(markdown(["what", "measured"], rows))
    keep(options.json, "page_speed", {"machine": machine()} | figures)


if __name__ == "__main__":
    main()
