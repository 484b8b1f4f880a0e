"""Faults planted in the scores: each must make a test fail."""

ALIGNMENT = "metrics/alignment.py"
ANSWERS = "metrics/answers.py"
BLEU = "metrics/bleu.py"
BOOTSTRAP = "metrics/bootstrap.py"
CALIBRATION = "metrics/calibration.py"
CHRF = "metrics/chrf.py"
CLASSES = "metrics/classification.py"
LIKELIHOOD = "metrics/likelihood.py"
PAIRED = "metrics/paired.py"
PASS = "metrics/pass_rate.py"
REFERENCES = "metrics/references.py"
RANKING = "metrics/ranking.py"
ROUGE = "metrics/rouge.py"
TOKENS = "metrics/scored_tokens.py"

FAULTS = [
    (
        PAIRED,
        "return a - b, 1e-9 * (abs(a) + abs(b))",
        "return a - b, 1e-9 * (1 + abs(a) + abs(b))",
        "p depends on the unit",
    ),
    (
        "metrics/bootstrap.py",
        "if not np.isfinite(scores).all():",
        "if False:",
        "a score that is no number looks certain",
    ),
    (LIKELIHOOD, "n_bytes * math.log(2)", "n_bytes", "nats called bits"),
    (
        CLASSES,
        "counts[place[truth], place[guess]] += 1",
        "counts[place[guess], place[truth]] += 1",
        "confusion matrix on its side",
    ),
    (
        CLASSES,
        "matrix.sum(axis=0), matrix.sum(axis=1)",
        "matrix.sum(axis=1), matrix.sum(axis=0)",
        "precision and recall exchanged",
    ),
    (CLASSES, "share(2 * hits,", "share(hits,", "F1 without its two"),
    (
        CLASSES,
        "if whole else zero_division",
        "if whole else 0.0",
        "zero_division ignored",
    ),
    (
        CLASSES,
        "return Scores(*np.mean(chosen, axis=0).tolist())",
        "p, r, _ = np.mean(chosen, axis=0).tolist()\n    return Scores(p, r, harmonic_mean(p, r))",
        "F1 of the means",
    ),
    (
        REFERENCES,
        "[plain(entry) for",
        "[entry for",
        "elements of tensors compared as objects",
    ),
    (
        ANSWERS,
        '_ARTICLES.sub(" ", text)',
        "text",
        "articles kept",
    ),
    (ANSWERS, r'r"\b(?:a|an|the)\b"', '"a|an|the"', "articles cut out of words"),
    (ANSWERS, "return max(_f1", "return min(_f1", "the worst reference counts"),
    (
        ANSWERS,
        "(Counter(given) & Counter(right)).total()",
        "len(set(given) & set(right))",
        "repeated words count once",
    ),
    (ANSWERS, "return float(given == right)", "return 0.0", "two empty answers differ"),
    (
        TOKENS,
        '_western(f" {text} ")',
        "_western(text)",
        "no blanks around the text",
    ),
    (
        TOKENS,
        "    text = _DASH_AFTER_DIGIT",
        "    _ = _DASH_AFTER_DIGIT",
        "dash after a digit kept",
    ),
    (TOKENS, r"\u2001-\u2a6d", r"\u2600-\u27bf", "the table of Chinese mended"),
    (TOKENS, r'.replace("-\n", "")', "", "words at line ends not joined"),
    (
        BLEU,
        "(counts & allowed).total()",
        "sum(c for g, c in counts.items() if g in allowed)",
        "n-grams not clipped",
    ),
    (BLEU, "allowed |= ngram", "allowed += ngram", "counts of references added"),
    (
        BLEU,
        "min((abs(len(r) - len(tokens)), len(r)) for r in right)[1]",
        "min(len(r) for r in right)",
        "the shortest reference, not the nearest",
    ),
    (
        BLEU,
        "min((abs(len(r) - len(tokens)), len(r)) for r in right)[1]",
        "len(min(right, key=lambda r: abs(len(r) - len(tokens))))",
        "the first of equally near references",
    ),
    (
        BLEU,
        "np.exp(np.minimum(0.0, 1 - ratio))",
        "np.exp(1 - ratio)",
        "long texts rewarded",
    ),
    (
        BLEU,
        "np.arange(max_order) > 0",
        "np.arange(max_order) >= 0",
        "unigrams smoothed",
    ),
    (
        BLEU,
        "0.5 ** (found == 0).cumsum(axis=-1)",
        "0.5",
        "each empty order smoothed alike",
    ),
    (
        BLEU,
        "counted = exists if effective_order else np.ones_like(exists)",
        "counted = exists",
        "missing orders always left out",
    ),
    (
        BLEU,
        "np.where(some_match, 100",
        "np.where(n_tokens > 0, 100",
        "smoothing alone scores",
    ),
    (
        BLEU,
        "total = statistics.sum(axis=0)\n",
        "total = statistics[-1]\n",
        "only the last sentence scored",
    ),
    (
        CHRF,
        "ours.total() if theirs else 0,",
        "ours.total(),",
        "orders the reference lacks count",
    ),
    (
        CHRF,
        "below = beta**2 * precision + recall",
        "below = precision + beta**2 * recall",
        "precision weighs more",
    ),
    (CHRF, "exists.sum(axis=-1)", "exists.size", "orders that do not exist counted"),
    (
        CHRF,
        "candidates[int(scores.argmax())]",
        "candidates[0]",
        "only the first reference",
    ),
    (
        CHRF,
        "words += [word[:-1], word[-1]]",
        "words += [word]",
        "punctuation left on words",
    ),
    (CHRF, '"".join(text.split()), _words', "text, _words", "white space counts"),
    (
        ROUGE,
        "elif lengths[i][j - 1] > lengths[i - 1][j]:",
        "elif lengths[i][j - 1] >= lengths[i - 1][j]:",
        "another longest subsequence",
    ),
    (ROUGE, "if left[sentence[place]] > 0:", "if True:", "tokens hit more than once"),
    (
        ROUGE,
        "Scores(precision, recall, harmonic_mean(precision, recall))",
        "Scores(recall, precision, harmonic_mean(precision, recall))",
        "precision and recall exchanged in ROUGE",
    ),
    (
        ROUGE,
        "key=lambda score: score.f1",
        "key=lambda score: score.recall",
        "best recall counts",
    ),
    (ROUGE, ", text.lower())", ", text)", "capitals dropped"),
    (ALIGNMENT, "p = s | set(p)", "p = set(p)", "sure links not possible"),
    (
        ALIGNMENT,
        "1 - (n_sure_hits + n_possible_hits)",
        "1 - (2 * n_sure_hits)",
        "possible links are wrong",
    ),
    (
        ALIGNMENT,
        "precision = n_possible_hits",
        "precision = n_sure_hits",
        "strict precision",
    ),
    (
        CALIBRATION,
        "np.minimum((confidence * n_bins).astype(int), n_bins - 1)",
        "np.ceil(confidence * n_bins).astype(int)",
        "edges in the lower bin",
    ),
    (
        CALIBRATION,
        "np.searchsorted(np.sort(confidence), confidence)",
        "np.argsort(confidence)",
        "order for rank",
    ),
    (
        CALIBRATION,
        "np.searchsorted(np.sort(confidence), confidence)",
        "np.argsort(np.argsort(confidence, kind='stable'), kind='stable')",
        "equal confidences in two bins",
    ),
    (
        CALIBRATION,
        "np.nansum(self.share * gaps)",
        "np.nanmean(gaps)",
        "each bin counts the same",
    ),
    (
        CALIBRATION,
        "np.abs(self.accuracy - self.confidence)",
        "np.maximum(self.confidence - self.accuracy, 0)",
        "too modest counts for nothing",
    ),
    (
        PASS,
        "comb(n_samples - n_correct, k)",
        "comb(n_samples - n_correct, k - 1)",
        "off by one in pass@k",
    ),
    (PASS, "sum(scores) / len(scores)", "max(scores)", "the best problem counts"),
    (RANKING, "log2(rank + 1)", "log2(rank + 2)", "discount off by one"),
    (
        RANKING,
        "sorted(relevance.values(), reverse=True)[:k]",
        "sorted(relevance.values(), reverse=True)",
        "best order not cut at k",
    ),
    (
        RANKING,
        "sorted(relevance.values(), reverse=True)[:k]",
        "list(relevance.values())[:k]",
        "best order not sorted",
    ),
    (RANKING, "enumerate(ranking, 1) if", "enumerate(ranking, 2) if", "ranks from two"),
    (
        RANKING,
        "set(ranking[:k]) & wanted",
        "set(ranking) & wanted",
        "recall of the whole ranking",
    ),
    (RANKING, "/ len(wanted)", "/ k", "precision for recall"),
    (RANKING, "else 2**r - 1", "else 2**r", "irrelevant documents gain"),
    (
        BOOTSTRAP,
        "if not np.isfinite(rows).all():",
        "if False:",
        "what is no number makes any difference sure",
    ),
    (
        BOOTSTRAP,
        "outside = (1 - level) / 2",
        "outside = 1 - level",
        "interval one-sided",
    ),
    (
        BOOTSTRAP,
        "generator.multinomial(n_examples, share",
        "generator.multinomial(max(1, n_examples // 2), share",
        "resamples half as large",
    ),
    (
        BOOTSTRAP,
        "n_rows = min(chunk, n_resamples - start)",
        "n_rows = chunk",
        "last chunk too large",
    ),
    (
        BOOTSTRAP,
        "max(1, _CHUNK // n_examples)",
        "_CHUNK // n_examples",
        "no rows in a chunk",
    ),
    (
        PAIRED,
        "_at_least(drawn - difference, difference, rounding)",
        "_at_least(drawn, difference, rounding)",
        "spread measured from zero",
    ),
    (
        PAIRED,
        "(1 + n_extreme) / (1 + n_resamples))",
        "n_extreme / n_resamples)",
        "p-value of zero",
    ),
    (
        PAIRED,
        "if exact else (1 + n_extreme) / (1 + n_drawn)",
        "if exact else n_extreme / n_drawn",
        "p-value of zero from exchanges",
    ),
    (
        PAIRED,
        "score(sum_a + moved) - score(sum_b - moved)",
        "score(sum_a + moved) - score(sum_b)",
        "only one system exchanged",
    ),
    (
        PAIRED,
        "np.abs(drawn) >= abs(difference) - rounding",
        "drawn >= abs(difference) - rounding",
        "one-sided p-value",
    ),
    (
        PAIRED,
        "change = change[change.any(axis=1)]",
        "change = change[:]",
        "equal examples counted",
    ),
    (PAIRED, "2 * tail / 2**n", "tail / 2**n", "McNemar one-sided"),
    (
        PAIRED,
        "range(min(only_a, only_b) + 1)",
        "range(min(only_a, only_b))",
        "McNemar's tail one short",
    ),
]
TESTS = ["tests/metrics"]
