"""Faults planted in the GPT with n-grams and its recipe: each must make a test fail."""

EMBEDDING = "models/layers/ngram_embedding.py"
MODEL = "models/ngram_gpt.py"
RECIPE = "training/fast_recipe.py"

TESTS = [
    "tests/models/layers/test_ngram_embedding.py",
    "tests/models/test_ngram_gpt.py",
    "tests/training/test_fast_recipe.py",
]

FAULTS = [
    (
        EMBEDDING,
        "for back in range(1, order):",
        "for back in range(order):",
        "one more",
    ),
    (
        EMBEDDING,
        "torch.where(positions >= back, earlier, vocab_size)",
        "earlier",
        "n-grams reach over the beginning",
    ),
    (
        EMBEDDING,
        "(hashed * _MULTIPLIER + earlier + 1)",
        "(hashed + earlier + 1)",
        "bag",
    ),
    (
        EMBEDDING,
        "hashed = token_ids[:, -n_new:] + 1",
        "hashed = token_ids[:, :n_new] + 1",
        "the first tokens instead of the last",
    ),
    (
        EMBEDDING,
        "total = total + nn.functional.embedding(rows, table)",
        "total = nn.functional.embedding(rows, table)",
        "only the longest n-grams count",
    ),
    (
        EMBEDDING,
        "token_ids = token_ids.long()",
        "token_ids = token_ids + 0",
        "the hash of int32 ids overflows",
    ),
    (
        MODEL,
        "known = torch.cat([stored[:, 0, :, 0], token_ids], dim=1)",
        "known = token_ids",
        "n-grams forget what was cached",
    ),
    (
        MODEL,
        "cache.append(config.n_layers, as_keys, as_keys)\n\n        logits",
        "pass\n\n        logits",
        "ids are not remembered",
    ),
    (MODEL, "scale=8 / d_head,", "scale=d_head**-0.5,", "scores of usual size"),
    (MODEL, "activation=relu_squared", "activation=torch.relu", "ReLU not squared"),
    (
        MODEL,
        "self.first_norm(x + self.ngram_embedding(known, positions))",
        "x + self.ngram_embedding(known, positions)",
        "no norm before the first block",
    ),
    (
        MODEL,
        'if name.endswith(("o_proj", "down_proj")):',
        "if False:",
        "the untrained model has preferences",
    ),
    (RECIPE, '{"params": head, "lr": 0.01}', '{"params": head, "lr": 0.02}', "head"),
    (
        RECIPE,
        'schedule="warmup_linear",',
        'schedule="warmup_cosine",',
        "the rate falls in another way",
    ),
    (
        RECIPE,
        "runtime.seed_everything(seed)\n    sizes",
        "runtime.seed_everything(0)\n    sizes",
        "the seed of the weights is ignored",
    ),
    (
        RECIPE,
        "hidden_matrices(model, weight_decay=0.1)",
        "hidden_matrices(model.blocks[0], weight_decay=0.1)",
        "Muon moves one block only",
    ),
]
