"""Faults in exported programs, ONNX files and bundles for pages."""

GRAPHS = "inference/export/graphs.py"
PROGRAM = "inference/export/program.py"
ONNX = "inference/export/onnx_file.py"
WEB = "inference/export/web.py"
BUNDLE = "inference/export/bundle.py"

FAULTS = [
    (
        GRAPHS,
        "return logits[:, -1], *cache.stacked()",
        "return logits[:, 0], *cache.stacked()",
        "logits of the first new token",
    ),
    (
        GRAPHS,
        "return logits[:, -1], *cache.stacked()",
        "return logits[:, -1], *cache.stacked()[::-1]",
        "keys and values swapped",
    ),
    (
        GRAPHS,
        "cache.append(layer, layer_keys, layer_values)",
        "cache.append(layer, layer_values, layer_keys)",
        "the past swapped",
    ),
    (
        GRAPHS,
        "if len(shapes) != 1:",
        "if False:",
        "layers with different caches in one tensor",
    ),
    (
        GRAPHS,
        "if recurrent and length is None:",
        "if False:",
        "a loop over time of one length",
    ),
    (
        GRAPHS,
        '            self.axes = ({0: "batch"},)\n',
        "            self.axes = ({},)\n",
        "batch fixed with the length",
    ),
    (
        GRAPHS,
        "self.model(token_ids, state, return_state=True)",
        "self.model(token_ids, None, return_state=True)",
        "the state is not read",
    ),
    (
        GRAPHS,
        'names = ("h", "c")[:n_states]',
        'names = ("c", "h")[:n_states]',
        "states under each other's name",
    ),
    (PROGRAM, "with evaluating(graph):", "if graph.train():", "dropout in the file"),
    (
        PROGRAM,
        '                raise ExportError("the exported program',
        '                print("the exported program',
        "a wrong program passes",
    ),
    (ONNX, "if not difference <= tolerance:", "if False:", "a wrong file passes"),
    (
        ONNX,
        '    handle, draft = tempfile.mkstemp(suffix=".onnx", dir=path.parent)\n    os.close(handle)\n',
        "    draft = str(path)\n",
        "a wrong file takes the place of a good one",
    ),
    (
        ONNX,
        "        node.metadata_props.clear()\n",
        "",
        "paths of this machine in the file",
    ),
    (
        ONNX,
        "optimize=not any(isinstance(m, QuantizedWeight) for m in graph.modules())",
        "optimize=True",
        "integers written out as floats",
    ),
    (
        ONNX,
        "opset_version=OPSET",
        "opset_version=OPSET + 1",
        "another version of the operators",
    ),
    (BUNDLE, '{"offset": offset,', '{"offset": 4 * offset,', "offsets of another unit"),
    (
        BUNDLE,
        'parts.append(data + b"\\0" * (-len(data) % 4))',
        "parts.append(data)",
        "floats not on a multiple of four",
    ),
    (
        BUNDLE,
        'text += b" " * (-len(text) % 4)',
        'text += b""',
        "data not on a multiple of four",
    ),
    (BUNDLE, '"float32": "<f4"', '"float32": ">f4"', "big-endian"),
    (
        BUNDLE,
        'struct.pack("<II", VERSION, len(text))',
        'struct.pack("<II", len(text), VERSION)',
        "length before version",
    ),
    (
        BUNDLE,
        "    if _digest(header, body) != digest:\n",
        "    if False:\n",
        "damage not noticed",
    ),
    (
        BUNDLE,
        "hashlib.sha256(_as_text(header))",
        "hashlib.sha256()",
        "a changed header is read",
    ),
    (
        WEB,
        'if any(getattr(module, "integer_inputs", False) for module in model.modules()):',
        "if False:",
        "another model comes back",
    ),
    (
        WEB,
        "model.load_state_dict(self.tensors)",
        "model.load_state_dict({}, strict=False)",
        "weights not loaded",
    ),
    (
        WEB,
        "integers, embeddings=True, skip=kept",
        "integers, embeddings=True, skip=()",
        "layers quantised that were not",
    ),
    (
        WEB,
        'fresh = model_class(config_class(**self.header["config"])).eval()',
        'fresh = model_class(config_class(**self.header["config"]))',
        "ready to train",
    ),
    (
        WEB,
        "n_bytes = sum(-(-w.numel() // 4) * 4 + 4 * w.size(0) for w in matrices)",
        "n_bytes = sum(-(-w.numel() // 4) * 4 + 4 * w.size(1) for w in matrices)",
        "a scale for each input",
    ),
    (
        WEB,
        "return n_bytes + 4 * (others - sum(w.numel() for w in matrices))",
        "return n_bytes + 4 * others",
        "matrices counted twice",
    ),
    (
        WEB,
        "    if type(model.config)(**config) != model.config:\n",
        "    if False:\n",
        "a configuration that cannot be read back",
    ),
    (BUNDLE, "if version != VERSION:", "if False:", "any version is read"),
    (BUNDLE, "    if not known:\n", "    if False:\n", "any JSON is read"),
]
TESTS = [
    "tests/inference/export/test_bundle.py",
    "tests/inference/export/test_web.py",  # quicker than writing ONNX files
    "tests/inference/export/test_graphs.py",
]
