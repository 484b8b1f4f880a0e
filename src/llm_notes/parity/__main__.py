"""Measure the parity wall on this machine: python -m llm_notes.parity."""

import sys

from llm_notes.parity.wall import error_text, holds, measure


def main() -> int:
    """Print a line for each comparison; 1 when one is beyond the tolerance."""
    n_beyond = 0
    for parity in measure():
        gradient = parity.gradient_error
        print(
            f"{'equal  ' if holds(parity) else 'DIFFERS'}  {parity.family:34}"
            f"outputs {error_text(parity.output_error):8}"
            f"gradients {'-' if gradient is None else error_text(gradient):8}"
            f"{parity.reference} ({parity.library})",
            flush=True,
        )
        n_beyond += not holds(parity)
    return min(n_beyond, 1)


if __name__ == "__main__":
    sys.exit(main())
