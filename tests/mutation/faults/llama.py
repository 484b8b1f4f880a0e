"""Faults planted in Llama, rotations, latent attention and experts; each must show."""

_LLAMA = "models/llama.py"
_LATENT = "models/layers/latent_attention.py"
_ROTARY = "models/layers/rotary.py"
_MOE = "models/layers/moe.py"
_BIAS = "models/layers/position_bias.py"
_FILES = "models/pretrained/llama.py"

FAULTS = [
    # The whole.
    (_LLAMA, "window=config.window,", "", "window forgotten"),
    (_LLAMA, "is_causal=True,", "", "future tokens seen"),
    (_LLAMA, "rotary=rotary,  #", "#", "no positions"),
    (
        _LLAMA,
        "config.rope_base, config.rope_scaling\n",
        "config.rope_base\n",
        "scaling of rotations forgotten",
    ),
    (
        _LLAMA,
        "config.context_length, config.rope_base, config.rope_scaling",
        "config.context_length, scaling=config.rope_scaling",
        "base of rotations forgotten",
    ),
    (
        _LLAMA,
        "q_norm=_norm(config, config.d_head) if config.qk_norm else None,",
        "",
        "queries not normalised",
    ),
    (
        _LLAMA,
        "k_norm=_norm(config, config.d_head) if config.qk_norm else None,",
        "",
        "keys not normalised",
    ),
    (_LLAMA, "RMSNorm(width, config.norm_eps)", "RMSNorm(width)", "norm_eps forgotten"),
    (_LLAMA, "score(self.final_norm(x))", "score(x)", "no last norm"),
    (
        _LLAMA,
        "self.token_embedding.logits if self.head is None else self.head",
        "self.token_embedding.logits",
        "head never used",
    ),
    (
        _LLAMA,
        "past, past + token_ids.size(1), device",
        "0, token_ids.size(1), device",
        "positions begin anew after a cache",
    ),
    (
        _LLAMA,
        "block(x, mask, cache, layer,",
        "block(x, mask, cache, 0,",
        "all layers write into one place of the cache",
    ),
    (_LLAMA, "block(x, mask, cache,", "block(x, None, cache,", "mask forgotten"),
    (
        _LLAMA,
        "return_weights, positions)",
        "return_weights)",
        "given positions forgotten",
    ),
    (
        _LLAMA,
        "[expert() for _ in range(config.n_experts)]",
        "[expert()] * config.n_experts",
        "one expert many times",
    ),
    (
        _LLAMA,
        "experts, config.n_active_experts)",
        "experts, config.n_experts)",
        "all experts used",
    ),
    (
        _LLAMA,
        "initialise(self, config.init_std, config.n_layers)",
        "initialise(self, config.init_std, 1)",
        "residual projections begin too large",
    ),
    (
        _LLAMA,
        "self.dropout(self.token_embedding(token_ids))",
        "self.token_embedding(token_ids)",
        "no dropout of embeddings",
    ),
    (_LLAMA, "dropout=config.dropout,", "", "no dropout in attention"),
    (
        _LLAMA,
        "(config.n_heads + config.n_kv_heads)",
        "(2 * config.n_heads)",
        "G counted as H",
    ),
    (_LLAMA, "(feed_forward + d_model)", "feed_forward", "routers not counted"),
    (_LLAMA, "(1 if config.tied else 2)", "2", "a tied head counted twice"),
    (_LLAMA, "2 * d_head * int(config.qk_norm)", "0", "QK-norm not counted"),
    (
        _LLAMA,
        "(config.n_experts or 0) - (config.n_active_experts or 0)",
        "(config.n_experts or 0)",
        "no expert counted as active",
    ),
    (_LLAMA, "mixture[0] > mixture[1]", "False", "more active experts than there are"),
    (_LLAMA, "scaling.base != self.rope_base", "False", "YaRN with another base"),
    (_LLAMA, "d_model=2560, d_ff=9728", "d_model=2560, d_ff=9782", "wrong preset"),
    # Latent attention.
    (
        _LATENT,
        "latent = self.kv_norm(self.kv_latent_proj(x))",
        "latent = self.kv_latent_proj(x)",
        "latent not normalised",
    ),
    (
        _LATENT,
        "query = self.q_norm(self.q_latent_proj(x))",
        "query = self.q_latent_proj(x)",
        "query latent not normalised",
    ),
    (
        _LATENT,
        "self.rotary(self.k_rotary_proj(x)[:, None], positions)",
        "self.k_rotary_proj(x)[:, None]",
        "shared key not rotated",
    ),
    (
        _LATENT,
        "self.rotary(self._split_heads(self.q_rotary_proj(query)), positions)",
        "self._split_heads(self.q_rotary_proj(query))",
        "queries not rotated",
    ),
    (
        _LATENT,
        "torch.cat([k, shared.expand(-1, self.n_heads, -1, -1)], dim=-1)",
        "torch.cat([shared.expand(-1, self.n_heads, -1, -1), k], dim=-1)",
        "parts of the key swapped",
    ),
    (
        _LATENT,
        "past = 0 if cache is None else cache.length_of(layer)",
        "past = 0",
        "positions begin anew after a cache",
    ),
    (_LATENT, "cache.length_of(layer)", "cache.length_of(0)", "layer 0 asked instead"),
    (
        _LATENT,
        "mask = causal if mask is None else mask & causal",
        "mask = causal",
        "padding seen",
    ),
    (
        _LATENT,
        "attend(q, k, v, mask, bias, return_weights=return_weights)",
        "attend(q, k, v, mask, return_weights=return_weights)",
        "bias forgotten",
    ),
    (_LATENT, "(d_latent + d_rotary)", "d_latent", "rotated key costs nothing"),
    (_LATENT, "return 2 * n_layers", "return n_layers", "values cost nothing"),
    # Rotations.
    (
        _ROTARY,
        "torch.cat([-b, a], dim=-1)",
        "torch.cat([b, -a], dim=-1)",
        "turned back",
    ),
    (
        _ROTARY,
        "torch.stack([-b, a], dim=-1).flatten(-2)",
        "torch.cat([-b, a], dim=-1)",
        "layouts mixed",
    ),
    (
        _ROTARY,
        "angles.repeat_interleave(2, dim=-1)",
        "torch.cat([angles, angles], dim=-1)",
        "angles of the other layout",
    ),
    (
        _ROTARY,
        "speeds = 1 / base ** (torch.arange(0, d_head, 2) / d_head)",
        "speeds = base ** (-torch.arange(0, d_head, 2) / d_head)",
        "other rounding than the reference",
    ),
    (
        _ROTARY,
        "torch.arange(0, d_head, 2) / d_head",
        "torch.arange(0, d_head, 2) / (d_head - 2)",
        "angles fall too fast",
    ),
    (_ROTARY, '"cos", magnitude * angles', '"cos", angles', "YaRN's growth forgotten"),
    (_ROTARY, "return speeds / self.factor", "return speeds * self.factor", "sped up"),
    (
        _ROTARY,
        "(turns - self.low) / (self.high - self.low)",
        "(turns - self.low) / self.high",
        "blend ends too late",
    ),
    (_ROTARY, "* speeds / (2 * math.pi)", "* speeds", "radians taken for turns"),
    (
        _ROTARY,
        "max(math.floor(pair_that_turns(self.fast)), 0)",
        "math.floor(pair_that_turns(self.fast))",
        "first pair below zero",
    ),
    (_ROTARY, "math.floor(pair", "math.ceil(pair", "first pair rounded up"),
    (_ROTARY, "2 * n_pairs - 1)", "n_pairs - 1)", "last pair too early"),
    (_ROTARY, "kept = 1 - ((pairs", "kept = ((pairs", "fast angles divided"),
    (_ROTARY, "0.1 * math.log(self.factor) + 1 if", "1.0 if", "scores do not grow"),
    (
        _ROTARY,
        "weight.unflatten(0, (n_heads, -1, 2))",
        "weight.unflatten(0, (n_heads, 2, -1))",
        "permutation inverted",
    ),
    (
        _ROTARY,
        '"sin", magnitude * angles.sin(), persistent=False',
        '"sin", magnitude * angles.sin()',
        "tables in checkpoints",
    ),
    # Mixture of experts.
    (
        _MOE,
        "return weights / weights.sum(dim=-1, keepdim=True), chosen",
        "return weights, chosen",
        "weights do not sum to one",
    ),
    (
        _MOE,
        "self.router(x).softmax(dim=-1)",
        "self.router(x).sigmoid()",
        "other router",
    ),
    (
        _MOE,
        "weights[token, rank, None]",
        "weights[token, 0, None]",
        "best weight for all",
    ),
    (
        _MOE,
        "output.index_add(0, token, weighted.to(output.dtype))",
        "output.index_copy(0, token, weighted.to(output.dtype))",
        "last expert only",
    ),
    (_MOE, "return p.size(-1) * (f", "return (f", "loss not times E"),
    (_MOE, "p.topk(n_active, dim=-1)", "p.topk(1, dim=-1)", "first choices only"),
    (_MOE, "handle.remove()", "pass", "recording never ends"),
    # Biases of positions.
    (
        _BIAS,
        "2 ** (-8 * (h + 1) / lower)",
        "2 ** (-8 * h / lower)",
        "slopes begin at 1",
    ),
    (_BIAS, "range(0, 2 * lower, 2)", "range(2 * lower)", "every finer slope"),
    (_BIAS, "return -alibi_slopes", "return alibi_slopes", "far keys preferred"),
    (
        _BIAS,
        "torch.arange(n_keys - n_queries, n_keys)[:, None]",
        "torch.arange(n_queries)[:, None]",
        "queries are the first positions",
    ),
    (
        _BIAS,
        "torch.arange(n_keys - n_queries, n_keys, device=device)",
        "torch.arange(n_queries, device=device)",
        "queries are the first positions (T5)",
    ),
    (_BIAS, "(ahead > 0)", "(ahead < 0)", "directions swapped"),
    (_BIAS, "(-ahead).clamp(min=0)", "ahead.abs()", "a decoder's future has buckets"),
    (_BIAS, "clamp(max=n_buckets - 1)", "clamp(max=n_buckets)", "one bucket too many"),
    (
        _BIAS,
        "math.log(self.max_distance / n_exact)",
        "math.log(self.max_distance)",
        "buckets too wide",
    ),
    # Checkpoints.
    (
        _FILES,
        "gate, up = expert.chunk(2)",
        "up, gate = expert.chunk(2)",
        "gate taken for up",
    ),
    (_FILES, "torch.cat([gate, up])", "torch.cat([up, gate])", "gate written as up"),
    (
        _FILES,
        '.w2": _EXPERT + "down_proj"',
        '.w2": _EXPERT + "up_proj"',
        "w2 taken for w3",
    ),
    (
        _FILES,
        '"model.layers.{}.self_attn.k_proj": "blocks.{}.attention.k_proj",\n'
        '        "model.layers.{}.self_attn.v_proj": "blocks.{}.attention.v_proj",',
        '"model.layers.{}.self_attn.v_proj": "blocks.{}.attention.k_proj",\n'
        '        "model.layers.{}.self_attn.k_proj": "blocks.{}.attention.v_proj",',
        "keys taken for values",
    ),
    (
        _FILES,
        'd_head=config.get("head_dim")',
        "d_head=None",
        "width of heads forgotten",
    ),
    (_FILES, 'norm_eps=config["rms_norm_eps"]', "norm_eps=1e-5", "norm_eps forgotten"),
    (
        _FILES,
        'rope["low_freq_factor"], rope["high_freq_factor"]',
        'rope["high_freq_factor"], rope["low_freq_factor"]',
        "low and high swapped",
    ),
    (
        _FILES,
        'rope.get(_TRAINED) or config["max_position_embeddings"]',
        'config["max_position_embeddings"]',
        "stretched context taken for the trained one",
    ),
    (_FILES, '"mixtral": 1e6', '"mixtral": 1e4', "default base of another family"),
    (
        _FILES,
        'window=config.get("sliding_window") if slides else None',
        'window=config.get("sliding_window")',
        "Qwen's unused window used",
    ),
    (
        _FILES,
        'if config.tied and "model.embed_tokens.weight" in theirs:',
        "if False:",
        "tied head not listed",
    ),
]
# What has to catch them, the quickest first.
TESTS = [
    "tests/models/layers/test_position_bias.py",
    "tests/models/layers/test_moe.py",
    "tests/models/layers/test_rotary.py",
    "tests/models/layers/test_latent_attention.py",
    "tests/models/pretrained/test_llama.py",
    "tests/parity/test_llama.py",
    "tests/models/test_llama.py",
]
