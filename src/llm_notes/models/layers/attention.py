"""Attention: each query takes a weighted average of values, weighted by its keys.

Three forms, from the oldest to the one in use: additive, scaled dot-product, and
multi-head, which is self-attention or cross-attention depending on what it is given.
What belongs to the architecture (causal, a window, rotations) is a constructor's
argument; what belongs to a batch (padding, documents) is a mask (True = may attend).
"""

import math

import torch
from torch import Tensor, nn

from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.inputs import require_mask
from llm_notes.models.layers.mask import causal_mask
from llm_notes.models.layers.rotary import RotaryPosition


def scaled_dot_product_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    bias: Tensor | None = None,
    scale: float | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Weighted average of values (Vaswani et al. 2017, equation 1).

    $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}(Q K^\top / \sqrt{d_k})\, V$$

    Args:
        q: (..., T, K) queries.
        k: (..., S, K) keys.
        v: (..., S, W) values; their width W may differ from K.
        mask: boolean, broadcasts to (..., T, S), True where a query may look.
        bias: broadcasts to (..., T, S), added to the scores (ALiBi, T5).
        scale: what scores are multiplied by; 1 / sqrt(K) when not given.

    Returns:
        output: (..., T, W) and weights: (..., T, S), whose rows sum to one. The row
        of a query that may look at nothing (padding) is zero, as in PyTorch.

    Raises:
        ValueError: when queries and keys differ in width, or keys and values in number.
    """
    if q.size(-1) != k.size(-1):
        raise ValueError(
            f"queries have width {q.size(-1)} and keys {k.size(-1)}: "
            "a dot product needs equal widths"
        )
    if k.size(-2) != v.size(-2):
        raise ValueError(
            f"{k.size(-2)} keys but {v.size(-2)} values: each key needs one value"
        )
    d_head = q.size(-1)
    scale = 1 / math.sqrt(d_head) if scale is None else scale
    scores = q @ k.transpose(-2, -1) * scale  # (..., T, S)
    if bias is not None:
        scores = scores + bias.to(scores.dtype)
    if mask is None:
        weights = scores.softmax(dim=-1)  # rows sum to one
    else:
        # The lowest number instead of -inf: a row with nothing to see would be 0/0.
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        weights = scores.softmax(dim=-1).masked_fill(~mask, 0.0)
    return weights @ v, weights


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    bias: Tensor | None = None,
    scale: float | None = None,
    dropout: float = 0.0,
    is_causal: bool = False,
    return_weights: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """`scaled_dot_product_attention`, by PyTorch's fused kernel where it can be.

    Args:
        dropout: share of the weights that is dropped.
        is_causal: let the kernel mask the future itself; for T = S, without a mask.
        return_weights: compute the weights in the open and return them. The kernel
            never stores the (T, S) matrix.

    Returns:
        output (..., T, W), and the weights (..., T, S) or None.
    """
    if return_weights:
        output, weights = scaled_dot_product_attention(q, k, v, mask, bias, scale)
        if dropout:
            output = nn.functional.dropout(weights, dropout) @ v
        return output, weights
    if bias is not None and mask is not None:
        bias = bias.masked_fill(~mask, -math.inf)
    output = nn.functional.scaled_dot_product_attention(
        q,
        k,
        v,
        attn_mask=mask if bias is None else bias.to(q.dtype),
        dropout_p=dropout,
        is_causal=is_causal,
        scale=scale,
    )
    return output, None


class AdditiveAttention(nn.Module):
    r"""Scores from a small network (Bahdanau, Cho, Bengio 2015, section 3.1 and A.1.2).

    $$e_{ts} = v^\top \tanh(W_q q_t + W_k k_s), \qquad
      \alpha_{t\cdot} = \mathrm{softmax}(e_{t\cdot}), \qquad
      c_t = \sum_s \alpha_{ts} v_s$$

    Args:
        d_query, d_key: widths of queries and keys, which may differ.
        d_attention: width of the hidden layer that compares them.
    """

    def __init__(self, d_query: int, d_key: int, d_attention: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(d_query, d_attention, bias=False)
        self.k_proj = nn.Linear(d_key, d_attention, bias=False)
        self.score = nn.Linear(d_attention, 1, bias=False)

    def forward(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor | None = None,
        mask: Tensor | None = None,
        projected_keys: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Attend from `query` (B, T, Dq) to `keys` (B, S, Dk).

        Args:
            values: (B, S, W); the keys themselves when not given, as in the paper.
            mask: boolean, broadcasts to (B, T, S), True where a query may look.
            projected_keys: (B, S, A), `k_proj(keys)`, for a decoder that attends to
                the same keys step by step; computed when not given.

        Returns:
            context: (B, T, W) and weights: (B, T, S), whose rows sum to one.
        """
        values = keys if values is None else values
        if projected_keys is None:
            projected_keys = self.k_proj(keys)
        # (B, T, 1, A) + (B, 1, S, A): every query beside every key.
        compared = self.q_proj(query)[:, :, None] + projected_keys[:, None]
        scores = self.score(compared.tanh()).squeeze(-1)  # (B, T, S)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ values, weights


