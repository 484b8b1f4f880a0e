"""Checkpoints of other libraries into our models and back.

`names` and one module for each family map names and layouts (pure functions), `files`
reads and writes safetensors, `check` says what does not fit. This is the only place
that knows how somebody else names or lays out a weight, and the only one that knows
several wholes.
"""
