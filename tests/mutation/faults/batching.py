"""Faults planted in batching: each must make a test fail."""

WINDOWS = "data/batching/windows.py"
MEMORY_MAP = "data/batching/memory_map.py"
PADDING = "data/batching/padding.py"
PAIRS = "data/batching/pairs.py"
MASKED = "data/batching/masked.py"
SENTENCES = "data/batching/sentence_pairs.py"
SPANS = "data/batching/spans.py"
PACKING = "data/batching/packing.py"
INSTRUCTIONS = "data/batching/instructions.py"

FAULTS = [
    (
        WINDOWS,
        "torch.randint(n_starts,",
        "torch.randint(max(1, n_starts - 1),",
        "the last window is never drawn",
    ),
    (
        WINDOWS,
        "token_ids[start : stop + 1]",
        "token_ids[start:stop]",
        "the last target of a batch forgotten",
    ),
    (
        WINDOWS,
        "_as_tensor(token_ids[places.numpy()])",
        "_as_tensor(token_ids)[places]",
        "the whole file read for one batch",
    ),
    (
        WINDOWS,
        "ids.clone().view(-1, length)",
        "ids.view(-1, length)",
        "a batch that is the text itself",
    ),
    (
        WINDOWS,
        "windows[:, :-1].clone(), windows[:, 1:].clone()",
        "windows[:, :-1].contiguous(), windows[:, 1:].contiguous()",
        "inputs and targets of one row share memory",
    ),
    (
        WINDOWS,
        "torch.from_numpy(token_ids.astype(np.int64))",
        "torch.from_numpy(token_ids.astype(np.int16)).long()",
        "ids above 32,767 wrap around",
    ),
    (MEMORY_MAP, "vocab_size <= 2**16", "vocab_size <= 2**17", "ids that wrap around"),
    (
        MEMORY_MAP,
        "checksum = zlib.crc32(data, checksum)\n                count",
        "checksum = zlib.crc32(data)\n                count",
        "checksum of the last chunk only",
    ),
    (
        MEMORY_MAP,
        'mode="r", offset=_HEADER_BYTES',
        'mode="r", offset=0',
        "the header read as ids",
    ),
    (MEMORY_MAP, "ids >= vocab_size", "ids > vocab_size", "an id too large"),
    (MEMORY_MAP, 'part.open("wb")', 'path.open("wb")', "an old file lost"),
    (PADDING, "IGNORE = -100", "IGNORE = 0", "padding learned, or token 0 ignored"),
    (
        PADDING,
        "torch.arange(max(lengths)) < ends",
        "torch.arange(max(lengths)) >= ends",
        "True where nobody may look",
    ),
    (
        PADDING,
        'array("q", iter(token_ids))',
        'array("q", token_ids)',
        "bytes by eights",
    ),
    (PADDING, "not in _WHOLE", "in ()", "64 unsigned bits that wrap around"),
    (
        PAIRS,
        "elif len(indices) != len(pairs):",
        "elif False:",
        "places of other pairs",
    ),
    (
        PAIRS,
        "target_in = pad_rows([[bos_id, *target]",
        "target_in = pad_rows([[*target, bos_id]",
        "the decoder reads the token it predicts",
    ),
    (PAIRS, "[*target, eos_id]", "[*target, pad_id]", "no end token to learn"),
    (
        PAIRS,
        "[[*target, eos_id] for _, target in pairs], IGNORE",
        "[[*target, eos_id] for _, target in pairs], pad_id",
        "padding learned",
    ),
    (
        PAIRS,
        "real_mask([len(target) + 1",
        "real_mask([max(len(target), 1)",
        "the start token not counted",
    ),
    (
        PAIRS,
        "                indices=indices,\n",
        "",
        "places of pairs counted in the batch",
    ),
    (
        PAIRS,
        "_cut(order, batch_size * n_bucket)",
        "_cut(order, batch_size * n_bucket)[:-1]",
        "the last bucket lost",
    ),
    (
        MASKED,
        "if not (mask_share >= 0 <= random_share and "
        "mask_share + random_share <= 1 + 1e-9):",
        "if min(mask_share, random_share) < 0 or mask_share + random_share > 1 + 1e-9:",
        "NaN for a share",
    ),
    (MASKED, "ids = token_ids.cpu().long()", "ids = token_ids.cpu()", "uint16 fails"),
    (MASKED, "~is_special[ids]", "ids >= 0", "special tokens chosen"),
    (MASKED, "ordinary[drawn[replaced]]", "drawn[replaced]", "special ids drawn"),
    (MASKED, "chosen & ~masked & (fate", "chosen & (fate", "masks replaced again"),
    (
        MASKED,
        "(fate < mask_share + random_share)",
        "(fate < random_share)",
        "nothing replaced at random",
    ),
    (MASKED, "n_chosen.clamp(min=1)", "n_chosen.clamp(min=0)", "rows without a target"),
    (
        MASKED,
        "masked_fill(~chosen, IGNORE)",
        "masked_fill(~masked, IGNORE)",
        "only hidden tokens asked for",
    ),
    (
        MASKED,
        "keys.argsort(dim=1).argsort(dim=1)",
        "keys.argsort(dim=1)",
        "the order taken for the rank",
    ),
    (SENTENCES, "other += other >= own", "other += 0", "the own document drawn"),
    (SENTENCES, "int(pair.is_random)", "int(not pair.is_random)", "labels swapped"),
    (
        SENTENCES,
        "[0] * (len(first) + 2) + [1] * (len(second) + 1)",
        "[0] * (len(first) + 1) + [1] * (len(second) + 2)",
        "the first [SEP] in the second segment",
    ),
    (
        SENTENCES,
        "if not (len(pair.first) and len(pair.second)):",
        "if not len(pair.first):",
        "an empty second sentence",
    ),
    (SENTENCES, "context_length - 3", "context_length - 2", "one token too many"),
    (
        SPANS,
        "torch.stack([kept, hidden]",
        "torch.stack([hidden, kept]",
        "lengths of kept and hidden swapped",
    ),
    (SPANS, "min(n_spans, n_tokens - n_hidden)", "n_spans", "more spans than gaps"),
    (SPANS, "            n_used += 1\n", "", "one sentinel for all spans"),
    (
        SPANS,
        "torch.randperm(n_items - 1, generator=generator)",
        "torch.arange(n_items - 1)",
        "every span but the last has one token",
    ),
    (SPANS, "n_hidden / mean_span", "n_tokens / mean_span", "far too many spans"),
    (
        PACKING,
        "range(0, len(ids) - 1, context_length)",
        "range(0, len(ids) - 1, context_length + 1)",
        "a target lost at each cut",
    ),
    (
        PACKING,
        "positions[row, start:stop] = torch.arange(stop - start)",
        "positions[row, start:stop] = torch.arange(start, stop)",
        "positions do not begin again",
    ),
    (
        PACKING,
        "torch.full(shape, NO_DOCUMENT)",
        "torch.full(shape, 0)",
        "padding belongs to the first document",
    ),
    (PACKING, ">= size))", "> size))", "no box is ever filled"),
    (
        INSTRUCTIONS,
        "[False] + [is_answer] * (len(turn) - 1)",
        "[is_answer] * len(turn)",
        "the opening of an answer is learned",
    ),
    (
        INSTRUCTIONS,
        "zip(ids[1:], learned[1:], strict=True)",
        "zip(ids[1:], learned[:-1], strict=True)",
        "which tokens are learned is off by one",
    ),
    (
        INSTRUCTIONS,
        "ids[: context_length + 1], learned",
        "ids[-context_length - 1 :], learned",
        "the beginning cut off instead of the end",
    ),
    (INSTRUCTIONS, "self.special_ids & set(content)", "set()", "forged turns let in"),
    (
        INSTRUCTIONS,
        "min(content, default=0)",
        "0",
        "an id of -100 drops a token out of the loss",
    ),
    (
        INSTRUCTIONS,
        'if not messages or messages[-1]["role"] == template.answer_role:',
        "if not messages:",
        "an answer to an answer",
    ),
    (
        INSTRUCTIONS,
        "Message(role=answer_role, content=answer)",
        'Message(role="assistant", content=answer)',
        "a template's own role for answers forgotten",
    ),
    (
        INSTRUCTIONS,
        'is_answer = message["role"] == template.answer_role',
        "is_answer = True",
        "the loss is on the prompts too",
    ),
]
TESTS = ["tests/data/batching"]
