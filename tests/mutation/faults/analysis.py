"""Faults planted in what the chapters measure and count: each must make a test fail."""

ABLATION = "analysis/ablation.py"
COUNTING = "analysis/counting.py"
DEPENDENCE = "analysis/dependence.py"
GRADIENTS = "analysis/attention_gradients.py"
OBJECTIVES = "analysis/embedding_objectives.py"
ONLINE = "models/layers/online_attention.py"
SCALING = "analysis/scaling.py"

FAULTS = [
    (ONLINE, "output * shrink", "output", "old outputs keep the old maximum"),
    (ONLINE, "total * shrink", "total", "old sums keep the old maximum"),
    (ONLINE, "(largest - new).exp()", "(new - largest).exp()", "shrink inverted"),
    (ONLINE, "(largest + total.log())", "total.log()", "log-sum-exp without maximum"),
    (ONLINE, "        largest = new\n", "", "the maximum never moves on"),
    (GRADIENTS, "(by_weights - average)", "by_weights", "softmax without its mean"),
    (GRADIENTS, "scale * by_scores @ k", "by_scores @ k", "query gradient unscaled"),
    (GRADIENTS, "scale * by_scores.transpose", "by_scores.transpose", "key unscaled"),
    (GRADIENTS, "weights.transpose(-2, -1) @ up", "weights @ up", "values transposed"),
    (ABLATION, "isinstance(block, PreNormBlock | PreNormCrossBlock)", "False", "order"),
    (ABLATION, 'key=("norm", *PARTS).index', "key=PARTS.index", "residual before norm"),
    (ABLATION, "nn.init.zeros_(module.weight)", "pass", "positions stay"),
    (ABLATION, "        module.table.zero_()", "        pass", "sinusoids stay"),
    (COUNTING, "return 6 * n_parameters", "return 2 * n_parameters", "forward alone"),
    (COUNTING, "2 * one}", "one}", "one average of Adam"),
    (COUNTING, "8 * d_model + 2 * config", "7 * d_model + 2 * config", "one output less"),
    (COUNTING, "config.n_heads + 4", "4", "no sums of the softmax"),
    (COUNTING, "numbers = 2 * batch_size", "numbers = batch_size", "keys alone cached"),
    (COUNTING, "bytes_per_number + cache", "bytes_per_number", "cache not read"),
    (DEPENDENCE, "rows[0]).abs().amax(dim=-1).T", "rows[0]).abs().amax(dim=-1)", "T"),
    (DEPENDENCE, "(mask | alone)", "mask", "no residual connection"),
    (DEPENDENCE, "step @ reach", "reach @ reach", "reach doubles in each block"),
    (OBJECTIVES, "n_negatives * counts.sum(dim=1, keepdim=True) * noise  #",
     "counts.sum(dim=1, keepdim=True) * noise  #", "one negative for any number"),
    (OBJECTIVES, "logsigmoid(-scores)", "logsigmoid(scores)", "negatives attracted"),
    (OBJECTIVES, "squares[apart]", "squares", "each vector beside itself"),
    (OBJECTIVES, "2 - 2 * unit @ unit.T", "2 - unit @ unit.T", "half a product"),
    (SCALING, "y_left = y - (floor or 0.0)", "y_left = y", "the floor is not taken off"),
    (SCALING, "np.where((found[..., 0] >= 0)", "np.where((found[..., 0] >= -9e9)",
     "weights below zero"),
]  # fmt: skip
TESTS = ["tests/analysis", "tests/models/layers/test_online_attention.py"]
