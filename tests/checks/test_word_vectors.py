"""The exercises on word vectors agree with the package."""

import pytest
import torch

from llm_notes.checks import word_vectors as check
from llm_notes.models import cooccurrence
from llm_notes.models.nearest import analogy, nearest
from llm_notes.models.word2vec import PRESETS, Word2Vec


def test_the_package_passes_as_an_answer():
    def ppmi(counts):
        sparse = counts.double().to_sparse()
        return cooccurrence.ppmi(sparse, smoothing=1.0).to_dense()

    assert check.ppmi(ppmi).is_right
    assert check.analogy(lambda v, a, b, c: analogy(v, a, b, c)[0][0]).is_right
    config = PRESETS["google-news"]
    n_bytes = 4 * config.vocab_size * config.d_model
    assert check.tables((Word2Vec.parameter_count(config), n_bytes)).is_right


@pytest.mark.parametrize("probe", check.analogy.probes)
def test_the_words_of_the_question_would_win_somewhere(probe):
    """Each probe of the analogies has one answer, and not by a hair."""
    vectors, a, b, c = probe
    unit = torch.nn.functional.normalize(vectors, dim=-1)
    _, (first, second) = nearest(vectors, unit[b] - unit[a] + unit[c], 2, (a, b, c))
    assert first - second > 1e-3
