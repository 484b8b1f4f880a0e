"""Faults planted in speculative decoding and voting: each must make a test fail."""

SPECULATIVE = "inference/speculative.py"
VOTING = "inference/voting.py"

FAULTS = [
    (
        SPECULATIVE,
        "p[token_id] / q[token_id]",
        "q[token_id] / p[token_id]",
        "ratio turned over",
    ),
    (
        SPECULATIVE,
        "left = (p - q).clamp(min=0)",
        "left = p",
        "resampled from the target alone",
    ),
    (
        SPECULATIVE,
        "left = (p - q).clamp(min=0)",
        "left = (q - p).clamp(min=0)",
        "resampled from the draft's excess",
    ),
    (SPECULATIVE, "choose(left / left.sum())", "choose(left)", "not normalised"),
    (
        SPECULATIVE,
        "torch.stack([1 - accepted, accepted])",
        "torch.stack([accepted, 1 - accepted])",
        "accepts what it should reject",
    ),
    (
        SPECULATIVE,
        "return [*proposed[:i], choose",
        "return [*proposed[: i + 1], choose",
        "the rejected token is kept",
    ),
    (
        SPECULATIVE,
        "choose(wanted[-1])]",
        "choose(wanted[0])]",
        "the last token from the first distribution",
    ),
    (SPECULATIVE, "p = wanted[i]", "p = wanted[i + 1]", "target one position late"),
    (
        SPECULATIVE,
        "most = min(n_draft, n_left - 1)",
        "most = n_draft",
        "more tokens than asked for",
    ),
    (
        SPECULATIVE,
        "self._cache.crop(n_kept)",
        "self._cache.crop(n_both)",
        "rejected tokens stay in the cache",
    ),
    (
        SPECULATIVE,
        "int(differ[0, 1]) if len(differ) else n_both",
        "n_both",
        "a change in the text is not seen",
    ),
    (
        SPECULATIVE,
        "n_kept = min(n_kept, token_ids.size(1) - n_last)",
        "n_kept = min(n_kept, token_ids.size(1) - 1)",
        "too few positions are read again",
    ),
    (
        SPECULATIVE,
        "self._read = token_ids",
        "self._read = token_ids[:, :n_kept]",
        "what was read is forgotten",
    ),
    (
        SPECULATIVE,
        "settings.apply(logits.double(), token_ids, n_prompt)",
        "settings.apply(logits.double())",
        "draft without penalties",
    ),
    (SPECULATIVE, "token_ids[:, : n_first + i]", "token_ids", "penalties look ahead"),
    (
        SPECULATIVE,
        "n_first = token_ids.size(1) - len(logits) + 1",
        "n_first = token_ids.size(1) - len(logits)",
        "penalties one token behind",
    ),
    (
        SPECULATIVE,
        "logits = settings.apply(logits)\n",
        "pass\n",
        "target without settings",
    ),
    (SPECULATIVE, "new = new[: new.index(eos_id) + 1]", "pass", "text after its end"),
    (
        SPECULATIVE,
        "new = new[: new.index(eos_id) + 1]",
        "new = new[: new.index(eos_id)]",
        "the end is dropped",
    ),
    (SPECULATIVE, "        if ended:\n            break", "", "goes on after the end"),
    (
        SPECULATIVE,
        "n_from_draft = len(new) - 1",
        "n_from_draft = len(new)",
        "the target's own token counts as accepted",
    ),
    (
        SPECULATIVE,
        "range(n_draft + 1))",
        "range(n_draft))",
        "one term of the sum is missing",
    ),
    (
        SPECULATIVE,
        "places[-1] + length",
        "places[0] + length",
        "the first match, not the latest",
    ),
    (
        SPECULATIVE,
        "places[-1] + length",
        "places[-1] + length - 1",
        "looks up the token before",
    ),
    (SPECULATIVE, "text[:-1].unfold", "text.unfold", "finds itself"),
    (
        SPECULATIVE,
        "probabilities.log()[None]",
        "probabilities[None]",
        "probabilities taken for logits",
    ),
    (
        SPECULATIVE,
        "if token_ids.size(1) > longest:",
        "if token_ids.size(1) >= longest:",
        "the last position of a draft is not used",
    ),
    (
        SPECULATIVE,
        "self.n_new / self.n_passes",
        "self.n_accepted / self.n_passes",
        "own tokens not counted",
    ),
    (
        VOTING,
        "-counts[answer], -totals[answer]",
        "-counts[answer], totals[answer]",
        "a tie goes to the unlikelier",
    ),
    (
        VOTING,
        "-counts[answer], -totals[answer]",
        "-totals[answer], -counts[answer]",
        "probability before count",
    ),
    (
        VOTING,
        "totals.get(answer, 0.0) + log_probability",
        "log_probability",
        "only the last probability counts",
    ),
    (VOTING, "if answer is not None:", "if True:", "no answer is an answer"),
    (VOTING, "len(answers))", "sum(counts.values()))", "share of the valid votes only"),
    (VOTING, "best = max(range", "best = min(range", "the worst candidate"),
    (
        VOTING,
        "samples = [sample(seed) for seed",
        "samples = [sample(0) for seed",
        "one sample votes for all",
    ),
    (
        VOTING,
        "[log_probability for _, log_probability in samples]",
        "None",
        "ties ignore probabilities",
    ),
]
TESTS = ["tests/inference/test_speculative.py", "tests/inference/test_voting.py"]
