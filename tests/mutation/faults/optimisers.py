"""Faults planted in optimisers and schedules: each must make a test fail."""

ADAM = "training/optim/adam.py"
BASE = "training/optim/base.py"
CLIPPING = "training/optim/clipping.py"
COMBINED = "training/optim/combined.py"
GROUPS = "training/optim/groups.py"
LION = "training/optim/lion.py"
MUON = "training/optim/muon.py"
SCHEDULE = "training/schedule.py"
SGD = "training/optim/sgd.py"

FAULTS = [
    (SGD, "alpha=-group[", "alpha=group[", "uphill"),
    (SGD, "torch._foreach_mul_(buffers, momentum)", "pass", "sum never forgets"),
    (SGD, "torch._foreach_add(grads, buffers, alpha=momentum)", "buffers", "Nesterov"),
    (SGD, 'alpha=group["weight_decay"])', "alpha=0)", "SGD without its decay"),
    (ADAM, "means, grads, 1 - beta1", "means, grads, beta1", "beta_1 turned over"),
    (ADAM, "torch._foreach_mul_(squares, beta2)", "pass", "squares never forget"),
    (ADAM, "grads, grads, 1 - beta2", "grads, grads, 1", "squares not weighted"),
    (ADAM, "[(1 - beta2**step) ** 0.5 for", "[1.0 for", "second bias stays"),
    (ADAM, "(1 - beta2**step) ** 0.5", "(1 - beta2**step)", "root of the bias lost"),
    (ADAM, "-lr / (1 - beta1**step)", "-lr", "first bias stays"),
    (ADAM, 'torch._foreach_add_(roots, group["eps"])', "pass", "no epsilon"),
    (ADAM, "params, 1 - lr * decay", "params, 1 - decay", "decay without the rate"),
    (ADAM, "is_decoupled = True", "is_decoupled = False", "AdamW decays like Adam"),
    (ADAM, "torch._foreach_add(grads, params, alpha=decay)", "grads", "Adam's decay"),
    (BASE, '["step"] += 1', '["step"] += 0', "steps not counted"),
    (BASE, "if p.grad is not None]", "if True]", "parameters without a gradient"),
    (BASE, "loss = closure()", "loss = 0 * closure()", "loss of the closure lost"),
    (
        BASE,
        'if name in ("lr", "weight_decay", "eps")',
        'if name in ("lr",)',
        "decay not checked",
    ),
    (BASE, "if not all(0 <= share < 1", "if not all(0 <= share <= 1", "momentum of 1"),
    (LION, "torch._foreach_sign_(directions)", "pass", "no sign"),
    (
        LION,
        "torch._foreach_lerp(means, grads, 1 - beta1)",
        "torch._foreach_lerp(means, grads, 1 - beta2)",
        "one beta for both",
    ),
    (
        LION,
        "torch._foreach_lerp_(means, grads, 1 - beta2)",
        "torch._foreach_lerp_(means, grads, 1 - beta1)",
        "the other beta for both",
    ),
    (
        LION,
        '1 - lr * group["weight_decay"]',
        '1 + lr * group["weight_decay"]',
        "Lion grows",
    ),
    (
        MUON,
        "x = matrices.mT if is_tall else matrices",
        "x = matrices",
        "tall matrices by their longer side",
    ),
    (
        MUON,
        "return x.mT if is_tall else x\n\n\ndef _iterate(",
        "return x\n\n\ndef _iterate(",
        "not turned back",
    ),
    (
        MUON,
        "x / x.norm(dim=(-2, -1), keepdim=True)",
        "x / x.norm(keepdim=True)",
        "norm of the whole batch",
    ),
    (MUON, "x / x.norm", "x * 0.1 / x.norm", "starts too small"),
    (
        MUON,
        "polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)",
        "polynomial = torch.baddbmm(gram, gram, gram, beta=c, alpha=b)",
        "b and c swapped",
    ),
    (MUON, "q.diagonal(dim1=-2, dim2=-1).add_(a)", "q.add_(a)", "a added everywhere"),
    (MUON, "if step < n_steps - 1:", "if step < n_steps - 2:", "one A too few"),
    (MUON, "torch.bmm(torch.bmm(q, gram), q)", "torch.bmm(q, gram)", "Q on one side"),
    (
        MUON,
        "torch._foreach_lerp_(directions, grads, 1 - momentum)",
        "torch._foreach_lerp_(directions, grads, momentum)",
        "momentum turned over",
    ),
    (
        MUON,
        "torch._foreach_lerp(grads, directions, momentum)",
        "directions",
        "no look ahead",
    ),
    (
        MUON,
        "param.add_(wide.mT if is_tall else wide, alpha=-rate)",
        "param.add_(wide.mT if is_tall else wide, alpha=-lr)",
        "no factor by shape",
    ),
    (
        MUON,
        "max(1.0, n_rows / n_columns)",
        "max(1.0, n_columns / n_rows)",
        "factor of the transpose",
    ),
    (
        MUON,
        "0.2 * max(n_rows, n_columns)",
        "0.2 * min(n_rows, n_columns)",
        "the smaller side",
    ),
    (
        MUON,
        'params, 1 - lr * group["weight_decay"]',
        'params, 1 - group["weight_decay"]',
        "decay without the rate",
    ),
    (
        MUON,
        "stacked.to(self.ns_dtype or stacked.dtype)",
        "stacked.bfloat16()",
        "always rounded",
    ),
    (MUON, "if param.dim() != 2:", "if False:", "vectors let in"),
    (MUON, ".clamp(min=eps)", "", "zero divided by zero"),
    (GROUPS, "if p.dim() >= 2]", "if p.dim() >= 1]", "vectors decay too"),
    (GROUPS, "and not re.search(ends, name)", "", "tables and heads are hidden"),
    (GROUPS, "if p.requires_grad)", "if True)", "frozen parameters in groups"),
    (GROUPS, "(vectors, 0.0)", "(vectors, weight_decay)", "gains decay"),
    (GROUPS, r'ENDS = r"embedding|head', r'ENDS = r"embedding', "the head is hidden"),
    (
        COMBINED,
        "self._share()  # the groups",
        "pass  # the groups",
        "parts keep the old groups",
    ),
    (COMBINED, "part.state = self.state", "pass", "state not shared"),
    (COMBINED, "self.state.update(part.state)", "pass", "state of the parts lost"),
    (COMBINED, "first = last", "pass", "all parts get the first groups"),
    (COMBINED, "part.step()", "part.step(closure)", "closure called twice"),
    (
        COMBINED,
        "lr if adamw_lr is None else adamw_lr",
        "lr",
        "AdamW's own rate ignored",
    ),
    (CLIPPING, ".clamp(max=1.0)", "", "short gradients are stretched"),
    (
        CLIPPING,
        "torch.stack(torch._foreach_norm(grads)).norm()",
        "torch.stack(torch._foreach_norm(grads)).sum()",
        "norms added up",
    ),
    (CLIPPING, "(norm + 1e-6)", "(norm + 1)", "a shrunken bound"),
    (
        CLIPPING,
        "torch._foreach_clamp_min_(grads, -max_value)",
        "pass",
        "clipped above only",
    ),
    (CLIPPING, "if not max_value > 0:", "if max_value < 0:", "a bound of zero"),
    (
        SCHEDULE,
        "(1 + math.cos(math.pi * progress))",
        "(1 - math.cos(math.pi * progress))",
        "cosine turned over",
    ),
    (
        SCHEDULE,
        "return peak - (peak - floor) * progress\n\n\ndef warmup_constant",
        "return peak - peak * progress\n\n\ndef warmup_constant",
        "line to zero",
    ),
    (
        SCHEDULE,
        "peak * min(1.0, (step + 1) / n_warmup)",
        "peak * min(1.0, step / n_warmup)",
        "first step lost",
    ),
    (
        SCHEDULE,
        "math.sqrt(n_warmup / (step + 1))",
        "math.sqrt(n_warmup / (step + 2))",
        "root off by one",
    ),
    (
        SCHEDULE,
        "(step - (n_steps - n_decay)) / n_decay",
        "(step - n_warmup) / (n_steps - n_warmup)",
        "cools down all the time",
    ),
    (
        SCHEDULE,
        "max(1, round(decay_share * n_steps))",
        "round(decay_share * n_steps)",
        "no step to cool down",
    ),
    (
        SCHEDULE,
        "if n_warmup + n_decay > n_steps:",
        "if False:",
        "warm-up and cool-down overlap",
    ),
    (SCHEDULE, "if n_warmup < 1:", "if False:", "root of no warm-up"),
    (SCHEDULE, "if not 0 <= floor <= peak:", "if floor > peak:", "a negative floor"),
]

TESTS = ["tests/training/optim", "tests/training/test_schedule.py"]
