"""Stage 1: from text to batches of token ids.

`corpus` and `download` give text, `tokenizers` turn it into ids, `batching` cuts the
ids into the windows that a model reads. Nothing here knows a model.
"""
