"""The exercises on counting agree with the package that the chapter counts with."""

from llm_notes.analysis import counting
from llm_notes.analysis.scaling import CHINCHILLA_AGAIN
from llm_notes.checks import counting_and_scaling as check
from llm_notes.models.llama import Llama, LlamaConfig


def test_the_cache_is_that_of_the_formula():
    assert check.cache(counting.cache_bytes(32, 8, 128, 8192) / 2**30).is_right


def test_a_block_has_two_operations_for_each_weight_of_a_live_one():
    config = LlamaConfig(97, 64, 1, 6, 2, 48, 96, d_head=10)
    block = Llama(config).blocks[0]
    n_weights = sum(p.numel() for p in block.parameters() if p.ndim == 2)
    assert check.block_flops.solution(48, 6, 2, 10, 96) == 2 * n_weights


def test_the_best_size_is_that_of_the_fitted_law():
    law = CHINCHILLA_AGAIN

    def answer(flops, A, alpha, B, beta):
        return law._replace(A=A, alpha=alpha, B=B, beta=beta).best(flops)[0]

    assert check.best_size(answer).is_right
