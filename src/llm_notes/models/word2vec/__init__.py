"""Word2Vec: vectors learnt by telling real neighbours from drawn ones.

`model` scores, `examples` turns a text into pairs to learn from, `training` joins them.
"""

from llm_notes.models.word2vec.examples import (
    PADDING,
    cbow,
    noise_distribution,
    skip_gram,
    subsample,
)
from llm_notes.models.word2vec.model import PRESETS, Word2Vec, Word2VecConfig
from llm_notes.models.word2vec.training import train_word2vec

__all__ = [
    "PADDING",
    "PRESETS",
    "Word2Vec",
    "Word2VecConfig",
    "cbow",
    "noise_distribution",
    "skip_gram",
    "subsample",
    "train_word2vec",
]
