"""LLM Notes: the runnable models behind the book, from text to insight.

The path of the data is the shape of the package, and imports point one way only:

    runtime < metrics, viz < data < models.layers < models < training
            < inference < widgets

Importing `llm_notes` imports nothing else, so it costs no more than its parts do.
"""

__version__ = "0.1.0"
