"""Faults planted in the reader of sets and in the reviews: each must make a test fail."""

FAULTS = [
    # (file below src/llm_notes, exact text that occurs once, replacement, the fault)
    (
        "data/tasks/json_lines.py",
        'text.removesuffix("\\n").split("\\n")',
        "text.splitlines()",
        "cut at U+2028 inside a string",
    ),
    (
        "data/tasks/json_lines.py",
        "start=1",
        "start=0",
        "lines counted from 0",
    ),
    (
        "data/tasks/json_lines.py",
        "if type(value) is not kind:",
        "if not isinstance(value, kind):",
        "True taken for an int",
    ),
    (
        "data/tasks/json_lines.py",
        "if missing or unexpected:",
        "if missing:",
        "unknown fields let through",
    ),
    (
        "data/tasks/json_lines.py",
        "if kind is str and not value.strip():",
        "if kind is str and not value:",
        "a text of blanks let through",
    ),
    (
        "data/tasks/json_lines.py",
        "if first != number:",
        "if first < number - 1:",
        "an id that repeats on the next line let through",
    ),
    (
        "data/tasks/json_lines.py",
        "json.loads(line, object_pairs_hook=_without_repeats)",
        "json.loads(line)",
        "of a field that stands twice the last one wins",
    ),
    (
        "data/tasks/json_lines.py",
        "        entries.append(entry)",
        "        entries.insert(0, entry)",
        "order of the file reversed",
    ),
    (
        "data/tasks/json_lines.py",
        'encoding="utf-8"',
        'encoding="latin-1"',
        "read in the wrong encoding",
    ),
    (
        "data/tasks/reviews.py",
        '(("domain", DOMAINS), ("label", LABELS))',
        '(("domain", DOMAINS),)',
        "labels not checked",
    ),
    (
        "data/tasks/reviews.py",
        "        require_language(self.language)\n",
        "",
        "a review in an unknown language let through",
    ),
    (
        "data/tasks/reviews.py",
        "@dataclass(frozen=True)",
        "@dataclass",
        "a review of the shared tuple can be changed",
    ),
    (
        "data/tasks/reviews.py",
        "review.label, str(review.hard), review.domain",
        'review.domain, review.domain, ""',
        "split without regard to the label",
    ),
    (
        "data/tasks/reviews.py",
        "str(review.hard), review.domain",
        "review.domain, str(review.hard)",
        "domain before hard: some splits hold out no hard review",
    ),
    (
        "data/tasks/reviews.py",
        "stratum, validation_share, seed)",
        "stratum, validation_share)",
        "the seed is ignored",
    ),
    (
        "data/tasks/reviews.py",
        "stratified_split(reviews(language), stratum",
        "stratified_split(reviews(), stratum",
        "a split of all languages, whichever was asked for",
    ),
    (
        "data/tasks/reviews.py",
        "in_language(_read(), language)",
        "_read()",
        "all languages returned for one",
    ),
]
TESTS = ["tests/data/tasks/test_reviews.py", "tests/data/tasks/test_json_lines.py"]
