"""Llama, Mistral, Qwen3 and Mixtral against the same families in transformers.

Tiny models with random weights, sizes different on every axis, and texts of different
lengths with padding on the left. Keyword arguments change transformers' configuration,
so that tests can go through its options.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from llm_notes.models.layers.mask import padding_mask, real_positions
from llm_notes.models.layers.moe import load_balancing_loss, record_router_logits
from llm_notes.models.llama import Llama
from llm_notes.models.pretrained.check import load_weights
from llm_notes.models.pretrained.llama import (
    llama_config_from_hugging_face,
    llama_from_hugging_face,
)
from llm_notes.parity.case import Parity, compare, gradients, randomise

_LENGTHS = (13, 6, 9)
_SIZES = {
    "vocab_size": 53,
    "max_position_embeddings": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "hidden_size": 24,
    "intermediate_size": 37,
    "rms_norm_eps": 1e-3,  # large, so that a norm without it is seen
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": None,
    # The plain loops, not the kernels that both libraries could share.
    "attn_implementation": "eager",
    "experts_implementation": "eager",
}


def llama(**changes: Any) -> Parity:
    """Llama: shared key/value heads, its own head."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return _compare("Llama", LlamaForCausalLM, LlamaConfig(**(_SIZES | changes)))


def mistral(**changes: Any) -> Parity:
    """Mistral: a window shorter than the text."""
    from transformers import MistralConfig, MistralForCausalLM

    sizes = _SIZES | {"sliding_window": 5} | changes
    return _compare("Mistral", MistralForCausalLM, MistralConfig(**sizes))


def qwen3(**changes: Any) -> Parity:
    """Qwen3: QK-norm, a tied head, heads wider than D / H."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    sizes = _SIZES | {"head_dim": 10, "tie_word_embeddings": True} | changes
    return _compare("Qwen3", Qwen3ForCausalLM, Qwen3Config(**sizes))


def mixtral(**changes: Any) -> Parity:
    """Mixtral: 2 of 5 experts; its load-balancing loss is compared as well."""
    from transformers import MixtralConfig, MixtralForCausalLM

    experts = {"num_local_experts": 5, "num_experts_per_tok": 2}
    sizes = _SIZES | experts | {"output_router_logits": True} | changes
    return _compare("Mixtral", MixtralForCausalLM, MixtralConfig(**sizes))


def _compare(family: str, build: Callable[..., nn.Module], their_config: Any) -> Parity:
    """Logits of the real tokens, and gradients of the loss on them."""
    config = llama_config_from_hugging_face(their_config.to_dict())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs, ours = build(their_config).eval(), Llama(config).eval()
    randomise(theirs, seed=1)
    load_weights(ours, llama_from_hugging_face(theirs.state_dict(), config))

    generator = torch.Generator().manual_seed(2)
    shape = (len(_LENGTHS), max(_LENGTHS))
    token_ids = torch.randint(config.vocab_size, shape, generator=generator)
    mask = padding_mask(torch.tensor(_LENGTHS), max(_LENGTHS), left=True)
    real, positions = mask[:, 0, 0], real_positions(mask)
    asked = {"attention_mask": real.long(), "position_ids": positions}
    their_output = theirs(token_ids, use_cache=False, **asked)
    with record_router_logits(ours) as recorded:
        our_logits = ours(token_ids, mask=mask, positions=positions)
    our_outputs = {"logits": our_logits[real]}
    their_outputs = {"logits": their_output.logits[real]}
    if config.n_experts is not None:
        routers = torch.cat([logits[real.flatten()] for logits in recorded])
        our_outputs["balance"] = load_balancing_loss(routers, config.n_active_experts)
        their_outputs["balance"] = their_output.aux_loss  # padding left out there too
    for outputs in (our_outputs, their_outputs):
        _loss(outputs, token_ids[real]).backward()
    their_gradients = {name: p.grad for name, p in theirs.named_parameters()}
    return compare(
        family,
        f"transformers.{build.__name__}",
        our_outputs,
        their_outputs,
        gradients(ours),
        llama_from_hugging_face(their_gradients, config),
    )


def _loss(outputs: dict[str, Tensor], token_ids: Tensor) -> Tensor:
    """The loss of a text, averaged over texts, and the balance of experts."""
    # Averaged over tokens, gradients would be so small that errors were, too.
    loss = nn.functional.cross_entropy(outputs["logits"], token_ids, reduction="sum")
    return loss / len(_LENGTHS) + outputs.get("balance", 0.0)
