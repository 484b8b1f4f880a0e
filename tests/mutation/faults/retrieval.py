"""Faults planted in retrieval: each must make a test fail."""

BM25 = "inference/retrieval/bm25.py"
CHUNKS = "inference/retrieval/chunks.py"
DENSE = "inference/retrieval/dense.py"
FUSION = "inference/retrieval/fusion.py"
INDEX = "inference/retrieval/inverted_index.py"
TERMS = "inference/retrieval/terms.py"
TOP_K = "inference/retrieval/top_k.py"

FAULTS = [
    (
        BM25,
        "k1 * (1 - b + b * relative)",
        "k1 * (1 - b * relative)",
        "length correction turned over",
    ),
    (
        BM25,
        "self.index.lengths / self.index.lengths.mean()",
        "self.index.lengths",
        "length not relative to the mean",
    ),
    (
        BM25,
        "self._saturation[documents]",
        "self._saturation[: len(documents)]",
        "lengths of other documents",
    ),
    (BM25, "k1 + 1 if variant in", "k1 if variant in", "scale without its one"),
    (
        BM25,
        "weight = n_times * self",
        "weight = self",
        "repeated words of a query count once",
    ),
    (
        BM25,
        "scores[documents] += weight",
        "scores[documents] = weight",
        "only the last word counts",
    ),
    (BM25, "np.log1p(odds)", "np.log(odds)", "Lucene's idf without its one"),
    (BM25, "(n + 0.5)", "(n + 1)", "smoothing of the odds"),
    (BM25, "np.where(idf < 0, epsilon", "np.where(idf < 1, epsilon", "floor too high"),
    (
        BM25,
        "epsilon * idf.mean()",
        "epsilon * np.maximum(idf, 0).mean()",
        "mean of the floored idf",
    ),
    (
        BM25,
        "found = np.flatnonzero(matches)",
        "found = np.arange(len(self))",
        "documents without a match found",
    ),
    (
        BM25,
        "found = np.flatnonzero(matches)",
        "found = np.flatnonzero(scores > 0)",
        "matches with a negative score lost",
    ),
    (
        BM25,
        "Hit(int(found[place]), score)",
        "Hit(place, score)",
        "places among the found for numbers",
    ),
    (
        INDEX,
        "lengths.append(len(terms))",
        "lengths.append(len(set(terms)))",
        "length of distinct terms",
    ),
    (TERMS, "term.lower()", "term", "capitals kept"),
    (TERMS, 'word.split("_")', "[word]", "names with underscores whole"),
    (TOP_K, "scores >= threshold", "scores > threshold", "the last place left out"),
    (
        TOP_K,
        "np.flatnonzero(scores >= threshold)[::-1]",
        "np.flatnonzero(scores >= threshold)",
        "ties to the higher number",
    ),
    (
        TOP_K,
        "last_place = len(scores) - k",
        "last_place = k - 1",
        "partition from the wrong end",
    ),
    (
        DENSE,
        "np.linalg.norm(table, axis=1, keepdims=True)",
        "np.linalg.norm(table)",
        "norm of the whole table",
    ),
    (
        DENSE,
        'if self.similarity == "dot":',
        'if self.similarity == "cosine":',
        "similarities exchanged",
    ),
    (
        DENSE,
        "array.astype(np.float32) if array.itemsize < 4 else array",
        "array",
        "squares of half-precision numbers overflow",
    ),
    (DENSE, "where=norms > 0)", "where=norms > 1e9)", "no vector left"),
    (
        DENSE,
        "cls(np.concatenate(batches), encode, similarity)",
        "cls(np.concatenate(batches), encode)",
        "similarity forgotten",
    ),
    (
        DENSE,
        "cls(np.concatenate(batches), encode, similarity)",
        "cls(batches[0], encode, similarity)",
        "only the first batch indexed",
    ),
    (
        DENSE,
        "for row in self.scores(queries[start : start + batch_size])",
        "for row in self.scores(queries[start : start + 1])",
        "one query of each batch",
    ),
    (FUSION, "enumerate(documents, 1)", "enumerate(documents)", "ranks from zero"),
    (FUSION, "weight / (k + rank)", "1 / (k + rank)", "weights of rankings ignored"),
    (FUSION, "(-item[1], item[0])", "-item[1]", "ties in order of appearance"),
    (
        FUSION,
        "/ (scores.max() - scores.min())",
        "/ scores.max()",
        "min-max without its range",
    ),
    (FUSION, "/ scores.std()", "/ scores.var()", "variance for deviation"),
    (FUSION, "sum(weight * part for", "sum(part for", "weights of searches ignored"),
    (CHUNKS, "len(starts), size - overlap)", "len(starts), size)", "no overlap"),
    (CHUNKS, "last = first + size", "last = first + size - 1", "one unit short"),
    (
        CHUNKS,
        "starts[first] + len(passage) - len(passage.lstrip())",
        "starts[first] + len(passage) - len(passage.rstrip())",
        "offset by what was cut behind",
    ),
    (
        CHUNKS,
        "            break\n",
        "            pass\n",
        "a last passage that only repeats",
    ),
    (
        CHUNKS,
        "if here or after_spaceless:",
        "if here:",
        "Latin words stick to Chinese ones",
    ),
    (CHUNKS, r"\s+(?![{_SMALL}\s])", r"\s+", "abbreviations end sentences"),
    (
        CHUNKS,
        "            if not character.isalnum():",
        "            if False:",
        "punctuation on its own",
    ),
]
TESTS = ["tests/inference/retrieval"]
