"""Faults planted in the layers: each must make a test fail."""

ATTENTION = "models/layers/attention.py"
BLOCK = "models/layers/block.py"
CACHE = "models/layers/cache.py"
CROSS = "models/layers/cross_block.py"
FEED_FORWARD = "models/layers/feedforward.py"
INPUTS = "models/layers/inputs.py"
MASK = "models/layers/mask.py"
NORM = "models/layers/norm.py"
POSITION = "models/layers/position.py"

FAULTS = [
    (ATTENTION, "1 / math.sqrt(d_head)", "1.0", "dropped 1/sqrt(d_k)"),
    (ATTENTION, "1 / math.sqrt(d_head)", "1 / d_head", "divided by d_k, not its root"),
    (
        ATTENTION,
        "scores.softmax(dim=-1)  # rows",
        "scores.softmax(dim=-2)  # rows",
        "softmax over queries",
    ),
    (
        ATTENTION,
        "scores.masked_fill(~mask, torch",
        "scores.masked_fill(mask, torch",
        "mask turned over",
    ),
    (
        ATTENTION,
        ".masked_fill(~mask, 0.0)",
        "",
        "a row with nothing to see gets something",
    ),
    (
        ATTENTION,
        "scores = scores + bias",
        "scores = scores - bias",
        "bias subtracted",
    ),
    (ATTENTION, "compared.tanh()", "compared", "additive attention without its tanh"),
    (
        ATTENTION,
        "weights @ values, weights",
        "weights @ keys, weights",
        "additive attention averages keys",
    ),
    (
        ATTENTION,
        "k.repeat_interleave(self.n_heads // self.n_kv_heads, dim=1)",
        "k.repeat(1, self.n_heads // self.n_kv_heads, 1, 1)",
        "key heads dealt out in the wrong order",
    ),
    (
        ATTENTION,
        "v.repeat_interleave(self.n_heads // self.n_kv_heads, dim=1)",
        "v.repeat(1, self.n_heads // self.n_kv_heads, 1, 1)",
        "value heads dealt out in the wrong order",
    ),
    (
        ATTENTION,
        "q, k = self.rotary(q, positions), self.rotary(k, positions)",
        "q = self.rotary(q, positions)",
        "keys not rotated",
    ),
    (
        ATTENTION,
        "torch.arange(past, past + x.size(1), device=x.device)",
        "torch.arange(0, x.size(1), device=x.device)",
        "positions start again with a cache",
    ),
    (ATTENTION, "and past == 0", "", "the kernel's own mask with a cache"),
    (
        ATTENTION,
        "bias is None and self.window is None",
        "bias is None",
        "window forgotten in the fused path",
    ),
    (
        ATTENTION,
        "q.size(2) == 1 and self.window is None",
        "q.size(2) == 1",
        "a last query with a window sees all",
    ),
    (
        ATTENTION,
        "sees_all = q.size(2) == 1",
        "sees_all = True",
        "no causal mask beside padding or a cache",
    ),
    (
        ATTENTION,
        "causal if mask is None else mask & causal",
        "causal if mask is None else mask",
        "causal mask lost where there is padding",
    ),
    (
        ATTENTION,
        "bias = bias.masked_fill(~mask, -math.inf)",
        "bias = bias",
        "mask lost where there is a bias",
    ),
    (
        ATTENTION,
        "        scale=scale,\n",
        "        scale=None,\n",
        "scale not passed to the kernel",
    ),
    (
        ATTENTION,
        "output.transpose(1, 2).flatten(start_dim=2)",
        "output.flatten(start_dim=2).unflatten(-1, (-1, q.size(2))).transpose(1, 2).flatten(start_dim=2)[..., : self.o_proj.in_features]",
        "heads put together in the wrong order",
    ),
    (
        ATTENTION,
        "self.dropout if self.training else 0.0",
        "self.dropout",
        "dropout while generating",
    ),
    (
        ATTENTION,
        "            k = self.k_norm(k)\n",
        "            k = k\n",
        "keys not normalised",
    ),
    (
        ATTENTION,
        "return cache.of_memory(layer, memory",
        "return cache.of_memory(0, memory",
        "all layers share the first one's memory",
    ),
    (
        BLOCK,
        "self.attention_norm(x),\n            mask=mask,",
        "x,\n            mask=mask,",
        "pre-norm forgotten",
    ),
    (
        BLOCK,
        "        x = x + attended\n        x = x + self.feed_forward(self",
        "        x = attended\n        x = x + self.feed_forward(self",
        "missing residual around attention",
    ),
    (
        BLOCK,
        "x = x + self.feed_forward(self.feed_forward_norm(x))",
        "x = self.feed_forward(self.feed_forward_norm(x))",
        "missing residual around the feed-forward layer",
    ),
    (
        BLOCK,
        "x = x + self.feed_forward(self.feed_forward_norm(x))",
        "x = x + self.feed_forward(self.attention_norm(x))",
        "the wrong norm",
    ),
    (
        BLOCK,
        "self.attention_norm(x + attended)",
        "x + self.attention_norm(attended)",
        "norm before the addition",
    ),
    (
        BLOCK,
        "self.feed_forward_norm(x + self.feed_forward(x))",
        "self.feed_forward_norm(self.feed_forward(x))",
        "missing residual in the post-norm block",
    ),
    (
        CROSS,
        "            mask=memory_mask,\n            cache=cache,\n            layer=layer,\n            return_weights=return_weights,\n        )\n        x = x + attended",
        "            mask=None,\n            cache=cache,\n            layer=layer,\n            return_weights=return_weights,\n        )\n        x = x + attended",
        "padding of memory looked at (pre-norm)",
    ),
    (
        CROSS,
        "            mask=memory_mask,\n            cache=cache,\n            layer=layer,\n            return_weights=return_weights,\n        )\n        x = self",
        "            mask=None,\n            cache=cache,\n            layer=layer,\n            return_weights=return_weights,\n        )\n        x = self",
        "padding of memory looked at (post-norm)",
    ),
    (
        CROSS,
        "self.cross_attention_norm(x),\n",
        "self.cross_attention_norm(memory),\n",
        "queries from the encoder",
    ),
    (
        CROSS,
        "self.cross_attention_norm(x + attended)",
        "self.attention_norm(x + attended)",
        "the wrong norm after cross-attention",
    ),
    (
        CACHE,
        "torch.cat([old_keys, keys], dim=2)",
        "torch.cat([keys, old_keys], dim=2)",
        "new keys first",
    ),
    (
        CACHE,
        "torch.cat([old_values, values], dim=2)",
        "torch.cat([values, old_values], dim=2)",
        "new values first",
    ),
    (
        CACHE,
        "if stop > self.max_length:",
        "if stop > self.max_length + 1:",
        "off by one at the end of a static cache",
    ),
    (
        CACHE,
        "all_values[:, :, start:stop] = values",
        "all_values[:, :, :stop - start] = values",
        "static cache writes values at its beginning",
    ),
    (
        CACHE,
        "        self._used[layer] = stop\n",
        "        self._used[layer] = start\n",
        "static cache forgets what it stored",
    ),
    (FEED_FORWARD, 'approximate="tanh"', 'approximate="none"', "the other GELU"),
    (
        FEED_FORWARD,
        "self.dropout(self.down_proj(gate * self.up_proj(x)))",
        "self.dropout(self.down_proj(self.gate_proj(x) * self.activation(self.up_proj(x))))",
        "swapped gate",
    ),
    (FEED_FORWARD, ".square()", "", "ReLU not squared"),
    (
        INPUTS,
        "high >= vocab_size",
        "high > vocab_size",
        "off by one at the end of the vocabulary",
    ),
    (
        INPUTS,
        "length > context_length",
        "length > context_length + 1",
        "off by one at the end of the context",
    ),
    (
        INPUTS,
        "length = past + token_ids.size(1)",
        "length = token_ids.size(1)",
        "cached tokens not counted",
    ),
    (
        MASK,
        "allowed.tril(diagonal=n_keys - n_queries)",
        "allowed.tril(diagonal=n_keys - n_queries - 1)",
        "a token does not see itself",
    ),
    (
        MASK,
        "allowed.tril(diagonal=n_keys - n_queries)",
        "allowed.tril(diagonal=n_keys - n_queries + 1)",
        "a token sees the next one",
    ),
    (
        MASK,
        "n_keys - n_queries - window + 1",
        "n_keys - n_queries - window",
        "window one too wide",
    ),
    (
        MASK,
        "(positions < lengths[:, None])",
        "(positions <= lengths[:, None])",
        "one padding token too many",
    ),
    (
        MASK,
        "positions = positions.flip(0)",
        "positions = positions",
        "left padding on the right",
    ),
    (MASK, ".cumsum(dim=-1) - 1)", ".cumsum(dim=-1))", "positions count from one"),
    (
        MASK,
        "document_ids[:, :, None] == document_ids[:, None, :]",
        "document_ids[:, :, None] >= document_ids[:, None, :]",
        "a document sees the earlier ones",
    ),
    (
        NORM,
        "x, self.weight.shape, self.weight, self.bias, self.eps",
        "x, self.weight.shape, self.weight, None, self.eps",
        "shift forgotten",
    ),
    (
        NORM,
        "x, self.weight.shape, self.weight, self.eps)",
        "x, self.weight.shape, None, self.eps)",
        "gain forgotten",
    ),
    (
        NORM,
        "self.weight, self.bias, self.eps\n",
        "self.weight, self.bias, 1e-5\n",
        "epsilon of LayerNorm ignored",
    ),
    (
        ATTENTION,
        "            require_mask(mask, x.size(0), self.n_heads, x.size(1), n_keys)\n",
        "            pass\n",
        "a mask of another shape let through",
    ),
    (
        ATTENTION,
        "past = 0 if cache is None or memory is not None else cache.length_of(layer)",
        "past = 0",
        "the past forgotten",
    ),
    (
        "models/layers/rotary.py",
        ").to(x.dtype)",
        ")",
        "half precision promoted by the angles",
    ),
    (
        CACHE,
        "if first is not memory:",
        "if first.shape != memory.shape:",
        "another source answered from the old one",
    ),
    (
        NORM,
        "x, self.weight.shape, self.weight, self.eps)",
        "x, self.weight.shape, self.weight, 1e-6)",
        "epsilon ignored",
    ),
    (
        POSITION,
        "torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)",
        "torch.cat([angles.sin(), angles.cos()], dim=-1)",
        "sines before cosines instead of side by side",
    ),
    (
        POSITION,
        "10_000.0 ** (-torch.arange(0, d_model, 2) / d_model)",
        "10_000.0 ** (-torch.arange(0, d_model // 2) / d_model)",
        "frequencies fall half as fast",
    ),
]
TESTS = [
    "tests/models/layers",
    "tests/models/test_gpt.py",
    "tests/models/test_transformer.py",
]
