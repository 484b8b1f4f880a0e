"""Questions about facts, and short texts that tell them.

All are made from templates: they test whether a fact is known, not whether prose is
understood. Which answers are right, `facts` asks of the Python interpreter. This module
knows no tokenizer and no model.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from llm_notes.data.tasks.facts import Fact, Relation, facts, true_objects

# What can be asked: {s} is the subject, and the object is an answer.
QUESTIONS: dict[Relation, tuple[str, ...]] = {
    "subclass_of": (
        "Which class does {s} inherit from?",
        "What is a base class of {s}?",
    ),
    "kind_of_error": (
        "Which exception does {s} derive from?",
        "A handler for which exception also catches {s}?",
    ),
    "function_in": (
        "Which module has a function called {s}?",
        "What has to be imported to call {s}?",
    ),
    "has_method": (
        "What is a method of {s}?",
        "Which method does the class {s} have?",
    ),
}


@dataclass(frozen=True)
class Question:
    """A question, with what is right and what is wrong.

    Attributes:
        text: the question.
        answer: the object of the fact that it is about.
        distractors: objects of the same relation, none of which is a right answer.
        answers: every right answer, sorted, for scoring a free answer.
    """

    text: str
    answer: str
    distractors: tuple[str, ...]
    answers: tuple[str, ...]

    def choices(self, seed: int = 0) -> list[str]:
        """The answer among the distractors, in an order that the seed decides."""
        options = sorted((self.answer, *self.distractors))
        generator = random.Random(f"{seed} {self.text}")
        return sorted(options, key=lambda _: generator.random())


def questions(
    about: Sequence[Fact], n_distractors: int = 3, seed: int = 0
) -> list[Question]:
    """One question for each fact, with distractors that are false.

    A distractor is the object of another fact with the same relation, but no right
    answer here: no base class of a base class passes for a wrong one.

    Raises ValueError when `n_distractors` is negative, or when there are not enough
    objects to choose from.
    """
    if n_distractors < 0:
        raise ValueError(f"n_distractors is {n_distractors}; it must not be negative")
    objects = {
        relation: sorted({f.object for f in facts() if f.relation == relation})
        for relation in get_args(Relation)
    }
    generator = random.Random(seed)
    made: list[Question] = []
    for fact in about:
        right = true_objects(fact.subject, fact.relation)
        distractors: list[str] = []
        options = objects[fact.relation]
        for index in sorted(range(len(options)), key=lambda _: generator.random()):
            if len(distractors) == n_distractors:
                break
            if options[index] not in right:
                distractors.append(options[index])
        if len(distractors) < n_distractors:
            raise ValueError(
                f"n_distractors is {n_distractors}; for {fact} there are only "
                f"{len(distractors)}"
            )
        templates = QUESTIONS[fact.relation]
        template = templates[int(generator.random() * len(templates))]
        made.append(
            Question(
                text=template.format(s=fact.subject),
                answer=fact.object,
                distractors=tuple(distractors),
                answers=tuple(sorted(right)),
            )
        )
    return made


def passages(
    about: Sequence[Fact], n_facts: int = 3, seed: int = 0
) -> list[tuple[str, tuple[Fact, ...]]]:
    """Short texts with the triples that stand in them: knowledge-graph extraction.

    Args:
        about: the facts; each is told once, in an order that the seed decides.
        n_facts: sentences in a text; the last text may have fewer.
        seed: decides the order, and the template of each sentence.

    Raises ValueError when `n_facts` < 1.
    """
    if n_facts < 1:
        raise ValueError(f"n_facts is {n_facts}; a text has at least one sentence")
    generator = random.Random(seed)
    ordered = sorted(about, key=lambda _: generator.random())
    told: list[tuple[str, tuple[Fact, ...]]] = []
    for start in range(0, len(ordered), n_facts):
        group = tuple(ordered[start : start + n_facts])
        ways = [fact.sentences() for fact in group]
        text = " ".join(way[int(generator.random() * len(way))] for way in ways)
        told.append((text, group))
    return told
