"""A page as a reader has it: from disk, with no network and no eval."""

import pytest

PAGE = """<!doctype html>
<html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>Page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
  script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<style>html[data-theme="dark"] body {{ background: #121417; color: #ddd }}</style>
</head><body><main><h1>Page</h1>{body}</main></body></html>
"""


@pytest.fixture
def open_html(chromium, tmp_path):
    """open_html(body, ...) -> page; afterwards no page may have complained.

    A complaint is anything on the console, an error, or a request beyond the disk. More
    options go to the browser, such as `reduced_motion`.
    """
    opened = []

    def open_at(body, width=1000, theme="light", fragment="", height=700, **options):
        path = tmp_path / f"a page {len(opened)}.html"
        path.write_text(PAGE.format(theme=theme, body=body), encoding="utf-8")
        page = chromium.new_page(viewport={"width": width, "height": height}, **options)
        complaints = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:"))
                or complaints.append(request.url)
            ),
        )
        opened.append((page, complaints, options.get("java_script_enabled", True)))
        page.goto(path.as_uri() + fragment)
        return page

    yield open_at
    for page, complaints, scripts in opened:
        hacked = page.evaluate("window.hacked") if scripts else None
        page.close()
        assert complaints == []
        assert hacked is None
