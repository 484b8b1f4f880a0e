"""Serve a model: python -m llm_notes.inference.serve --help."""

import sys

from llm_notes.inference.serve.command_line import main

if __name__ == "__main__":
    sys.exit(main())
