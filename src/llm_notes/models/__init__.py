"""Stage 2: from batches of token ids to the probabilities of the next token.

`ngram` counts; the neural models are assembled from the parts in `layers`. A whole
imports parts, never another whole (only `pretrained` may). Nothing here knows how a
model is trained or sampled.
"""
