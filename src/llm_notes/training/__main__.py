"""Train a language model: python -m llm_notes.training --help."""

import sys

from torch.distributed.elastic.multiprocessing.errors import record

from llm_notes.training.command_line import main

if __name__ == "__main__":
    # So that the report of torchrun, if it started this, shows an error with its text.
    sys.exit(record(main)())