class MultiHeadAttention(nn.Module):
    r"""Attention in H heads at once (Vaswani et al. 2017, section 3.2.2).

    $$\mathrm{MultiHead}(X, M) = [\mathrm{head}_1; \dots; \mathrm{head}_H]\, W^O, \quad
      \mathrm{head}_i = \mathrm{Attention}(X W_i^Q, M W_i^K, M W_i^V)$$

    With M = X it is self-attention; with M from an encoder it is cross-attention.
    With fewer key/value heads G than query heads H, each serves H / G query heads
    (grouped-query attention, Ainslie et al. 2023; G = 1 is multi-query, Shazeer 2019).

    Args:
        d_model: D, width of input and output.
        n_heads: H.
        n_kv_heads: G; H when not given.
        d_head: K, width of a head; D / H when not given.
        bias: whether the four projections have one.
        dropout: share of attention weights and outputs dropped while training.
        is_causal: whether a query sees only itself and what came before it.
        window: how many positions a causal query sees at most, itself included.
        rotary: turns queries and keys by their position (self-attention only).
        q_norm, k_norm: layers (..., K) -> (..., K) for queries and keys of each head
            before they are turned (QK-norm).
        scale: what scores are multiplied by; 1 / sqrt(K) when not given (T5 has 1).

    Raises:
        ValueError: when D is not divisible by H and no `d_head` is given, H not by G,
            or a window is given without `is_causal`.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        n_kv_heads: int | None = None,
        d_head: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        is_causal: bool = False,
        window: int | None = None,
        rotary: RotaryPosition | None = None,
        q_norm: nn.Module | None = None,
        k_norm: nn.Module | None = None,
        scale: float | None = None,
    ) -> None:
        super().__init__()
        n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
        if min(n_heads, n_kv_heads) < 1:
            raise ValueError(
                f"n_heads = {n_heads} and n_kv_heads = {n_kv_heads} must be at least 1"
            )
        if d_head is None and d_model % n_heads:
            raise ValueError(
                f"d_model = {d_model} is not divisible by n_heads = {n_heads}"
            )
        if n_heads % n_kv_heads:
            raise ValueError(
                f"n_heads = {n_heads} is not divisible by n_kv_heads = {n_kv_heads}"
            )
        if window is not None and (window < 1 or not is_causal):
            raise ValueError(
                f"window = {window}, is_causal = {is_causal}: a window counts the last "
                "keys of a causal attention, at least 1"
            )
        self.n_heads, self.n_kv_heads = n_heads, n_kv_heads
        self.d_head = d_model // n_heads if d_head is None else d_head
        self.dropout = dropout
        self.is_causal, self.window = is_causal, window
        self.rotary = rotary
        self.scale = scale
        self.q_proj = nn.Linear(d_model, n_heads * self.d_head, bias=bias)
        self.k_proj = nn.Linear(d_model, n_kv_heads * self.d_head, bias=bias)
        self.v_proj = nn.Linear(d_model, n_kv_heads * self.d_head, bias=bias)
        self.o_proj = nn.Linear(n_heads * self.d_head, d_model, bias=bias)
        self.q_norm, self.k_norm = q_norm, k_norm
        self.output_dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        memory: Tensor | None = None,
        mask: Tensor | None = None,
        bias: Tensor | None = None,
        positions: Tensor | None = None,
        cache: KeyValueCache | None = None,
        layer: int = 0,
        return_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend from x to itself, or to `memory`.

        Args:
            x: (B, T, D) the positions that ask.
            memory: (B, S, D) what is looked at; x itself when not given.
            mask: boolean, broadcasts to (B, H, T, S), True where a query may look;
                with `is_causal` it is a further limit. S counts the cached keys too.
            bias: broadcasts to (B, H, T, S), added to the scores.
            positions: (T,) or (B, T), for the rotation; those after the cached ones
                when not given.
            cache: keys and values of earlier tokens; the new ones are appended. Those
                of `memory` are computed once and kept.
            layer: this layer's place in the cache.
            return_weights: compute the weights in the open and return them; otherwise
                PyTorch's fused kernel is used, which never stores the (T, S) matrix.

        Returns:
            output (B, T, D) and the weights (B, H, T, S), or None when not asked for.
        """
        if memory is not None and (self.is_causal or self.rotary is not None):
            raise ValueError(
                "causal attention and rotations belong to self-attention, and memory "
                "was given"
            )
        past = 0 if cache is None or memory is not None else cache.length_of(layer)
        n_keys = past + x.size(1) if memory is None else memory.size(1)
        if mask is not None:  # before anything is written to the cache
            require_mask(mask, x.size(0), self.n_heads, x.size(1), n_keys)
        q = self._split_heads(self.q_proj(x), self.n_heads)  # (B, H, T, K)
        if self.q_norm is not None:
            q = self.q_norm(q)
        if memory is not None:
            k, v = self._keys_and_values_of_memory(memory, cache, layer)
        else:
            k, v = self._keys_and_values(x)  # (B, G, T, K)
            if self.rotary is not None:
                if positions is None:
                    positions = torch.arange(past, past + x.size(1), device=x.device)
                q, k = self.rotary(q, positions), self.rotary(k, positions)
            if cache is not None:
                k, v = cache.append(layer, k, v)  # (B, G, S, K)
        if self.n_kv_heads != self.n_heads:
            k = k.repeat_interleave(self.n_heads // self.n_kv_heads, dim=1)
            v = v.repeat_interleave(self.n_heads // self.n_kv_heads, dim=1)

        dropout = self.dropout if self.training else 0.0
        # The kernel's own causal mask is the fastest; it needs T = S and nothing else.
        plain = mask is None and bias is None and self.window is None and past == 0
        kernel_is_causal = self.is_causal and plain and not return_weights
        # A single query that comes last may look at everything before it.
        sees_all = q.size(2) == 1 and self.window is None
        if self.is_causal and not kernel_is_causal and not sees_all:
            causal = causal_mask(q.size(2), n_keys, x.device, self.window)
            mask = causal if mask is None else mask & causal
        output, weights = attend(
            q, k, v, mask, bias, self.scale, dropout, kernel_is_causal, return_weights
        )
        output = output.transpose(1, 2).flatten(start_dim=2)  # heads side by side
        return self.output_dropout(self.o_proj(output)), weights

    def _keys_and_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        k = self._split_heads(self.k_proj(x), self.n_kv_heads)
        if self.k_norm is not None:
            k = self.k_norm(k)
        return k, self._split_heads(self.v_proj(x), self.n_kv_heads)

    def _keys_and_values_of_memory(
        self, memory: Tensor, cache: KeyValueCache | None, layer: int
    ) -> tuple[Tensor, Tensor]:
        if cache is None:
            return self._keys_and_values(memory)
        return cache.of_memory(layer, memory, self._keys_and_values)

    def _split_heads(self, x: Tensor, n_heads: int) -> Tensor:
        """(B, T, heads * K) -> (B, heads, T, K)"""
        return x.unflatten(-1, (n_heads, self.d_head)).transpose(1, 2)
