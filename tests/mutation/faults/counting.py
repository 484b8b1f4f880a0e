"""Faults planted in n-grams, word vectors and the NPLM: each must make a test fail."""

COUNTS = "models/ngram/counts.py"
BASE = "models/ngram/base.py"
ADD_K = "models/ngram/add_k.py"
KATZ = "models/ngram/katz.py"
KNESER_NEY = "models/ngram/kneser_ney.py"
COOCCURRENCE = "models/cooccurrence.py"
NEAREST = "models/nearest.py"
MODEL = "models/word2vec/model.py"
EXAMPLES = "models/word2vec/examples.py"
TRAINING = "models/word2vec/training.py"
GLOVE = "models/glove.py"
NPLM = "models/nplm.py"

FAULTS = [
    (
        COUNTS,
        "shorter = ids[1:]",
        "shorter = ids[:-1]",
        "the suffix of an n-gram is its prefix",
    ),
    (
        COUNTS,
        "np.full(len(token_ids) + 1, ABSENT)",
        "np.zeros(len(token_ids) + 1, np.int64)",
        "before the text begins, the first n-gram is found",
    ),
    (
        COUNTS,
        "ids[1:] = self.find(n, levels[-1][:-1], token_ids)",
        "ids[1:] = self.find(n, levels[-1][1:], token_ids)",
        "contexts one place late",
    ),
    (
        COUNTS,
        "np.array([context, context + 1])",
        "np.array([context, context + 2])",
        "followers of the next context as well",
    ),
    (
        COUNTS,
        "np.where(ids == ABSENT, 0, values[ids])",
        "values[ids]",
        "what is absent takes the last value",
    ),
    (
        BASE,
        "history[max(0, len(history) - self.order + 1) :]",
        "history[: self.order - 1]",
        "samples look at the beginning of the text",
    ),
    (
        ADD_K,
        "(total + self.k * self.vocab_size)",
        "(total + self.k)",
        "k counted once instead of V times",
    ),
    (
        ADD_K,
        "levels[n - 1][n - 1 : -1], levels[n][n:]",
        "levels[n - 1][n - 1 : -1], levels[n][n - 1 : -1]",
        "the n-gram ends one token early",
    ),
    (
        KATZ,
        "np.minimum(counts - 1, len(d))",
        "np.minimum(counts, len(d))",
        "the discount of the next higher count",
    ),
    (
        KATZ,
        "trusted = (k + 1) * n[k + 1]",
        "trusted = k * n[k]",
        "Katz's correction for trusted counts at the wrong count",
    ),
    (
        KATZ,
        "total[total == kept_by_context] += 1",
        "pass",
        "nothing left for the unseen where nothing was discounted",
    ),
    (
        KATZ,
        "below[self.counts.suffixes[n]]",
        "below[self.counts.contexts(n)]",
        "alpha asks the wrong shorter n-gram",
    ),
    (
        KATZ,
        "alphas[has_unseen] = left[has_unseen] / unseen[has_unseen]",
        "alphas[has_unseen] = left[has_unseen]",
        "what is left is not normalised over the unseen",
    ),
    (
        KATZ,
        "total[is_full] = kept_by_context[is_full]",
        "pass",
        "discounts lost where nothing is unseen",
    ),
    (
        KATZ,
        "contexts == ABSENT, p, take(self._alphas[n - 1], contexts) * p",
        "contexts == ABSENT, 0, take(self._alphas[n - 1], contexts) * p",
        "an unseen context gives nothing",
    ),
    (
        KNESER_NEY,
        "if n == self.order:",
        "if n >= 1:",
        "lower orders count occurrences, not contexts",
    ),
    (
        KNESER_NEY,
        "n_1 / (n_1 + 2 * n_2) if n_1 else 0.5",
        "n_1 / (n_1 + n_2) if n_1 else 0.5",
        "the estimate of the discount lacks its 2",
    ),
    (
        KNESER_NEY,
        "group = adjusted >= r if r == len(by_count) else adjusted == r",
        "group = adjusted == r",
        "counts above the last discount keep all",
    ),
    (
        KNESER_NEY,
        "r - (r + 1) * y * n[r + 1] / n[r]",
        "r - r * y * n[r + 1] / n[r]",
        "modified discounts with the wrong factor",
    ),
    (
        KNESER_NEY,
        "discounts if min(discounts) > 0 else self.FALL_BACK",
        "discounts",
        "a negative discount is used",
    ),
    (
        KNESER_NEY,
        "seen = total > 0",
        "seen = total >= 0",
        "a context that was never seen divides by 0",
    ),
    (
        COOCCURRENCE,
        "torch.stack([left, right]), torch.stack([right, left])",
        "torch.stack([left, right]), torch.stack([left, right])",
        "only words to the right are counted",
    ),
    (
        COOCCURRENCE,
        "enumerate(weights, start=1)",
        "enumerate(weights, start=2)",
        "direct neighbours are left out",
    ),
    (
        COOCCURRENCE,
        "of_word[w] * of_context[c]",
        "of_word[c] * of_context[w]",
        "smoothing applied to words instead of contexts",
    ),
    (
        COOCCURRENCE,
        "/ of_context.sum()\n",
        "/ counts.values().sum()\n",
        "smoothed probabilities that do not sum to one",
    ),
    (
        COOCCURRENCE,
        "torch.log(counts.values() / chance / shift)",
        "torch.log(counts.values() / chance) - shift",
        "k subtracted instead of log k",
    ),
    (
        COOCCURRENCE,
        "        q = torch.linalg.qr(transposed @ q).Q\n",
        "        q = torch.linalg.qr(transposed @ q).Q[:, : rank]\n",
        "the extra directions are dropped",
    ),
    (
        COOCCURRENCE,
        "return u * signs, s, v * signs",
        "return u * signs, s, v",
        "signs changed on one side only",
    ),
    (COOCCURRENCE, "u * s**power", "u * s", "singular values at full strength"),
    (
        NEAREST,
        "unit[b] - unit[a] + unit[c]",
        "unit[a] - unit[b] + unit[c]",
        "the analogy the wrong way round",
    ),
    (
        NEAREST,
        "_unit(vectors) @ _unit(query)",
        "vectors @ query",
        "inner products for cosines",
    ),
    (
        NEAREST,
        "exclude=(a, b, c)",
        "exclude=(a, c)",
        "an analogy may answer with the word of its question",
    ),
    (
        MODEL,
        "h = vectors.sum(dim=1) / present.sum(dim=1)",
        "h = vectors.mean(dim=1)",
        "padding counted in the mean",
    ),
    (
        MODEL,
        "present = (input_ids >= 0)",
        "present = (input_ids > 0)",
        "word 0 taken for padding",
    ),
    (
        MODEL,
        "is_real[:, 0] = 1",
        "is_real[:, -1] = 1",
        "a negative is taught as real",
    ),
    (
        MODEL,
        'reduction="sum"\n        ) / len(scores)',
        'reduction="sum"\n        ) / scores.numel()',
        "averaged over candidates too: more negatives, smaller steps",
    ),
    (
        EXAMPLES,
        "torch.randint(1, window + 1, (n_tokens, 1)",
        "torch.randint(1, window, (n_tokens, 1)",
        "the widest window is never drawn",
    ),
    (
        EXAMPLES,
        "offsets.abs() <= radius",
        "offsets.abs() < radius",
        "windows one word too small",
    ),
    (
        EXAMPLES,
        "& (places < n_tokens)",
        "",
        "windows reach beyond the text",
    ),
    (
        EXAMPLES,
        "(threshold / frequency).sqrt()",
        "(threshold / frequency)",
        "frequent words thinned without the root",
    ),
    (
        EXAMPLES,
        "counts.double() ** power",
        "counts.double()",
        "negatives as frequent as words",
    ),
    (
        TRAINING,
        "torch.searchsorted(noise, draws, right=True)",
        "(draws * len(noise)).long()",
        "negatives drawn evenly",
    ),
    (
        TRAINING,
        "learning_rate * (1 - done)",
        "learning_rate",
        "a rate that never falls",
    ),
    (
        GLOVE,
        ".pow(self.config.power).clamp(max=1)",
        ".clamp(max=1)",
        "weights without the power",
    ),
    (
        GLOVE,
        ".pow(self.config.power).clamp(max=1)",
        ".pow(self.config.power)",
        "frequent pairs weigh without limit",
    ),
    (
        GLOVE,
        "self(word_ids, context_ids) - counts.log()",
        "self(word_ids, context_ids) - counts",
        "counts fitted, not their logarithms",
    ),
    (
        GLOVE,
        "self.context_bias[context_ids]",
        "self.context_bias[word_ids]",
        "the context's bias of the wrong word",
    ),
    (
        GLOVE,
        "(weights * errors.square()).sum()",
        "(weights * errors.square()).mean()",
        "a mean where the paper has a sum",
    ),
    (
        GLOVE,
        "(self.words.weight + self.contexts.weight).detach()",
        "self.words.weight.detach()",
        "half of the result is dropped",
    ),
    (
        NPLM,
        "x.transpose(2, 3).flatten(2)",
        "x.flatten(2)",
        "components joined before words",
    ),
    (
        NPLM,
        "(0, 0, n_words - 1, 0)",
        "(0, 0, 0, n_words - 1)",
        "zeros after the text: each position sees its future",
    ),
    (
        NPLM,
        "logits + self.direct_proj(x)",
        "logits",
        "direct connections are made and not used",
    ),
    (NPLM, "torch.tanh(self.hidden_proj(x))", "self.hidden_proj(x)", "no tanh"),
    (
        NPLM,
        "initialise(self, config.init_std, n_layers=1)",
        "initialise(self, 0.02, n_layers=1)",
        "the asked deviation is ignored",
    ),
]

TESTS = [
    "tests/models/ngram",
    "tests/models/word2vec",
    "tests/models/test_cooccurrence.py",
    "tests/models/test_nearest.py",
    "tests/models/test_glove.py",
    "tests/models/test_nplm.py",
    "tests/parity/test_counting.py",
    "tests/parity/test_word_vectors.py",
]
