"""A GPT's decode step, flat: the same arithmetic without the modules around it.

A small model spends most of a decode step between the operations, not in them: modules
are called, masks built, keys and values copied to a longer store. Here the weights are
laid out once (transposed; query, key and value side by side), the store has its final
size, and a step is a straight list of operations, some 13 for each layer. It computes
what `GPT.forward` computes, and the tests hold it to that.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from llm_notes.models.gpt import GPT
from llm_notes.models.layers.attention import MultiHeadAttention
from llm_notes.models.layers.block import PreNormBlock
from llm_notes.models.layers.cache import StaticKeyValueCache
from llm_notes.models.layers.embedding import TokenEmbedding
from llm_notes.models.layers.feedforward import FeedForward, gelu_tanh
from llm_notes.models.layers.mask import real_positions
from llm_notes.models.layers.norm import LayerNorm
from llm_notes.models.layers.position import LearnedPosition
from llm_notes.models.layers.rotary import RotaryPosition
from llm_notes.runtime import count_parameters

LARGE = 20_000_000  # parameters: from here on the products take the time
# What a GPT is made of; any other part may compute something else.
_PARTS = {
    *(GPT, nn.ModuleList, PreNormBlock, MultiHeadAttention, FeedForward, LayerNorm),
    *(nn.Linear, nn.Dropout, TokenEmbedding, LearnedPosition, RotaryPosition),
}


class GPTDecoder:
    """Prefill by the model, then steps of one token for each row.

    Args:
        model: a GPT for which `fits` is true.
        batch_size: B.
        max_length: positions that are read at most.
    """

    def __init__(self, model: GPT, batch_size: int, max_length: int) -> None:
        config = model.config
        self.model, self.max_length = model, max_length
        self._layers = [_layer_weights(block) for block in model.blocks]
        self._table = model.token_embedding.weight  # (V, D)
        self._head = self._table.t().contiguous()  # (D, V)
        norm = model.final_norm
        self._final_norm = norm.weight, norm.bias, norm.eps
        self._d_model, self._n_heads = config.d_model, config.n_heads
        d_head = config.d_model // config.n_heads
        # All layers in one store, so that a step cuts it once: L, B, 2, H, S, K.
        sizes = (config.n_layers, batch_size, 2, config.n_heads, max_length, d_head)
        self._store = self._table.new_empty(sizes)
        self._scale = 1 / math.sqrt(d_head)
        self._length = 0
        self._mask: Tensor | None = None  # (B, 1, 1, S)
        self._positions: Tensor | None = None  # (B,), where rows are padded

    @staticmethod
    def fits(model: nn.Module) -> bool:
        """Whether the list of operations is what this model would do.

        It is not when a part was replaced (quantised, adapted, watched by a hook), or
        when dropout is at work. A large model would gain little and be copied whole.
        """
        if type(model) is not GPT or (model.training and model.config.dropout):
            return False
        if count_parameters(model) > LARGE:
            return False
        parts = list(model.modules())
        if any(part._forward_hooks or part._forward_pre_hooks for part in parts):
            return False
        rotaries = [block.attention.rotary for block in model.blocks]
        if rotaries[0] is not None and rotaries[0].interleaved:
            return False
        if any(rotary is not rotaries[0] for rotary in rotaries):
            return False
        # Heads may have been pruned; the store has those of the configuration.
        plain = (model.config.n_heads, None, None, None, None)
        return all(type(part) in _PARTS for part in parts) and all(
            (a.n_heads, a.window, a.scale, a.q_norm, a.k_norm) == plain
            and f.activation is gelu_tanh
            for a, f in ((b.attention, b.feed_forward) for b in model.blocks)
        )

    def prefill(self, prompt_ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """See `Decoder.prefill`; the model itself reads the prompt.

        Raises:
            ValueError: when the store was made for other rows, or fewer positions.
        """
        room = (self._store.size(1), self.max_length)
        if prompt_ids.size(0) != room[0] or prompt_ids.size(1) > room[1]:
            raise ValueError(
                f"the store is for (rows, positions) {room}, and the prompts are "
                f"{tuple(prompt_ids.shape)}"
            )
        cache = StaticKeyValueCache(prompt_ids.size(1))
        self._mask = self._positions = None
        if mask is None:
            logits = self.model(prompt_ids, cache=cache)
        else:
            allowed = mask[:, None, None, :]  # (B, 1, 1, T)
            positions = real_positions(allowed)
            logits = self.model(
                prompt_ids, mask=allowed, positions=positions, cache=cache
            )
            n_new = self.max_length - mask.size(1)
            self._mask = F.pad(allowed, (0, n_new), value=True)
            self._positions = positions[:, -1]
        self._length = prompt_ids.size(1)
        for layer, store in enumerate(self._store):
            keys, values = cache.stored(layer)
            store[:, 0, :, : self._length] = keys
            store[:, 1, :, : self._length] = values
        return logits[:, -1]

    def step(self, token_ids: Tensor) -> Tensor:
        """See `Decoder.step`."""
        if self._length >= self.max_length:
            raise ValueError(f"the store is full: max_length = {self.max_length}")
        n_rows, place = token_ids.size(0), self._length
        self._length += 1
        by_head = (n_rows, 3, self._n_heads, self._d_model // self._n_heads)
        width = (self._d_model,)
        mask = None
        if self._mask is not None:
            mask = self._mask[..., : self._length]
            self._positions = self._positions + 1
        x = self._table.index_select(0, token_ids[:, 0])  # (B, D)
        turn = self._turn(place)
        if turn is None:
            table = self.model.position_embedding.weight
            x = x + (table[place] if mask is None else table[self._positions])

        new = self._store.select(4, place).unbind(0)  # L of (B, 2, H, K)
        known = self._store.narrow(4, 0, self._length)
        all_keys, all_values = (
            known.select(2, 0).unbind(0),
            known.select(2, 1).unbind(0),
        )
        for weights, slot, keys, values in zip(
            self._layers, new, all_keys, all_values, strict=True
        ):
            norm_1, qkv, o, norm_2, up, down = weights
            h = torch.layer_norm(x, width, *norm_1)
            heads = torch.addmm(qkv[1], h, qkv[0]).view(by_head)  # (B, 3, H, K)
            if turn is not None:
                heads[:, :2] = _turned(heads[:, :2], turn)
            slot.copy_(heads[:, 1:])
            q = heads.select(1, 0).unsqueeze(2)  # (B, H, 1, K)
            h = F.scaled_dot_product_attention(q, keys, values, mask, scale=self._scale)
            x = x + torch.addmm(o[1], h.view(n_rows, -1), o[0])
            h = torch.layer_norm(x, width, *norm_2)
            h = F.gelu(torch.addmm(up[1], h, up[0]), approximate="tanh")
            x = x + torch.addmm(down[1], h, down[0])
        return torch.layer_norm(x, width, *self._final_norm) @ self._head

    def select(self, rows: Tensor) -> None:
        """See `Decoder.select`."""
        if len(rows) == self._store.size(1):
            known = self._store[..., : self._length, :]
            known.copy_(known.index_select(1, rows))
        else:
            self._store = self._store.index_select(1, rows)
        if self._mask is not None:
            self._mask, self._positions = self._mask[rows], self._positions[rows]

    def _turn(self, place: int) -> tuple[Tensor, Tensor] | None:
        """Cosines and sines of this step's places, or None with a position table."""
        rotary = self.model.blocks[0].attention.rotary
        if rotary is None:
            return None
        if self._positions is None:
            return rotary.cos[place], rotary.sin[place]  # (K,)
        rows = rotary.cos[self._positions], rotary.sin[self._positions]  # (B, K)
        return rows[0][:, None, None], rows[1][:, None, None]


def _turned(heads: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate queries and keys (B, 2, H, K), as `RotaryPosition` does (half-split)."""
    cos, sin = turn
    a, b = heads.chunk(2, dim=-1)
    return heads * cos + torch.cat([-b, a], dim=-1) * sin


def _layer_weights(block: nn.Module) -> tuple:
    """What a step needs of one block: transposed weights (in, out) with biases."""
    attention, feed_forward = block.attention, block.feed_forward
    return (
        _norm(block.attention_norm),
        _side_by_side(attention.q_proj, attention.k_proj, attention.v_proj),
        _side_by_side(attention.o_proj),
        _norm(block.feed_forward_norm),
        _side_by_side(feed_forward.up_proj),
        _side_by_side(feed_forward.down_proj),
    )


def _norm(norm: nn.Module) -> tuple[Tensor, Tensor | None, float]:
    return norm.weight, norm.bias, norm.eps


def _side_by_side(*projections: nn.Linear) -> tuple[Tensor, Tensor]:
    weight = torch.cat([p.weight for p in projections]).t().contiguous()
    if projections[0].bias is None:
        return weight, weight.new_zeros(weight.size(1))
    return weight, torch.cat([p.bias for p in projections])
