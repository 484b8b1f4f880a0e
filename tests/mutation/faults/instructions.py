"""Faults planted in the loaders of instructions and preferences: each must make a test fail."""

FAULTS = [
    # (file below src/llm_notes, exact text that occurs once, replacement, the fault)
    (
        "data/tasks/instructions.py",
        'f"{self.instruction}\\n\\n{self.input}" if self.input else self.instruction',
        "self.instruction",
        "the input is left out of the prompt",
    ),
    (
        "data/tasks/instructions.py",
        '{"role": "user", "content": self.prompt}',
        '{"role": "assistant", "content": self.prompt}',
        "the question is the assistant's, and learned",
    ),
    (
        "data/tasks/instructions.py",
        '{"role": "assistant", "content": self.answer}',
        '{"role": "assistant", "text": self.answer}',
        "a message that no chat template reads",
    ),
    (
        "data/tasks/instructions.py",
        "return instruction.language, instruction.category",
        "return (instruction.language,)",
        "a split that ignores categories",
    ),
    (
        "data/tasks/instructions.py",
        '"\\n".join(row["input"])',
        '" ".join(row["input"])',
        "line breaks of the input lost",
    ),
    (
        "data/tasks/splits.py",
        "if example.language == language",
        "if example.language != language",
        "the other language returned",
    ),
    (
        "data/tasks/splits.py",
        "    require_language(language)\n    return tuple",
        "    return tuple",
        "an unknown language gives an empty set",
    ),
    (
        "data/tasks/instructions.py",
        "        require_language(self.language)\n",
        "",
        "an instruction in an unknown language let through",
    ),
    (
        "data/tasks/instructions.py",
        "if self.category not in CATEGORIES",
        "if self.category in ()",
        "categories not checked",
    ),
    (
        "data/tasks/splits.py",
        "(stratum(examples[i]), keys[i])",
        "keys[i]",
        "a split that ignores strata",
    ),
    (
        "data/tasks/splits.py",
        "(stratum(examples[i]), keys[i])",
        "stratum(examples[i])",
        "no chance inside a stratum: the order of the file decides",
    ),
    (
        "data/tasks/splits.py",
        "start = generator.random()",
        "start = 0.0",
        "the walk always starts at the same place",
    ),
    (
        "data/tasks/splits.py",
        "random.Random(seed)",
        "random.Random(0)",
        "the seed is ignored",
    ),
    (
        "data/tasks/splits.py",
        "random.Random(seed)",
        "random.Random()",
        "the split differs from run to run",
    ),
    (
        "data/tasks/splits.py",
        "held_out = {row[i] for",
        "held_out = {i for",
        "places in the row taken for indices of examples",
    ),
    (
        "data/tasks/splits.py",
        "if i not in held_out]",
        "]",
        "the held-out part leaks into the training part",
    ),
    (
        "data/tasks/splits.py",
        "if not train or not validation:",
        "if not train:",
        "an empty validation part let through",
    ),
    (
        "data/tasks/splits.py",
        "if not 0 < validation_share < 1:",
        "if not 0 <= validation_share <= 1:",
        "shares 0 and 1 let through to a less clear error",
    ),
    (
        "data/tasks/preferences.py",
        "if self.chosen == self.rejected:",
        "if self.chosen is None:",
        "two equal answers let through",
    ),
    (
        "data/tasks/preferences.py",
        '(("category", CATEGORIES), ("reason", REASONS))',
        '(("category", CATEGORIES),)',
        "reasons not checked",
    ),
    (
        "data/tasks/preferences.py",
        "        require_language(self.language)\n",
        "",
        "a pair in an unknown language let through",
    ),
    (
        "data/tasks/preferences.py",
        "Preference(**row) for",
        'Preference(**row | {"chosen": row["rejected"], "rejected": row["chosen"]}) for',
        "chosen and rejected swapped",
    ),
    (
        "data/tasks/preferences.py",
        "preference.reason, preference.category",
        "preference.category, preference.reason",
        "a split that keeps categories and lets reasons drift",
    ),
    (
        "data/tasks/preferences.py",
        "in_language(_read(), language)",
        "_read()",
        "all languages returned for one",
    ),
]
TESTS = [
    "tests/data/tasks/test_instructions.py",
    "tests/data/tasks/test_preferences.py",
]
