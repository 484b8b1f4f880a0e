"""Faults planted in the loader of the dialogues: each must make a test fail."""

FAULTS = [
    # (file below src/llm_notes, exact text that occurs once, replacement, the fault)
    (
        "data/tasks/dialogues.py",
        '"content": turn.text}',
        '"text": turn.text}',
        "messages that no chat template reads",
    ),
    (
        "data/tasks/dialogues.py",
        "for turn in self.turns]",
        "for turn in self.turns[-2:]]",
        "the earlier turns forgotten",
    ),
    (
        "data/tasks/dialogues.py",
        "if not roles or roles != ROLES",
        "if roles != ROLES",
        "a dialogue without turns let through",
    ),
    (
        "data/tasks/dialogues.py",
        "roles != ROLES * (len(roles) // 2)",
        'roles[0] != "user"',
        "only the first role checked",
    ),
    (
        "data/tasks/dialogues.py",
        "roles != ROLES * (len(roles) // 2)",
        "roles != (ROLES * len(roles))[: len(roles)]",
        "a dialogue that the user ends let through",
    ),
    (
        "data/tasks/dialogues.py",
        "if self.role not in ROLES:",
        "if not self.role:",
        "roles not checked",
    ),
    (
        "data/tasks/dialogues.py",
        "if self.text != self.text.strip():",
        "if self.text != self.text.lstrip():",
        "space after a text let through",
    ),
    (
        "data/tasks/dialogues.py",
        "not isinstance(self.text, str) or not self.text",
        "not isinstance(self.text, str)",
        "an empty text let through",
    ),
    (
        "data/tasks/dialogues.py",
        "if self.topic not in TOPICS:",
        "if not self.topic:",
        "topics not checked",
    ),
    (
        "data/tasks/dialogues.py",
        "        require_language(self.language)\n",
        "",
        "a dialogue in an unknown language let through",
    ),
    (
        "data/tasks/dialogues.py",
        "return dialogue.language, dialogue.topic",
        "return dialogue.topic, dialogue.language",
        "a split that keeps topics and lets languages drift",
    ),
    (
        "data/tasks/dialogues.py",
        "return dialogue.language, dialogue.topic",
        "return (dialogue.language,)",
        "a split that ignores topics",
    ),
    (
        "data/tasks/dialogues.py",
        "read_json_lines(name, FIELDS), start=1",
        "read_json_lines(name, FIELDS), start=0",
        "the line before the damaged one named",
    ),
    (
        "data/tasks/dialogues.py",
        'entry.keys() != {"role", "text"}',
        'not entry.keys() >= {"role", "text"}',
        "a field too many in a turn ends in a TypeError",
    ),
    (
        "data/tasks/dialogues.py",
        "@cache\ndef _read",
        "def _read",
        "the file read anew at each call",
    ),
    (
        "data/tasks/dialogues.py",
        "in_language(_read(), language)",
        "_read()",
        "all languages returned for one",
    ),
]
TESTS = ["tests/data/tasks/test_dialogues.py"]
