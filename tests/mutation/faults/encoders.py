"""Faults planted in GPT, Transformer, T5, BERT, ViT and their checkpoints."""

GPT = "models/gpt.py"
TRANSFORMER = "models/transformer.py"
T5 = "models/t5.py"
BERT = "models/bert.py"
VIT = "models/vit.py"
INITIALISE = "models/layers/initialise.py"
BIAS = "models/layers/position_bias.py"

FAULTS = [
    (GPT, "is_causal=True", "is_causal=False", "the future is seen"),
    (GPT, "x = x + self.position_embedding(positions)", "x = x", "no positions"),
    (
        GPT,
        "past, past + token_ids.size(1)",
        "0, token_ids.size(1)",
        "positions start again with a cache",
    ),
    (
        GPT,
        "self.token_embedding.logits(self.final_norm(x))",
        "self.token_embedding.logits(x)",
        "last norm forgotten",
    ),
    (
        GPT,
        "block(x, mask, cache, layer, return_weights, positions)",
        "block(x, mask, cache, 0, return_weights, positions)",
        "all layers share a cache",
    ),
    (
        GPT,
        "        norm = d_model * (1 + bias)",
        "        norm = 2 * d_model",
        "shifts counted that are not there",
    ),
    (INITIALISE, "(2 * n_layers) ** 0.5", "n_layers**0.5", "residual writes too large"),
    (
        INITIALISE,
        'endswith(("o_proj", "down_proj"))',
        'endswith("o_proj")',
        "feed-forward writes not scaled",
    ),
    (
        TRANSFORMER,
        "math.sqrt(self.config.d_model) * table(token_ids)",
        "table(token_ids)",
        "embeddings not times sqrt(D)",
    ),
    (
        TRANSFORMER,
        "x = self._embed(table, target_ids, past)",
        "x = self._embed(table, target_ids)",
        "positions start again with a cache",
    ),
    (
        TRANSFORMER,
        "attention=_attention(config, is_causal=True)",
        "attention=_attention(config)",
        "the decoder sees the future",
    ),
    (
        TRANSFORMER,
        "x, memory, target_mask, source_mask, cache, layer",
        "x, memory, source_mask, target_mask, cache, layer",
        "masks swapped",
    ),
    (
        TRANSFORMER,
        "x, _ = block(x, source_mask)",
        "x, _ = block(x)",
        "padding of the source read",
    ),
    (
        TRANSFORMER,
        "activation=nn.functional.relu",
        "activation=nn.functional.gelu",
        "GELU for ReLU",
    ),
    (
        TRANSFORMER,
        "3 * attention + 2 * feed_forward",
        "2 * attention + 2 * feed_forward",
        "cross-attention not counted",
    ),
    (T5, "scale=1.0", "scale=None", "scores scaled"),
    (
        T5,
        "_position_bias(config, bidirectional=True)",
        "_position_bias(config, bidirectional=False)",
        "the encoder's buckets look back only",
    ),
    (
        T5,
        "self.token_embedding.logits(x * config.d_model**-0.5)",
        "self.token_embedding.logits(x)",
        "tied logits not scaled",
    ),
    (
        T5,
        "x, _ = block(x, source_mask, bias=bias)",
        "x, _ = block(x, source_mask)",
        "the encoder has no positions",
    ),
    (
        T5,
        "self.decoder_bias(n_new, past + n_new)",
        "self.decoder_bias(n_new, n_new)",
        "biases ignore the cache",
    ),
    (
        T5,
        "self.dropout(self.encoder_norm(x))",
        "self.dropout(x)",
        "the encoder's last norm forgotten",
    ),
    (
        T5,
        "x, memory, target_mask, source_mask, bias, cache",
        "x, memory, target_mask, None, bias, cache",
        "padding of the source looked at",
    ),
    (
        T5,
        "attention=_attention(config, is_causal=True)",
        "attention=_attention(config)",
        "the decoder sees the future",
    ),
    (
        BIAS,
        "first = n_buckets * (ahead > 0).long()",
        "first = n_buckets * (ahead < 0).long()",
        "directions swapped",
    ),
    (
        BIAS,
        "(n_buckets - n_exact)).long()",
        "(n_buckets - n_exact)).round().long()",
        "buckets rounded, not cut",
    ),
    (
        BERT,
        "            + self.segment_embedding(segment_ids)\n",
        "",
        "segments forgotten",
    ),
    (
        BERT,
        "            + self.position_embedding(positions)\n",
        "",
        "positions forgotten",
    ),
    (
        BERT,
        "self.dropout(self.embedding_norm(x))",
        "self.dropout(x)",
        "norm of the embeddings forgotten",
    ),
    (
        BERT,
        "x, weights = block(x, mask, return_weights)",
        "x, weights = block(x, None, return_weights)",
        "padding read",
    ),
    (
        BERT,
        "self.dense(hidden[:, 0])",
        "self.dense(hidden[:, -1])",
        "the last token speaks for all",
    ),
    (
        BERT,
        "self.dense(hidden[:, 0]).tanh()",
        "self.dense(hidden[:, 0])",
        "pooler without tanh",
    ),
    (
        BERT,
        "token_logits + self.token_bias",
        "token_logits",
        "bias of the tokens forgotten",
    ),
    (
        BERT,
        "transformed = nn.functional.gelu(self.transform(hidden))",
        "transformed = self.transform(hidden)",
        "head without its GELU",
    ),
    (
        BERT,
        "(hidden * real).sum(dim=1) / real.sum(dim=1)",
        "(hidden * real).mean(dim=1)",
        "mean over padding too",
    ),
    (
        VIT,
        "torch.cat([first, x], dim=1)",
        "torch.cat([x, first], dim=1)",
        "class token last",
    ),
    (VIT, "x = self.final_norm(x)", "x = x", "last norm forgotten"),
    (VIT, "x + self.position_embedding(positions)", "x", "positions forgotten"),
    (
        VIT,
        "return patches.transpose(1, 2)",
        "return patches.reshape(patches.size(0), patches.size(2), -1)",
        "patches and pixels swapped",
    ),
    (
        "models/pretrained/gpt2.py",
        "tensor = tensor.t()",
        "tensor = tensor",
        "Conv1D not transposed",
    ),
    (
        "models/pretrained/gpt2.py",
        'zip("qkv", thirds',
        'zip("kqv", thirds',
        "queries and keys swapped",
    ),
    (
        "models/pretrained/bert.py",
        '"attention.self.query": _BLOCK + "attention.q_proj"',
        '"attention.self.query": _BLOCK + "attention.k_proj"',
        "queries and keys swapped",
    ),
    (
        "models/pretrained/t5.py",
        '"wi_0": "gate_proj", "wi_1": "up_proj"',
        '"wi_0": "up_proj", "wi_1": "gate_proj"',
        "gate and value swapped",
    ),
    (
        "models/pretrained/names.py",
        "renamed[new.format(*match.groups())]",
        "renamed[new.format(*reversed(match.groups()))]",
        "numbers in the wrong order",
    ),
    ("models/pretrained/names.py", "re.escape(part)", "part", "dots match anything"),
    (
        "models/pretrained/files.py",
        "if Path(file).name != file:",
        "if not file:",
        "an index leads out of its folder",
    ),
    (
        "models/pretrained/files.py",
        "lost = sorted(weight_map.keys() - tensors.keys())",
        "lost = []",
        "a tensor that no shard holds",
    ),
]
TESTS = [
    "tests/models/layers/test_initialise.py",
    "tests/models/test_gpt.py",
    "tests/models/test_transformer.py",
    "tests/models/test_t5.py",
    "tests/models/test_bert.py",
    "tests/models/test_vit.py",
    "tests/models/pretrained",
    "tests/parity/test_encoders.py",
]
