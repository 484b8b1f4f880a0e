"""Faults planted in cleaning and in the corpus: each must make a test fail."""

NORMALISE = "data/cleaning/normalise.py"
WORDS = "data/cleaning/words.py"
MINHASH = "data/cleaning/minhash.py"
DUPLICATES = "data/cleaning/duplicates.py"
QUALITY = "data/cleaning/quality.py"
REPETITION = "data/cleaning/repetition.py"
REPORT = "data/cleaning/report.py"
LOST = "data/cleaning/lost_tokens.py"
CORPUS = "data/corpus.py"

FAULTS = [
    (NORMALISE, '"\\r\\n|[\\r', '"[\\r', "CR LF becomes two line feeds"),
    (NORMALISE, "(?![^\\x00-\\x7f])", "", "joiners go before a Persian letter"),
    (
        NORMALISE,
        "    text = unicodedata.normalize(form, text)\n",
        '    text = unicodedata.normalize(form, _IDLE_JOINERS.sub("", text))\n'
        "    return text\n",
        "joiners looked at before the normal form",
    ),
    (
        NORMALISE,
        '    text = unicodedata.normalize("NFC", text)\n    return Counter(',
        "    return Counter(",
        "NFC's own changes counted as losses of NFKC",
    ),
    (NORMALISE, "\\x1c-\\x1e", "", "a record separator stays"),
    (NORMALISE, '.replace("\\x1f", " ")', "", "a unit separator stays"),
    (QUALITY, r"…+|\.{3,}", r"…|\.{3}", "six dots counted as two ellipses"),
    (MINHASH, "or not a.size", "", "empty signatures give NaN"),
    (WORDS, 'mark = "\\u200c\\u200d"', 'mark = ""', "Persian words cut at a joiner"),
    (WORDS, "[{_SPACELESS}][{mark}]*|", "[{_SPACELESS}]|", "Thai letters lose marks"),
    (MINHASH, "numbers[0] | np.uint64(1)", "numbers[0]", "hashes that collide"),
    (MINHASH, "values.min(axis=0)", "values[0]", "a signature of one shingle"),
    (MINHASH, "start : start + n_rows]", "start : start + 1]", "bands of one row"),
    (
        MINHASH,
        "return 1 - (1 - similarity**n_rows) ** n_bands",
        "return 1 - (1 - similarity**n_bands) ** n_rows",
        "bands and rows swapped",
    ),
    (MINHASH, "len(tokens) - n + 1", "len(tokens) - n", "the last shingle forgotten"),
    (
        DUPLICATES,
        "SimilarPair(places[a], places[b], similarity)",
        "SimilarPair(a, b, similarity)",
        "places among the long documents only",
    ),
    (DUPLICATES, "if similarity >= threshold", "if True", "candidates not verified"),
    (
        DUPLICATES,
        "shingles(words_and_marks(text), n_tokens)",
        "shingles(words_and_marks(text)[::2], n_tokens)",
        "every other token ignored",
    ),
    (DUPLICATES, "parent[high] = low", "parent[b] = low", "groups not joined"),
    (
        QUALITY,
        "if not spaced or mostly_spaceless(all_words)",
        "if not spaced",
        "Chinese condemned by its initials",
    ),
    (QUALITY, "minimum * len(all_words)", "len(all_words)", "a number condemns a text"),
    (REPETITION, "return 2 if", "return 1 if", "Chinese n-grams half as long"),
    (REPETITION, "count < 2", "count < 1", "what occurs once repeats itself"),
    (
        REPETITION,
        "            if ngram in seen:\n                starts.append(i)\n"
        "            seen.add(ngram)\n",
        "            seen.add(ngram)\n            if ngram in seen:\n"
        "                starts.append(i)\n",
        "the first place is a repetition",
    ),
    (REPORT, "results = step(kept)", "results = step(documents)", "steps not chained"),
    (
        REPORT,
        "n_bytes_removed=n_bytes - n_bytes_after",
        "n_bytes_removed=sum(_n_bytes(text) for _, text in removed)",
        "bytes lost by changes not counted",
    ),
    (LOST, "word.lower()", "word", "function words in capitals not counted"),
    (LOST, "['’](?=", "['](?=", "the typographer's apostrophe parts don’t"),
    (
        CORPUS,
        "isinstance(p, str) and p.strip()",
        "isinstance(p, str)",
        "an empty paragraph kept",
    ),
    (
        CORPUS,
        "own = shingles(words(paragraph.lower()), n_words)",
        "own = shingles(words(paragraph), n_words)",
        "capitals hide a near-duplicate",
    ),
]
TESTS = ["tests/data/cleaning", "tests/data/test_corpus.py"]
