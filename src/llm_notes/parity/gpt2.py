"""GPT-2 against transformers.GPT2LMHeadModel.

A tiny model with random weights, sizes different on every axis, and texts of different
lengths with padding on the left. Keyword arguments change transformers' configuration.
"""

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from llm_notes.models.gpt import GPT
from llm_notes.models.layers.mask import padding_mask, real_positions
from llm_notes.models.pretrained.check import load_weights
from llm_notes.models.pretrained.gpt2 import (
    gpt2_config_from_hugging_face,
    gpt2_from_hugging_face,
)
from llm_notes.parity.case import Parity, compare, gradients, randomise

_LENGTHS = (13, 6, 9)


def gpt2(**changes: Any) -> Parity:
    """Logits of the real tokens, and gradients of the loss on them."""
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes = {
        "vocab_size": 53,
        "n_positions": 19,
        "n_layer": 3,
        "n_head": 4,
        "n_embd": 24,
        "n_inner": 37,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "attn_implementation": "eager",
    }
    their_config = GPT2Config(**(sizes | changes))
    config = gpt2_config_from_hugging_face(their_config.to_dict())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs, ours = GPT2LMHeadModel(their_config).eval(), GPT(config).eval()
    randomise(theirs, seed=1)
    load_weights(ours, gpt2_from_hugging_face(theirs.state_dict()))

    generator = torch.Generator().manual_seed(2)
    shape = (len(_LENGTHS), max(_LENGTHS))
    token_ids = torch.randint(config.vocab_size, shape, generator=generator)
    mask = padding_mask(torch.tensor(_LENGTHS), max(_LENGTHS), left=True)
    real, positions = mask[:, 0, 0], real_positions(mask)
    asked = {"attention_mask": real.long(), "position_ids": positions}
    our_logits = ours(token_ids, mask=mask, positions=positions)[real]
    their_logits = theirs(token_ids, use_cache=False, **asked).logits[real]
    for logits in (our_logits, their_logits):
        # Averaged over texts. Over tokens, gradients would be so small that errors
        # were, too.
        loss = cross_entropy(logits, token_ids[real], reduction="sum") / len(_LENGTHS)
        loss.backward()
    their_gradients = {name: p.grad for name, p in theirs.named_parameters()}
    return compare(
        "GPT-2",
        "transformers.GPT2LMHeadModel",
        {"logits": our_logits},
        {"logits": their_logits},
        gradients(ours),
        gpt2_from_hugging_face(their_gradients),
    )
