"""T5, in both versions, against transformers."""

import torch
from torch import nn

from llm_notes.models.layers.mask import padding_mask
from llm_notes.models.pretrained.check import load_weights
from llm_notes.models.pretrained.t5 import (
    t5_config_from_hugging_face,
    t5_from_hugging_face,
)
from llm_notes.models.t5 import T5
from llm_notes.parity.case import Parity, compare, gradients, randomise


def t5() -> Parity:
    """Version 1.0: ReLU, and one table for the first and the last layer."""
    return _against_transformers("T5", "relu", tied=True)


def t5_v1_1() -> Parity:
    """Version 1.1: gated GELU, and a last layer of its own."""
    return _against_transformers("T5 1.1", "gated-gelu", tied=False)


def _against_transformers(family: str, feed_forward: str, tied: bool) -> Parity:
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.T5Config(
            vocab_size=53,
            d_model=24,
            d_kv=5,
            d_ff=37,
            num_layers=2,
            num_heads=3,
            relative_attention_num_buckets=8,
            relative_attention_max_distance=12,
            dropout_rate=0.0,
            layer_norm_epsilon=1e-3,  # large enough to show when it is ignored
            feed_forward_proj=feed_forward,
            tie_word_embeddings=tied,
        )
        theirs = transformers.T5ForConditionalGeneration(config)
        if not tied:  # transformers 5 ties a fresh model whatever its config says
            theirs.lm_head.weight = nn.Parameter(torch.randn(53, 24) / 5)
        # Longer than max_distance, so that the shared buckets are used.
        source = torch.randint(53, (2, 17))
        target = torch.randint(53, (2, 15))
    randomise(theirs)
    ours = T5(t5_config_from_hugging_face(config.to_dict(), context_length=20))
    load_weights(ours, t5_from_hugging_face(theirs.state_dict(), tied))
    source_mask = padding_mask(torch.tensor([17, 12]), 17)

    logits = ours(source, target, source_mask)
    expected = theirs(
        input_ids=source,
        attention_mask=source_mask[:, 0, 0].long(),
        decoder_input_ids=target,
    ).logits
    for each in (logits, expected):
        nn.functional.cross_entropy(each.flatten(0, 1), target.flatten()).backward()
    return compare(
        family,
        "transformers.T5ForConditionalGeneration",
        {"logits": logits},
        {"logits": expected},
        gradients(ours),
        t5_from_hugging_face(gradients(theirs), tied),
    )
