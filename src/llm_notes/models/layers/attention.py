"""Attention: each query takes a weighted average of values, weighted by its keys.

Three forms, from the oldest to the one in use: additive, scaled dot-product, and
multi-head, which is self-attention or cross-attention depending on what it is given.
It knows of positions only what it is given: a mask says who may look at whom (True =
may attend), and a rotation may turn queries and keys by their place.
"""

import math

from torch import Tensor, nn

from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.position import RotaryPosition


def scaled_dot_product_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    r"""Weighted average of values (Vaswani et al. 2017, equation 1).

    $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}(Q K^\top / \sqrt{d_k})\, V$$

    Args:
        q: (..., T, K) queries.
        k: (..., S, K) keys.
        v: (..., S, W) values; their width W may differ from K.
        mask: boolean, broadcasts to (..., T, S), True where a query may look.

    Returns:
        output: (..., T, W) and weights: (..., T, S), whose rows sum to one.

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
    scores = q @ k.transpose(-2, -1) / math.sqrt(d_head)  # (..., T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(dim=-1)  # rows sum to one
    return weights @ v, weights


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
    ) -> tuple[Tensor, Tensor]:
        """Attend from `query` (B, T, Dq) to `keys` (B, S, Dk).

        Args:
            values: (B, S, W); the keys themselves when not given, as in the paper.
            mask: boolean, broadcasts to (B, T, S), True where a query may look.

        Returns:
            context: (B, T, W) and weights: (B, T, S), whose rows sum to one.
        """
        values = keys if values is None else values
        # (B, T, 1, A) + (B, 1, S, A): every query beside every key.
        compared = self.q_proj(query)[:, :, None] + self.k_proj(keys)[:, None]
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
        n_heads: H; the head width is K = D / H.
        n_kv_heads: G; H when not given.
        bias: whether the four projections have one.
        dropout: share of attention weights and outputs dropped while training.
        rotary: turns queries and keys by their position (self-attention only).

    Raises:
        ValueError: when D is not divisible by H, or H not by G.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        n_kv_heads: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        rotary: RotaryPosition | None = None,
    ) -> None:
        super().__init__()
        n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
        if d_model % n_heads:
            raise ValueError(
                f"d_model = {d_model} is not divisible by n_heads = {n_heads}"
            )
        if n_heads % n_kv_heads:
            raise ValueError(
                f"n_heads = {n_heads} is not divisible by n_kv_heads = {n_kv_heads}"
            )
        self.n_heads, self.n_kv_heads = n_heads, n_kv_heads
        self.d_head = d_model // n_heads
        self.dropout = dropout
        self.rotary = rotary
        self.q_proj = nn.Linear(d_model, n_heads * self.d_head, bias=bias)
        self.k_proj = nn.Linear(d_model, n_kv_heads * self.d_head, bias=bias)
        self.v_proj = nn.Linear(d_model, n_kv_heads * self.d_head, bias=bias)
        self.o_proj = nn.Linear(n_heads * self.d_head, d_model, bias=bias)
        self.output_dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        memory: Tensor | None = None,
        mask: Tensor | None = None,
        cache: KeyValueCache | None = None,
        layer: int = 0,
        return_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend from x to itself, or to `memory`.

        Args:
            x: (B, T, D) the positions that ask.
            memory: (B, S, D) what is looked at; x itself when not given.
            mask: boolean, broadcasts to (B, H, T, S), True where a query may look.
            cache: keys and values of earlier tokens; the new ones are appended.
            layer: this layer's place in the cache.
            return_weights: compute the weights in the open and return them; otherwise
                PyTorch's fused kernel is used, which never stores the (T, S) matrix.

        Returns:
            output (B, T, D) and the weights (B, H, T, S), or None when not asked for.
        """
        memory = x if memory is None else memory
        q = self._split_heads(self.q_proj(x), self.n_heads)  # (B, H, T, K)
        k = self._split_heads(self.k_proj(memory), self.n_kv_heads)  # (B, G, S, K)
        v = self._split_heads(self.v_proj(memory), self.n_kv_heads)
        if self.rotary is not None:
            past = 0 if cache is None else cache.length_of(layer)
            q, k = self.rotary(q, past), self.rotary(k, past)
        if cache is not None:
            k, v = cache.append(layer, k, v)
        if self.n_kv_heads != self.n_heads:
            k = k.repeat_interleave(self.n_heads // self.n_kv_heads, dim=1)
            v = v.repeat_interleave(self.n_heads // self.n_kv_heads, dim=1)

        dropout = self.dropout if self.training else 0.0
        if return_weights:
            output, weights = scaled_dot_product_attention(q, k, v, mask)
            if dropout:
                output = nn.functional.dropout(weights, dropout) @ v
        else:
            weights = None
            output = nn.functional.scaled_dot_product_attention(
                q, k, v, attn_mask=mask, dropout_p=dropout
            )
        output = output.transpose(1, 2).flatten(start_dim=2)  # heads side by side
        return self.output_dropout(self.o_proj(output)), weights

    def _split_heads(self, x: Tensor, n_heads: int) -> Tensor:
        """(B, T, heads * K) -> (B, heads, T, K)"""
        return x.unflatten(-1, (n_heads, self.d_head)).transpose(1, 2)
