"""What the answers of the chapter on decoding have to be, from other sources."""

from __future__ import annotations

import pytest
import torch

from llm_notes.checks import decoding as check
from llm_notes.inference.speculative import expected_tokens, verify
from llm_notes.models.layers.cache import KeyValueCache


def test_the_cache_of_the_exercise_is_what_a_cache_holds():
    def held(n_kv_heads):
        cache = KeyValueCache()
        for layer in range(2):  # of 32
            keys = torch.zeros(1, n_kv_heads, 16, 128, dtype=torch.bfloat16)
            cache.append(layer, keys, keys)
        return cache.n_bytes * (32 // 2) * (8192 // 16)

    assert check.cache_size.solution == (held(8), held(32))


def test_the_residual_is_what_verify_draws_from_after_a_rejection():
    for p, q in check.residual.probes:
        seen = []

        def choose(probabilities, seen=seen):
            seen.append(probabilities)
            return 0  # reject

        verify([int((q - p).argmax())], [q], torch.stack([p, p]), choose)
        torch.testing.assert_close(seen[-1], check.residual.solution(p, q))


def test_extending_goes_past_what_one_beam_each_could_give():
    rows = check.extend.solution(*check.extend.probes[1])[:, 0]
    assert rows.tolist() == [0, 0, 0] or len(set(rows.tolist())) < len(rows)


@pytest.mark.parametrize(("alpha", "cost"), check.best_n_draft.probes)
def test_the_best_number_of_proposals_is_a_maximum(alpha, cost):
    best = check.best_n_draft.solution(alpha, cost)

    def speed(n):
        return expected_tokens(alpha, n) / (n * cost + 1)

    assert all(speed(best) >= speed(n) for n in range(17))
    assert (best == 0) == (alpha < cost)
