"""Facts with a known truth: what the Python interpreter says about itself.

A fact is a triple, such as (bool, subclass of, int), and the interpreter can tell
whether it holds. So what a model extracts from a text, or answers to a question, is
scored against the truth and not against another model. Sentences are made from
templates, here, and questions and texts from facts, in `questions`.

Only modules whose import has no side effect are looked at, and no object is called.
This module knows no tokenizer and no model.
"""

import builtins
import importlib
import inspect
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from llm_notes.data.corpus import split_paragraphs

Relation = Literal["subclass_of", "kind_of_error", "function_in", "has_method"]

_MODULE_NAMES = (
    "builtins abc argparse array ast base64 bisect calendar codecs collections "
    "collections.abc configparser contextlib copy csv dataclasses datetime decimal "
    "difflib email.message enum fractions functools gzip hashlib heapq hmac html "
    "html.parser http inspect io ipaddress itertools json keyword logging math "
    "numbers operator os os.path pathlib pprint queue random re selectors shlex shutil "
    "socket statistics string struct subprocess tarfile tempfile textwrap "
    "threading time tokenize traceback types typing unicodedata urllib.error "
    "urllib.parse urllib.request uuid warnings weakref xml.etree.ElementTree zipfile "
    "zlib"
)
MODULES = tuple(_MODULE_NAMES.split())

# What can be said: {s} is the subject, {o} the object. Names stand in it unchanged.
STATEMENTS: dict[Relation, tuple[str, ...]] = {
    "subclass_of": (
        "{s} is a subclass of {o}.",
        "The class {s} inherits from {o}.",
        "{o} is a base class of {s}.",
        "Every instance of {s} is an instance of {o} too.",
    ),
    "kind_of_error": (
        "{s} is a kind of {o}.",
        "The exception {s} derives from {o}.",
        "A handler for {o} also catches {s}.",
        "Whoever raises {s} raises a special case of {o}.",
    ),
    "function_in": (
        "The module {o} has a function called {s}.",
        "The function {s} is in the module {o}.",
        "To call {s}, import {o} first.",
        "{s} is one of the functions of {o}.",
    ),
    "has_method": (
        "{s} has a method called {o}.",
        "The class {s} defines the method {o}.",
        "{o} can be called on every instance of {s}.",
        "One of the methods of {s} is {o}.",
    ),
}


@dataclass(frozen=True, order=True)
class Fact:
    """A triple that is true: a subject, a relation, and an object.

    Attributes:
        subject: a class, with its module in front unless it is built in, as in
            "collections.Counter"; or the bare name of a function.
        relation: subclass_of and kind_of_error (between exceptions) lead to a direct
            base class, function_in to a module that offers the function, and
            has_method to a method that the class itself defines.
        object: the name of a class, of a module, or of a method.
    """

    subject: str
    relation: Relation
    object: str

    def sentences(self) -> list[str]:
        """The fact in words, in one way for each template."""
        templates = STATEMENTS[self.relation]
        return [
            template.format(s=self.subject, o=self.object) for template in templates
        ]


@cache
def facts() -> tuple[Fact, ...]:
    """All facts, sorted by subject. They depend on the version of Python."""
    found: set[Fact] = set()
    names = _class_names()
    for cls, name in names.items():
        relation = "kind_of_error" if issubclass(cls, BaseException) else "subclass_of"
        found |= {
            Fact(name, relation, names[base])
            for base in cls.__bases__
            if base in names and base is not object  # that all are objects says nothing
        }
        found |= {
            Fact(name, "has_method", attribute)
            for attribute in vars(cls)
            if _is_public(attribute) and _is_method(cls, attribute)
        }
    for module in MODULES:
        found |= {
            Fact(name, "function_in", module)
            for name, value in _members(module).items()
            if inspect.isroutine(value) and not hasattr(builtins, name)
        }
    return tuple(sorted(found))


def holds(subject: str, relation: str, object_name: str) -> bool:
    """Whether a triple is true: whether `true_objects` has its object."""
    return object_name in true_objects(subject, relation)


@cache
def true_objects(subject: str, relation: str) -> frozenset[str]:
    """Every object with which a triple is true, asked of the interpreter.

    More is true than is listed by `facts`: bool is a subclass of object, and a class
    has the methods that it inherits. What cannot be found among the classes, functions
    and modules that `facts` looks at is not true.

    Raises ValueError for a relation that there is not.
    """
    if relation not in STATEMENTS:
        raise ValueError(
            f"there is no relation {relation!r}; there are {', '.join(STATEMENTS)}"
        )
    if relation == "function_in":
        return frozenset(
            module
            for module in MODULES
            if inspect.isroutine(_members(module).get(subject))
        )
    names = _class_names()
    cls = next((cls for cls, name in names.items() if name == subject), None)
    root = BaseException if relation == "kind_of_error" else object
    if cls is None or not issubclass(cls, root):
        return frozenset()
    if relation == "has_method":
        # Through the bases, since `getattr` alone also finds methods of the metaclass,
        # such as `mro`, that no instance has.
        inherited = {name for base in cls.__mro__ for name in vars(base)}
        return frozenset(name for name in inherited if _is_method(cls, name))
    return frozenset(
        name
        for other, name in names.items()
        if other is not cls and issubclass(cls, other) and issubclass(other, root)
    )


def split_facts(
    facts: Iterable[Fact], test_share: float = 0.1, seed: int = 0
) -> tuple[list[Fact], list[Fact]]:
    """Hold out subjects: all facts about a subject are on the same side.

    Returns:
        (train, test), sorted.

    Raises as `corpus.split_paragraphs` does.
    """
    ordered = sorted(facts)
    subjects = sorted({fact.subject for fact in ordered})
    held_out = set(split_paragraphs(subjects, test_share, seed)[1])
    train = [fact for fact in ordered if fact.subject not in held_out]
    return train, [fact for fact in ordered if fact.subject in held_out]


def _is_public(name: str) -> bool:
    return not name.startswith("_")


def _is_method(cls: type, name: str) -> bool:
    """Whether a class has something of this name that can be called, not a property."""
    value = getattr(cls, name, None)
    return inspect.isroutine(value) and callable(value)


@cache
def _members(module: str) -> dict[str, object]:
    """What a module offers: `__all__`, or else its public names.

    What a module without `__all__` has imported from another one is not its offer.
    """
    content = importlib.import_module(module)
    listed = getattr(content, "__all__", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # to look is not to use
        members = {
            name: getattr(content, name)
            for name in sorted(vars(content) if listed is None else listed)
            if _is_public(name) and hasattr(content, name)
        }
    others = set(MODULES) - {module} if listed is None else set()
    return {
        name: value
        for name, value in members.items()
        if getattr(value, "__module__", None) not in others
    }


@cache
def _class_names() -> dict[type, str]:
    """One name for each public class: in the module that it says it is from."""
    names: dict[type, str] = {}
    for module in MODULES:
        prefix = "" if module == "builtins" else f"{module}."
        for name, value in _members(module).items():
            # An alias, such as IOError for OSError, is not the name of a class.
            if not inspect.isclass(value) or value.__name__ != name:
                continue
            if value not in names or value.__module__ == module:
                names[value] = prefix + name
    return names
