"""A small text that every n-gram model is tried on, and the models."""

import numpy as np
import pytest
from numpy.typing import NDArray

from llm_notes.models.ngram import (
    AddKNGram,
    KatzNGram,
    KneserNeyNGram,
    ModifiedKneserNeyNGram,
    NGramModel,
)

VOCAB_SIZE = 5
MODELS = {
    "add-k": lambda order: AddKNGram(order, VOCAB_SIZE, k=0.3),
    "Katz": lambda order: KatzNGram(order, VOCAB_SIZE),
    "Katz, all trusted": lambda order: KatzNGram(order, VOCAB_SIZE, trusted_above=0),
    "Kneser-Ney": lambda order: KneserNeyNGram(order, VOCAB_SIZE),
    "Kneser-Ney, 0.7": lambda order: KneserNeyNGram(order, VOCAB_SIZE, discount=0.7),
    "modified": lambda order: ModifiedKneserNeyNGram(order, VOCAB_SIZE),
}


@pytest.fixture(params=MODELS)
def make(request):
    """A function from an order to a model, of each kind in turn."""
    return MODELS[request.param]


@pytest.fixture(params=[AddKNGram, KatzNGram, KneserNeyNGram, ModifiedKneserNeyNGram])
def model_class(request) -> type[NGramModel]:
    return request.param


@pytest.fixture
def text() -> NDArray[np.int64]:
    """200 tokens; token 4 is never seen."""
    rng = np.random.default_rng(0)
    return rng.choice(4, size=200, p=[0.5, 0.3, 0.15, 0.05])
