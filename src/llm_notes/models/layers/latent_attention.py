"""Multi-head latent attention: the cache keeps one short vector for all heads.

Keys and values of all heads are made from a latent vector, which is all that has to be
remembered, beside one rotated key that the heads share. It takes the place of
`MultiHeadAttention` in a block, and knows nothing of what stands around it.
"""

import torch
from torch import Tensor, nn

from llm_notes.models.layers.attention import attend
from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.inputs import require_mask
from llm_notes.models.layers.mask import causal_mask
from llm_notes.models.layers.norm import RMSNorm
from llm_notes.models.layers.rotary import RotaryPosition


class LatentAttention(nn.Module):
    r"""Attention over compressed keys and values (MLA; Liu et al. 2024, section 2.1).

    $$c_t = \mathrm{Norm}(W^{DKV} x_t), \qquad
      k_{t,i} = [W_i^{UK} c_t;\ R_t W^{KR} x_t], \qquad v_{t,i} = W_i^{UV} c_t$$
    $$c'_t = \mathrm{Norm}(W^{DQ} x_t), \qquad
      q_{t,i} = [W_i^{UQ} c'_t;\ R_t W_i^{QR} c'_t]$$
    $$\mathrm{head}_i = \mathrm{Attention}(q_i, k_i, v_i), \qquad
      y_t = W^O\, [\mathrm{head}_1; \dots; \mathrm{head}_H]$$

    These are the paper's equations 9 to 19, with the norms of its section 3.1.2. A
    rotation between $W^{UK}$ and the latent would have to be undone for each query;
    hence it acts on a few numbers of their own, one key of them for all heads. Without
    it the scores are products with the latent itself, $(W_i^{UK\top} q) \cdot c_t$:
    latent attention is multi-query attention with wide heads.

    Args:
        d_model: D, width of input and output.
        n_heads: H.
        d_latent: R, width of the latent that keys and values are made of.
        d_content: K, width of each head's query and key without the rotated part.
        d_rotary: width of the rotated part; even.
        d_value: W, width of each head's value.
        rotary: turns the rotated parts by their position; its width is `d_rotary`.
            DeepSeek's weights are for the interleaved layout.
        d_query_latent: width of the queries' own latent; when not given, queries are
            made from x, without a norm.
        is_causal: whether a query sees only itself and what came before it.
        norm_eps: added to the mean square in the norms of the latents.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        d_latent: int,
        d_content: int,
        d_rotary: int,
        d_value: int,
        rotary: RotaryPosition,
        d_query_latent: int | None = None,
        is_causal: bool = False,
        norm_eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.is_causal = is_causal
        self.rotary = rotary
        self.q_latent_proj, self.q_norm = nn.Identity(), nn.Identity()
        d_query = d_model
        if d_query_latent is not None:
            d_query = d_query_latent
            self.q_latent_proj = nn.Linear(d_model, d_query, bias=False)
            self.q_norm = RMSNorm(d_query, norm_eps)
        self.q_proj = nn.Linear(d_query, n_heads * d_content, bias=False)
        self.q_rotary_proj = nn.Linear(d_query, n_heads * d_rotary, bias=False)
        self.kv_latent_proj = nn.Linear(d_model, d_latent, bias=False)
        self.kv_norm = RMSNorm(d_latent, norm_eps)
        self.k_proj = nn.Linear(d_latent, n_heads * d_content, bias=False)
        self.k_rotary_proj = nn.Linear(d_model, d_rotary, bias=False)
        self.v_proj = nn.Linear(d_latent, n_heads * d_value, bias=False)
        self.o_proj = nn.Linear(n_heads * d_value, d_model, bias=False)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        bias: Tensor | None = None,
        positions: Tensor | None = None,
        cache: KeyValueCache | None = None,
        layer: int = 0,
        return_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend from x to itself.

        Args:
            x: (B, T, D).
            mask: boolean, broadcasts to (B, H, T, S), True where a query may look;
                with `is_causal` it is a further limit. S counts the cached keys too.
            bias: broadcasts to (B, H, T, S), added to the scores.
            positions: (T,) or (B, T), for the rotation; those after the cached ones
                when not given.
            cache: latents and rotated keys of earlier tokens; the new ones are
                appended, as one head each.
            layer: this layer's place in the cache.
            return_weights: compute the weights in the open and return them; otherwise
                PyTorch's fused kernel is used.

        Returns:
            output (B, T, D) and the weights (B, H, T, S), or None when not asked for.
        """
        past = 0 if cache is None else cache.length_of(layer)
        n_keys = past + x.size(1)
        if mask is not None:  # before anything is written to the cache
            require_mask(mask, x.size(0), self.n_heads, x.size(1), n_keys)
        if positions is None:
            positions = torch.arange(past, past + x.size(1), device=x.device)
        query = self.q_norm(self.q_latent_proj(x))
        turned = self.rotary(self._split_heads(self.q_rotary_proj(query)), positions)
        q = torch.cat([self._split_heads(self.q_proj(query)), turned], dim=-1)

        latent = self.kv_norm(self.kv_latent_proj(x))[:, None]  # (B, 1, T, R)
        shared = self.rotary(self.k_rotary_proj(x)[:, None], positions)
        if cache is not None:
            latent, shared = cache.append(layer, latent, shared)  # (B, 1, S, R)
        k = self._split_heads(self.k_proj(latent[:, 0]))  # (B, H, S, K)
        k = torch.cat([k, shared.expand(-1, self.n_heads, -1, -1)], dim=-1)
        v = self._split_heads(self.v_proj(latent[:, 0]))  # (B, H, S, W)

        if self.is_causal:
            causal = causal_mask(q.size(2), n_keys, x.device)
            mask = causal if mask is None else mask & causal
        output, weights = attend(q, k, v, mask, bias, return_weights=return_weights)
        output = output.transpose(1, 2).flatten(start_dim=2)  # heads side by side
        return self.o_proj(output), weights

    def _split_heads(self, x: Tensor) -> Tensor:
        """(B, T, heads * K) -> (B, heads, T, K)"""
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)


def latent_cache_bytes(
    n_layers: int, d_latent: int, d_rotary: int, bytes_per_number: int = 2
) -> int:
    """What latent attention remembers of one token (Liu et al. 2024, table 1).

    L (R + d_rotary) numbers; the number of heads does not matter.
    """
    return n_layers * (d_latent + d_rotary) * bytes_per_number


def key_value_cache_bytes(
    n_layers: int, n_kv_heads: int, d_head: int, bytes_per_number: int = 2
) -> int:
    """What `MultiHeadAttention` remembers of one token: 2 L G K numbers.

    G is H in multi-head, 1 in multi-query attention, and between in grouped-query.
    """
    return 2 * n_layers * n_kv_heads * d_head * bytes_per_number
