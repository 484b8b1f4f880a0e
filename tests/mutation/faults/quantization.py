"""Faults in quantisation and pruning."""

ROUNDING = "inference/quantization/rounding.py"
PACKING = "inference/quantization/packing.py"
LAYERS = "inference/quantization/layers.py"
GPTQ = "inference/quantization/gptq.py"
CALIBRATION = "inference/quantization/calibration.py"
REPLACE = "inference/quantization/replace.py"
REPORT = "inference/quantization/report.py"
MAGNITUDE = "inference/pruning/magnitude.py"
STORAGE = "inference/pruning/storage.py"
HEADS = "inference/pruning/heads.py"

FAULTS = [
    (
        MAGNITUDE,
        "if type(layer) is not nn.Linear:",
        "if False:",
        "a quantised layer is pruned for nothing",
    ),
    (
        HEADS,
        "if type(projection) is not nn.Linear:",
        "if False:",
        "heads of a quantised layer are cut for nothing",
    ),
    (
        HEADS,
        "with evaluating(model):",
        "if True:",
        "the importance of heads under dropout",
    ),
    (
        ROUNDING,
        "else 2 ** (self.bits - 1) - 1",
        "else 2 ** (self.bits - 1)",
        "one integer too many",
    ),
    (
        ROUNDING,
        "return 0 if self.zero_point else -self.highest",
        "return 0 if self.zero_point else -self.highest - 1",
        "range not symmetric",
    ),
    (
        ROUNDING,
        "codes = (cells / scale[:, :, None]).round()",
        "codes = (cells / scale[:, :, None]).floor()",
        "rounded down",
    ),
    (
        ROUNDING,
        "codes = (cells / scale[:, :, None]).round()",
        "codes = (cells * scale[:, :, None]).round()",
        "multiplied by the scale",
    ),
    (
        ROUNDING,
        "codes = codes - self.zero.to(codes.dtype)[:, :, None]",
        "codes = codes + self.zero.to(codes.dtype)[:, :, None]",
        "zero point added twice",
    ),
    (
        ROUNDING,
        "_scale(cells.abs().amax(dim=-1), integers)",
        "_scale(cells.amax(dim=-1), integers)",
        "sign of the largest forgotten",
    ),
    (
        ROUNDING,
        "cells.amin(dim=-1).clamp(max=0)",
        "cells.amin(dim=-1)",
        "zero not on the grid",
    ),
    (
        ROUNDING,
        "cells = weight.reshape(n_rows, n_groups, -1)",
        "cells = weight.T.reshape(n_rows, n_groups, -1)",
        "scales of the inputs",
    ),
    (
        ROUNDING,
        "torch.where(scale > 0, scale, torch.ones_like(scale))",
        "scale",
        "0 / 0 in a row of zeros",
    ),
    (
        ROUNDING,
        "return n_rows, n_columns // self.group_size",
        "return 1, n_columns // self.group_size",
        "all channels share a group's scale",
    ),
    (
        PACKING,
        "values[:, 0::2] | (values[:, 1::2] << 4)",
        "values[:, 1::2] | (values[:, 0::2] << 4)",
        "halves swapped while packing",
    ),
    (
        PACKING,
        "[wide & 15, wide >> 4]",
        "[wide >> 4, wide & 15]",
        "halves swapped while unpacking",
    ),
    (
        PACKING,
        "values = torch.nn.functional.pad(values, (0, 1))",
        "values = values[:, :-1]",
        "the odd column is lost",
    ),
    (
        LAYERS,
        "codes = pack_nibbles(codes.to(torch.int16) + self._shift)",
        "codes = pack_nibbles(codes.abs())",
        "signs lost",
    ),
    (
        LAYERS,
        "return 0 if self.integers.zero_point else 8",
        "return 8",
        "shifted although unsigned",
    ),
    (
        LAYERS,
        "if scale.size(0) == self.n_rows:",
        "if False:",
        "scales of the first rows for all ids",
    ),
    (
        LAYERS,
        "            rows = rows.to(torch.int16) - self._shift\n",
        "",
        "rows not shifted back",
    ),
    (
        LAYERS,
        "nn.functional.linear(x, self.weight.to(x.dtype), self.bias)",
        "nn.functional.linear(x, self.weight.to(x.dtype))",
        "bias forgotten",
    ),
    (
        LAYERS,
        "return y if self.bias is None else y + self.bias",
        "return y",
        "bias of the integer product forgotten",
    ),
    (
        LAYERS,
        "products.float() * x_scale * scale.T",
        "products.float() * scale.T",
        "scale of the inputs forgotten",
    ),
    (
        LAYERS,
        "x.abs().amax(dim=-1, keepdim=True) / 127",
        "x.abs().amax() / 127",
        "one scale for all inputs",
    ),
    (LAYERS, "return layer.train(linear.training)", "return layer", "the mode is lost"),
    (
        GPTQ,
        "w[:, j + 1 :] -= error * upper[j, j + 1 :]",
        "w[:, j + 1 :] += error * upper[j, j + 1 :]",
        "errors doubled instead of made up for",
    ),
    (
        GPTQ,
        "error = (column - rounded) / upper[j, j]",
        "error = column - rounded",
        "missing division by the diagonal",
    ),
    (
        GPTQ,
        "torch.linalg.cholesky(inverse, upper=True)",
        "torch.linalg.cholesky(inverse).T.flip(0).flip(1)",
        "factor from the wrong end",
    ),
    (
        GPTQ,
        "torch.cholesky_inverse(torch.linalg.cholesky(damped))",
        "torch.linalg.cholesky(damped)",
        "Hessian not inverted",
    ),
    (
        GPTQ,
        "extra = damping * gram.diagonal().mean()",
        "extra = damping",
        "damping not in proportion",
    ),
    (
        GPTQ,
        "group = w[:, start : start + width].to(weight.dtype)",
        "group = weight[:, start : start + width]",
        "scales of the weights before",
    ),
    (
        GPTQ,
        "codes = torch.where(worse, nearest.codes, solved.codes)",
        "codes = torch.where(worse, solved.codes, nearest.codes)",
        "the worse of two",
    ),
    (
        GPTQ,
        "scale = torch.where(worse, nearest.scale, solved.scale)",
        "scale = solved.scale",
        "integers with the scale of others",
    ),
    (GPTQ, "if not gram.any():", "if False:", "no inputs to calibrate on"),
    (
        CALIBRATION,
        "gram.addmm_(x.T, x)",
        "gram.copy_(x.T @ x)",
        "only the last batch counts",
    ),
    (
        CALIBRATION,
        "with evaluating(model):",
        "if model.train():",
        "calibrated with dropout",
    ),
    (
        CALIBRATION,
        "            handle.remove()",
        "            pass",
        "hooks left behind",
    ),
    (
        REPLACE,
        "quantized = copy.deepcopy(model)",
        "quantized = model",
        "the model that was given is changed",
    ),
    (
        REPLACE,
        "grams.get(name), integer_inputs",
        "None, integer_inputs",
        "calibration ignored",
    ),
    (
        REPLACE,
        "        if module not in replaced:\n",
        "        if True:\n",
        "a shared layer becomes two",
    ),
    (
        REPLACE,
        'if name not in skip and name.rpartition(".")[2] not in skip',
        "if name not in skip",
        "the router is quantised",
    ),
    (
        REPORT,
        "tensors = {t.data_ptr(): t for t in model.state_dict().values()}",
        "tensors = {t.data_ptr(): t for t in model.parameters()}",
        "integers not counted",
    ),
    (
        REPORT,
        "errors.append((weight - other).abs().flatten())",
        "errors.append((weight - other).flatten())",
        "errors cancel",
    ),
    (
        REPORT,
        "return self.n_bytes_before / self.n_bytes",
        "return self.n_bytes / self.n_bytes_before",
        "ratio upside down",
    ),
    (
        REPORT,
        "for model in (before, after)",
        "for model in (before, before)",
        "bits of the same model twice",
    ),
    (
        MAGNITUDE,
        "order = weight.detach().abs().flatten()",
        "order = weight.detach().flatten()",
        "signs counted",
    ),
    (
        MAGNITUDE,
        "mask[order[:n_gone]] = False",
        "mask[order[n_gone:]] = False",
        "the largest go",
    ),
    (
        MAGNITUDE,
        "groups = weight.detach().abs().unflatten(1, (-1, 4))",
        "groups = weight.detach().abs().unflatten(1, (4, -1)).transpose(1, 2)",
        "every fourth column instead of neighbours",
    ),
    (MAGNITUDE, "[..., 2:]", "[..., :2]", "the smallest two of four stay"),
    (
        MAGNITUDE,
        "pruned = copy.deepcopy(model)",
        "pruned = model",
        "the model that was given is pruned",
    ),
    (MAGNITUDE, "(weight == 0).sum()", "(weight != 0).sum()", "density for sparsity"),
    (
        MAGNITUDE,
        "order = weight.detach().abs().flatten().argsort(stable=True)",
        "order = weight.detach().abs().flatten().argsort(stable=True, descending=True).flip(0)",
        "ties for the last",
    ),
    (
        STORAGE,
        "return self.bits.numel() + self.values.numel() * self.values.element_size()",
        "return self.values.numel() * self.values.element_size()",
        "mask costs nothing",
    ),
    (
        STORAGE,
        "powers = 2 ** torch.arange(8",
        "powers = 128 // 2 ** torch.arange(8",
        "bits from the highest",
    ),
    (
        STORAGE,
        "return self.places.numel() + self.values.numel() * self.values.element_size()",
        "return 2 * self.places.numel() + self.values.numel() * self.values.element_size()",
        "places counted twice",
    ),
    (
        STORAGE,
        "    places = places.sort(dim=-1).values\n",
        "",
        "zeros fill up out of order",
    ),
    (
        STORAGE,
        "if (kept.sum(dim=-1) > 2).any():",
        "if (kept.sum(dim=-1) > 3).any():",
        "a third weight lost in silence",
    ),
    (
        HEADS,
        "kept_q = (kept_kv[:, None] * per_group + torch.arange(per_group)).flatten()",
        "kept_q = (kept_kv[:, None] + torch.arange(per_group)).flatten()",
        "query heads of other groups",
    ),
    (
        HEADS,
        "layer.v_proj = _rows(layer.v_proj, _numbers(kept_kv, layer.d_head))",
        "layer.v_proj = _rows(layer.v_proj, _numbers(kept_kv.flip(0), layer.d_head))",
        "values in another order than keys",
    ),
    (
        HEADS,
        "return (heads[:, None] * d_head + torch.arange(d_head)).flatten()",
        "return (heads[:, None] + torch.arange(d_head) * len(heads)).flatten()",
        "numbers of a head not side by side",
    ),
    (
        HEADS,
        "bias = None if linear.bias is None else linear.bias[rows]",
        "bias = None",
        "biases of heads lost",
    ),
    (
        HEADS,
        "layer.o_proj = _linear(layer.o_proj.weight[:, columns], layer.o_proj.bias)",
        "layer.o_proj = _linear(layer.o_proj.weight[:, columns], None)",
        "bias of the output lost",
    ),
    (
        HEADS,
        "_parts(layer, layer.o_proj.weight)[:, list(gone)] = 0",
        "_parts(layer, layer.o_proj.weight)[list(gone)] = 0",
        "rows of the output silenced",
    ),
    (
        HEADS,
        "_parts(layer, change).sum(dim=(0, 2)).abs()",
        "_parts(layer, change).abs().sum(dim=(0, 2))",
        "absolute value inside the sum",
    ),
    (
        HEADS,
        "change = layer.o_proj.weight.detach() * gradient",
        "change = gradient",
        "gradient without the weight",
    ),
    (HEADS, "{name: total / n_batches for", "{name: total for", "sum instead of mean"),
    (
        HEADS,
        "len(chosen[name]) < len(importance[name]) - 1",
        "len(chosen[name]) < len(importance[name])",
        "a layer loses all heads",
    ),
    (
        HEADS,
        ".square().mean(dim=(0, 2)).sqrt()",
        ".mean(dim=(0, 2))",
        "signs of weights cancel",
    ),
]
TESTS = ["tests/inference/quantization", "tests/inference/pruning"]
