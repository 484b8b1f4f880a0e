"""Stage 1: from text to batches of token ids.

`corpus`, `tasks` and `download` give text, `cleaning` says what to leave out of it,
`tokenizers` turn it into ids, `batching` makes the batches that a model reads. Nothing
here knows a model.
"""
