"""Names of checkpoints: pure maps between other libraries' state dicts and ours.

This is the only place that knows how somebody else names or lays out a weight.
Nothing is read from disk or from the network here.
"""

import re

import torch
from torch import Tensor

StateDict = dict[str, Tensor]

# GPT-2 stores the four kinds of linear map transposed (its Conv1D is x @ W), and q, k
# and v side by side in one matrix.
_GPT2_BLOCK = {
    "ln_1": "attention_norm",
    "ln_2": "feed_forward_norm",
    "attn.c_proj": "attention.o_proj",
    "mlp.c_fc": "feed_forward.up_proj",
    "mlp.c_proj": "feed_forward.down_proj",
}
_GPT2_WHOLE = {
    "transformer.wte.weight": "token_embedding.weight",
    "transformer.wpe.weight": "position_embedding.weight",
    "transformer.ln_f.weight": "final_norm.weight",
    "transformer.ln_f.bias": "final_norm.bias",
}
_CONV1D = ("attention.o_proj", "feed_forward.up_proj", "feed_forward.down_proj")


def gpt2_from_hugging_face(state_dict: StateDict) -> StateDict:
    """Map the state dict of `transformers.GPT2LMHeadModel` to that of `GPT`.

    Args:
        state_dict: names to tensors, as `model.state_dict()` returns it.

    Returns:
        a new dict that `GPT(config).load_state_dict` accepts. Tensors may share
        memory with the given ones.

    Raises:
        ValueError: when a name is not one of GPT-2's.
    """
    ours: StateDict = {}
    for name, tensor in state_dict.items():
        if name == "lm_head.weight" or name.endswith(
            (".attn.bias", ".attn.masked_bias")
        ):
            continue  # tied to the embedding; and buffers that hold a causal mask
        if name in _GPT2_WHOLE:
            ours[_GPT2_WHOLE[name]] = tensor
            continue
        match = re.fullmatch(r"transformer\.h\.(\d+)\.(.+)\.(weight|bias)", name)
        if match is None or match[2] not in {*_GPT2_BLOCK, "attn.c_attn"}:
            raise ValueError(
                f"{name!r} is not a weight of GPT-2: expected the state dict of "
                "transformers.GPT2LMHeadModel"
            )
        block, part, kind = match.groups()
        if part == "attn.c_attn":
            thirds = tensor.chunk(3, dim=-1)  # q, k, v side by side
            for letter, third in zip("qkv", thirds, strict=True):
                ours[f"blocks.{block}.attention.{letter}_proj.{kind}"] = third.t()
        else:
            part = _GPT2_BLOCK[part]
            ours[f"blocks.{block}.{part}.{kind}"] = (
                tensor.T if part in _CONV1D and kind == "weight" else tensor
            )
    return ours


def gpt2_to_hugging_face(state_dict: StateDict) -> StateDict:
    """Map the state dict of `GPT` to that of `transformers.GPT2LMHeadModel`.

    The inverse of `gpt2_from_hugging_face`; `lm_head.weight` is given as well.

    Raises:
        ValueError: when a name is not one of our GPT's.
    """
    whole = {ours: theirs for theirs, ours in _GPT2_WHOLE.items()}
    parts = {ours: theirs for theirs, ours in _GPT2_BLOCK.items()}
    theirs: StateDict = {}
    for name, tensor in state_dict.items():
        if name in whole:
            theirs[whole[name]] = tensor
            continue
        match = re.fullmatch(r"blocks\.(\d+)\.(.+)\.(weight|bias)", name)
        if match is None:
            raise ValueError(f"{name!r} is not a weight of llm_notes' GPT")
        block, part, kind = match.groups()
        if part in parts:
            theirs[f"transformer.h.{block}.{parts[part]}.{kind}"] = (
                tensor.T if part in _CONV1D and kind == "weight" else tensor
            )
        elif part == "attention.q_proj":
            prefix = f"blocks.{block}.attention."
            qkv = [state_dict[f"{prefix}{c}_proj.{kind}"].t() for c in "qkv"]
            theirs[f"transformer.h.{block}.attn.c_attn.{kind}"] = torch.cat(qkv, dim=-1)
        elif part not in ("attention.k_proj", "attention.v_proj"):
            raise ValueError(f"{name!r} is not a weight of llm_notes' GPT")
    theirs["lm_head.weight"] = state_dict["token_embedding.weight"]
    return theirs
