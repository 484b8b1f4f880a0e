"""The causal models that a run can ask for by name, from the same few sizes."""

from dataclasses import dataclass

from torch import nn

from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.models.ngram_gpt import NgramGPT, NgramGPTConfig
from llm_notes.models.rnn import CELLS, RNNConfig, RNNLanguageModel

NAMES = ("gpt", "llama", "ngram-gpt", *CELLS)


@dataclass(frozen=True)
class Sizes:
    """What every architecture needs, in its own way.

    Args:
        vocab_size: V.
        context_length: T, tokens in a window.
        n_layers: L.
        n_heads: H, attention heads; recurrent models have none.
        d_model: D, the width.
        dropout: share dropped while training.
    """

    vocab_size: int
    context_length: int
    n_layers: int
    n_heads: int
    d_model: int
    dropout: float = 0.0


def make_model(name: str, sizes: Sizes) -> nn.Module:
    """A new model; its weights are drawn from PyTorch's global generator.

    "gpt" is GPT-2; "llama" has as many key/value heads as heads and a feed-forward
    width of 8/3 D, rounded up to a multiple of 8, so that it is as large as the GPT;
    "ngram-gpt" also reads hashed tables of n-grams, which are most of its parameters;
    "rnn", "lstm" and "gru" share one table between the first and the last layer.

    Raises:
        ValueError: for another name, or sizes that do not fit (from the models).
    """
    shape = (sizes.vocab_size, sizes.context_length, sizes.n_layers, sizes.n_heads)
    if name == "gpt":
        return GPT(GPTConfig(*shape, sizes.d_model, dropout=sizes.dropout))
    if name == "llama":
        d_ff = -(-8 * sizes.d_model // 24) * 8
        config = LlamaConfig(
            *shape, sizes.n_heads, sizes.d_model, d_ff, tied=True, dropout=sizes.dropout
        )
        return Llama(config)
    if name == "ngram-gpt":
        if sizes.dropout:
            raise ValueError("ngram-gpt has no dropout; ask for 0")
        return NgramGPT(NgramGPTConfig(*shape, sizes.d_model))
    if name in CELLS:
        config = RNNConfig(
            sizes.vocab_size,
            sizes.d_model,
            n_layers=sizes.n_layers,
            cell=name,
            tied=True,
            dropout=sizes.dropout,
        )
        return RNNLanguageModel(config)
    raise ValueError(f"model is {name!r}; known are {', '.join(NAMES)}")
