"""Constrained generation: text that matches a regular expression or a JSON schema.

pattern or schema -> parts -> automaton over characters -> over bytes -> masks over the
vocabulary -> a logits processor. Each arrow is a module.
"""

from llm_notes.inference.constrained.byte_automaton import (
    Automaton,
    regular_expression,
)
from llm_notes.inference.constrained.constraint import Constraint
from llm_notes.inference.constrained.json_schema import json_schema
from llm_notes.inference.constrained.pattern import PatternError
from llm_notes.inference.constrained.processor import (
    ConstraintProcessor,
    generate_constrained,
)
from llm_notes.inference.constrained.schema_values import SchemaError

__all__ = [
    "Automaton",
    "Constraint",
    "ConstraintProcessor",
    "PatternError",
    "SchemaError",
    "generate_constrained",
    "json_schema",
    "regular_expression",
]
