"""All comparisons in the order of the book, from counting to images.

It knows which comparisons there are; each is a function without arguments.
"""

from collections.abc import Callable, Iterator, Sequence

from llm_notes.parity import (
    bert,
    counting,
    gpt2,
    latent_attention,
    llama,
    ngram_gpt,
    recurrent,
    rotary,
    t5,
    tokenizers,
    transformer,
    vit,
    word_vectors,
)
from llm_notes.parity.case import Parity

TOLERANCE = 1e-5  # float32 carries about seven digits

WALL: tuple[Callable[[], Parity], ...] = (
    tokenizers.byte_pair,
    tokenizers.word_piece,
    tokenizers.unigram,
    counting.add_k,
    counting.katz,
    counting.kneser_ney,
    counting.modified_kneser_ney,
    word_vectors.nplm,
    word_vectors.ppmi_svd,
    word_vectors.skip_gram,
    word_vectors.cbow,
    word_vectors.glove,
    recurrent.rnn,
    recurrent.lstm,
    recurrent.gru,
    recurrent.bidirectional,
    recurrent.seq2seq,
    recurrent.seq2seq_without_attention,
    transformer.multi_head_attention,
    transformer.transformer,
    bert.bert,
    t5.t5,
    t5.t5_v1_1,
    gpt2.gpt2,
    rotary.rotary,
    rotary.rotary_linear,
    rotary.rotary_llama3,
    rotary.rotary_yarn,
    llama.llama,
    llama.mistral,
    llama.qwen3,
    llama.mixtral,
    ngram_gpt.ngram_gpt,
    latent_attention.latent_attention,
    vit.vit,
)


def measure(cases: Sequence[Callable[[], Parity]] = WALL) -> Iterator[Parity]:
    """Run the comparisons, one after the other."""
    return (case() for case in cases)


def holds(parity: Parity) -> bool:
    """Whether no output and no gradient differs by more than `TOLERANCE`."""
    return max(parity.output_error, parity.gradient_error or 0.0) <= TOLERANCE


def as_markdown(found: Sequence[Parity]) -> str:
    """The wall as a Markdown table; what matters stands where a phone shows it."""
    rows = [
        ["family", "outputs", "gradients", "numbers", "reference"],
        ["---", "--:", "--:", "--:", "---"],
    ]
    rows += [
        [
            parity.family,
            error_text(parity.output_error),
            "" if parity.gradient_error is None else error_text(parity.gradient_error),
            f"{parity.n_compared:,}",
            f"`{parity.reference}`",
        ]
        for parity in found
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def libraries(found: Sequence[Parity]) -> list[str]:
    """The libraries of all references with their versions, each once, sorted."""
    return sorted({parity.library for parity in found})


def error_text(error: float) -> str:
    """Two digits, and 0 for no difference at all."""
    return "0" if error == 0 else f"{error:.1e}"
