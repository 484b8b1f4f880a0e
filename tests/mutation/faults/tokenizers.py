"""Faults planted in the tokenizers: each must make a test fail."""

BASE = "data/tokenizers/base.py"
BERT_WORDS = "data/tokenizers/bert_words.py"
BYTE_LEVEL = "data/tokenizers/byte_level.py"
BYTE_PAIR = "data/tokenizers/byte_pair.py"
LATTICE = "data/tokenizers/lattice.py"
LISTED = "data/tokenizers/listed.py"
MERGES = "data/tokenizers/merges.py"
PARITY = "parity/tokenizers.py"
SPECIAL = "data/tokenizers/special_tokens.py"
STREAMING = "data/tokenizers/streaming.py"
TRAINING = "data/tokenizers/unigram_training.py"
UNIGRAM = "data/tokenizers/unigram.py"
WORD = "data/tokenizers/word.py"
WORDS = "data/tokenizers/pre_tokenisation.py"
WORD_CACHE = "data/tokenizers/word_cache.py"
WORD_PIECE = "data/tokenizers/word_piece.py"

FAULTS = [
    # Merges
    (MERGES, "count_of[neighbour, left] -= count", "pass", "left pair kept"),
    (MERGES, "count_of[right, neighbour] -= count", "pass", "right pair kept"),
    (
        MERGES,
        "if tokens[place] != left or tokens[other] != right:",
        "if tokens[place] != left:",
        "merges a pair whose second token has changed",
    ),
    (
        MERGES,
        "if count_of[pair] == 0:",
        "if False:",
        "merges a pair that does not occur",
    ),
    (
        MERGES,
        "after[place], before[following] = following, place",
        "after[place] = following",
        "the chain is not closed backwards",
    ),
    (
        MERGES,
        "weights += [count] * (len(word) + 1)",
        "weights += [1] * (len(word) + 1)",
        "every word counted once",
    ),
    # Byte pairs
    (BYTE_PAIR, "*range(0xA1, 0xAD)", "*range(0xA1, 0xAE)", "soft hyphen is visible"),
    (
        BYTE_PAIR,
        "(joined[pair], place)\n",
        "(place, joined[pair])\n",
        "merges from left to right, not earliest first",
    ),
    (
        BYTE_PAIR,
        "for first in (before[place], place):",
        "for first in (place,):",
        "pairs with the token before are forgotten",
    ),
    (
        BYTE_PAIR,
        "if joined.get((tokens[place], tokens[other])) != new_id:",
        "if tokens[place] < 0:",
        "a pair that is gone is merged",
    ),
    (
        BYTE_PAIR,
        "n_merges = vocab_size - 256 - len(special_tokens)",
        "n_merges = vocab_size - 256",
        "special tokens beside vocab_size",
    ),
    # Byte strings
    (
        BYTE_LEVEL,
        'data.decode("utf-8", errors="surrogateescape"))',
        'data.decode("utf-8", errors="replace"))',
        "stray bytes are lost",
    ),
    (
        BYTE_LEVEL,
        "number_special_tokens(special_tokens, len(bytes_of))",
        "number_special_tokens(special_tokens, len(bytes_of) - 1)",
        "a special token takes the last token's id",
    ),
    # Words
    (WORDS, r"|[{space}]+(?![^{space}])|", "|", "the last space leaves its word"),
    (WORDS, "'re|'ve|'m|'ll|'d\"", "'re|'m|'ll|'d\"", "a contraction is missing"),
    (
        WORDS,
        "return _word_pattern(0x110000 if beyond else 0x10000)",
        "return _word_pattern(0x10000)",
        "letters beyond U+FFFF are signs",
    ),
    (WORDS, "\\u2009\\u200a\\u2028", "\\u2009\\u2028", "hair space is a sign"),
    (WORDS, ".rstrip(spaces))", ")", "cut before the last of several spaces"),
    (
        WORDS,
        "text.rfind(space, start, end + 1)",
        "text.rfind(space, start)",
        "cut beyond the given end",
    ),
    (
        WORD_CACHE,
        "            if len(self) >= N_WORDS:\n                self.clear()\n",
        "",
        "the cache grows without bound",
    ),
    (
        WORD_CACHE,
        "if len(word) <= LONGEST_WORD:",
        "if True:",
        "the cache keeps words of any length",
    ),
    # Streams and special tokens
    (
        STREAMING,
        "        wanted = 2 * len(text)\n",
        "",
        "an endless word is searched again with each chunk",
    ),
    (STREAMING, "    if text:\n        yield text\n", "", "the end is lost"),
    (
        BASE,
        "return self._last_cut(text, *finder.undecided(text))",
        "return self._last_cut(text, 0, len(text))",
        "a chunk may end within a special token",
    ),
    (
        BASE,
        "        if not allowed_special:\n            return self._encode(text)\n",
        "        allowed_special = allowed_special or self.special_ids\n",
        "special tokens are read in any text",
    ),
    (
        BASE,
        "for token_id in self.encode(part, allowed_special)",
        "for token_id in self.encode(part)",
        "a stream has no special tokens",
    ),
    (
        BASE,
        "if token_id not in skipped]",
        "if token_id in skipped]",
        "keeps what is to be skipped",
    ),
    (
        SPECIAL,
        "key=lambda token: (-len(token), token)",
        "key=lambda token: (len(token), token)",
        "the shorter of two special tokens is found",
    ),
    (SPECIAL, "map(re.escape, longest_first)", "longest_first", "marks are patterns"),
    (
        SPECIAL,
        "len(text) - self._longest + 1",
        "len(text) - self._longest + 2",
        "a mark that begins at the end is cut",
    ),
    (
        SPECIAL,
        "if listed and token in listed:",
        "if False:",
        "a listed special token gets a second id",
    ),
    # Lists of words
    (
        LISTED,
        "if e not in self.special_ids}",
        "}",
        "a user can type a special token",
    ),
    (WORD, "(-counts[word], word)", "-counts[word]", "ties by place in the text"),
    (WORD, "count >= min_count", "count > min_count", "min_count is exclusive"),
    # WordPiece
    (
        WORD_PIECE,
        "range(len(word), start, -1)",
        "range(start + 1, len(word) + 1)",
        "the shortest piece first",
    ),
    (
        WORD_PIECE,
        "                return [self.unknown_id]\n            token_ids.append",
        "                return [*token_ids, self.unknown_id]\n            token_ids.append",
        "the start of an unknown word is kept",
    ),
    (
        WORD_PIECE,
        "start, prefix = end, CONTINUES",
        "start = end",
        "pieces within a word without ##",
    ),
    (
        WORD_PIECE,
        "if len(word) > LONGEST_WORD:",
        "if len(word) >= LONGEST_WORD:",
        "a word of 100 characters is unknown",
    ),
    (
        WORD_PIECE,
        "vocabulary[b].removeprefix(CONTINUES)",
        "vocabulary[b]",
        "## in the middle of a piece",
    ),
    (
        WORD_PIECE,
        "*sorted(first | inner)",
        "*sorted(first)",
        "characters that began no word cannot",
    ),
    (
        WORD_PIECE,
        "last_word_end(text, start, end, SEPARATORS)",
        "last_word_end(text, start, end)",
        "cut at a control character that joins words",
    ),
    (
        BERT_WORDS,
        '_CHINESE.sub(r" \\1 ", text)',
        "text",
        "Chinese is not set apart",
    ),
    (BERT_WORDS, '("Cc", "Cf", "Co")', '("Cc", "Cf", "Co", "Cn")', "Cn is dropped"),
    (
        BERT_WORDS,
        'unicodedata.category(c) != "Mn"',
        'not unicodedata.category(c).startswith("M")',
        "spacing marks are dropped",
    ),
    (
        BERT_WORDS,
        'unicodedata.category(character)[0] == "P":',
        'unicodedata.category(character)[0] in "PS":',
        "symbols are set apart",
    ),
    # Unigram
    (
        UNIGRAM,
        "if best[start] + score > best[end]:",
        "if best[start] + score >= best[end]:",
        "ties to the shortest last piece",
    ),
    (
        UNIGRAM,
        "rarest = min(self._score_of.values(), default=0.0)",
        "rarest = max(self._score_of.values(), default=0.0)",
        "unknown characters too cheap",
    ),
    (
        UNIGRAM,
        "path = total[start] + alpha * score",
        "path = total[start] + score",
        "sampling without the exponent",
    ),
    (
        UNIGRAM,
        "total[end] = high + math.log1p(math.exp(low - high))",
        "total[end] = high",
        "the best path instead of the sum",
    ),
    (
        UNIGRAM,
        "self._id_of = {text: 256 + i for",
        "self._id_of = {text: 255 + i for",
        "the first piece is a byte",
    ),
    (
        LATTICE,
        "used[level] *= reached[self.ends[level]]",
        "used[level] *= reached[self.starts[level]]",
        "backward through the wrong nodes",
    ),
    (
        LATTICE,
        "reached[self.last] = word_counts",
        "reached[self.last] = 1.0",
        "every word counted once in EM",
    ),
    (
        LATTICE,
        "(whole or end - start < len(word))",
        "True",
        "a piece spells itself",
    ),
    (
        LATTICE,
        "(np.cumsum(pieces) - 1)[self.pieces[stays]]",
        "self.pieces[stays]",
        "pieces keep their numbers after pruning",
    ),
    (
        TRAINING,
        "np.log(counts / counts.sum())",
        "np.log((counts + 1) / (counts + 1).sum())",
        "the M-step smooths",
    ),
    (
        TRAINING,
        "key=lambda i: (-losses[i], pieces[i])",
        "key=lambda i: (losses[i], pieces[i])",
        "drops what is needed most",
    ),
    (
        TRAINING,
        "used[finite] * (log_probs[finite] - spelled[finite])",
        "log_probs[finite] - spelled[finite]",
        "a loss that forgets how often",
    ),
    (
        PARITY,
        "pairs = list(zip_longest(ours, theirs))",
        "pairs = list(zip(ours, theirs))",
        "missing tokens are not compared",
    ),
]
TESTS = ["tests/data/tokenizers", "tests/parity/test_tokenizers.py"]
