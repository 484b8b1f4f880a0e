"""Show the built pages at an address that only this machine can reach."""

from __future__ import annotations

import argparse
import http.server
from functools import partial
from pathlib import Path

PAGES = Path(__file__).resolve().parents[2] / "_build" / "html"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files as they are; says nothing about each request."""

    def log_message(self, *_: object) -> None:
        pass


def server(pages: Path, port: int) -> http.server.ThreadingHTTPServer:
    """A server of the folder ``pages`` on the loopback address; port 0: any free."""
    handler = partial(Handler, directory=str(pages))
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    try:
        running = server(PAGES, parser.parse_args().port)
    except OSError as error:
        parser.error(f"{error.strerror}; choose another port: make serve PORT=8001")
    print(f"The book is at http://localhost:{running.server_port}/")
    try:
        running.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
