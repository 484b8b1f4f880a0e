"""The n-gram GPT against its formulas, in the functions of PyTorch.

No library has this model. Its hashes are computed with Python's whole numbers, its
rotation as one of complex numbers, all else by `torch.nn.functional`, from the same
weights.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from llm_notes.models.ngram_gpt import NgramGPT, NgramGPTConfig
from llm_notes.parity.case import Parity, compare, gradients, randomise

_CONFIG = NgramGPTConfig(
    47, 15, n_layers=3, n_heads=2, d_model=20, d_ff=33, orders=(2, 4), n_buckets=61
)
_ROWS, _LENGTH = 3, 13


def ngram_gpt() -> Parity:
    """Logits of each position, and gradients of the loss on them."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ours = NgramGPT(_CONFIG)
    randomise(ours, seed=1)
    generator = torch.Generator().manual_seed(2)
    shape = (_ROWS, _LENGTH)
    token_ids = torch.randint(_CONFIG.vocab_size, shape, generator=generator)
    theirs = {
        name: p.detach().clone().requires_grad_() for name, p in ours.named_parameters()
    }
    our_logits, their_logits = ours(token_ids), _logits(theirs, token_ids)
    for logits in (our_logits, their_logits):
        losses = F.cross_entropy(logits.transpose(1, 2), token_ids, reduction="sum")
        (losses / _ROWS).backward()
    return compare(
        "n-gram GPT",
        "torch.nn.functional",
        {"logits": our_logits},
        {"logits": their_logits},
        gradients(ours),
        {name: tensor.grad for name, tensor in theirs.items()},
    )


def _logits(weights: Mapping[str, Tensor], token_ids: Tensor) -> Tensor:
    """The model written out: ids (B, T) to logits (B, T, V)."""
    d_model, n_heads = _CONFIG.d_model, _CONFIG.n_heads
    d_head = d_model // n_heads

    def norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"])

    x = weights["token_embedding.weight"][token_ids]
    for i, order in enumerate(_CONFIG.orders):
        texts = token_ids.tolist()
        rows = [[_bucket(text, t, order) for t in range(_LENGTH)] for text in texts]
        x = x + weights[f"ngram_embedding.tables.{i}"][torch.tensor(rows)]
    x = norm(x, "first_norm")
    for layer in range(_CONFIG.n_layers):
        name = f"blocks.{layer}"
        h = norm(x, f"{name}.attention_norm")
        q, k, v = (
            F.linear(h, weights[f"{name}.attention.{part}_proj.weight"])
            .view(*h.shape[:2], n_heads, d_head)
            .transpose(1, 2)
            for part in "qkv"
        )
        q = _rotated(norm(q, f"{name}.attention.q_norm"))
        k = _rotated(norm(k, f"{name}.attention.k_norm"))
        h = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=8 / d_head)
        h = h.transpose(1, 2).flatten(2)
        x = x + F.linear(h, weights[f"{name}.attention.o_proj.weight"])
        h = norm(x, f"{name}.feed_forward_norm")
        h = F.relu(F.linear(h, weights[f"{name}.feed_forward.up_proj.weight"])) ** 2
        x = x + F.linear(h, weights[f"{name}.feed_forward.down_proj.weight"])
    return F.linear(norm(x, "final_norm"), weights["head.weight"])


def _bucket(row: list[int], t: int, order: int) -> int:
    """The row of the n-gram that ends at place t, newest token first."""
    tokens = [row[t - k] if t >= k else _CONFIG.vocab_size for k in range(order)]
    hashed = tokens[0] + 1
    for token in tokens[1:]:
        hashed = (hashed * 0x5BD1E995 + token + 1) % 2**31
    return ((hashed ^ hashed >> 15) * 0x9E3779B1 >> 24) % _CONFIG.n_buckets


def _rotated(x: Tensor) -> Tensor:
    """Number i and number i + K/2 as one complex number, turned by its place."""
    half = x.size(-1) // 2
    speeds = 10_000.0 ** -(torch.arange(half) / half)
    angles = torch.arange(x.size(-2))[:, None] * speeds
    turned = torch.complex(x[..., :half], x[..., half:]) * torch.polar(
        torch.ones_like(angles), angles
    )
    return torch.cat([turned.real, turned.imag], dim=-1)
