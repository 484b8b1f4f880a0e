import builtins
import importlib
import inspect
import random
import re
import subprocess
import sys
from typing import get_args

import pytest

from llm_notes.data.tasks.facts import (
    MODULES,
    STATEMENTS,
    Fact,
    Relation,
    facts,
    holds,
    split_facts,
)


def resolve(name: str) -> type:
    """The class of a name such as "bool" or "collections.abc.Set"."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module or "builtins"), attribute)


def of(relation: str) -> list[Fact]:
    return [fact for fact in facts() if fact.relation == relation]


def test_known_facts_are_there():
    expected = {
        Fact("bool", "subclass_of", "int"),
        Fact("collections.Counter", "subclass_of", "dict"),
        Fact("json.JSONDecodeError", "kind_of_error", "ValueError"),
        Fact("KeyError", "kind_of_error", "LookupError"),
        Fact("sqrt", "function_in", "math"),
        Fact("dumps", "function_in", "json"),
        Fact("str", "has_method", "upper"),
        Fact("io.StringIO", "has_method", "getvalue"),
    }
    assert expected <= set(facts())


def test_facts_are_sorted_and_each_stands_once():
    assert list(facts()) == sorted(set(facts()))
    assert len(facts()) > 2000
    assert {fact.relation for fact in facts()} == set(get_args(Relation))


def test_every_base_class_is_a_direct_one():
    for fact in of("subclass_of") + of("kind_of_error"):
        assert resolve(fact.object) in resolve(fact.subject).__bases__
        is_error = issubclass(resolve(fact.subject), BaseException)
        assert is_error == (fact.relation == "kind_of_error")


def test_every_function_is_in_its_module_and_not_built_in():
    for fact in of("function_in"):
        value = getattr(importlib.import_module(fact.object), fact.subject)
        assert callable(value)
        assert not inspect.isclass(value)
        assert not hasattr(builtins, fact.subject)


def test_a_function_that_a_module_has_only_imported_is_not_its_own():
    homes = [fact.object for fact in of("function_in") if fact.subject == "namedtuple"]
    assert homes == ["collections"]


def test_every_method_is_defined_by_its_class_and_public():
    for fact in of("has_method"):
        assert fact.object in vars(resolve(fact.subject))
        assert callable(getattr(resolve(fact.subject), fact.object))
        assert not fact.object.startswith("_")


def test_that_all_is_an_object_is_no_fact():
    assert not [fact for fact in facts() if fact.object == "object"]


def test_everything_listed_holds():
    assert all(holds(fact.subject, fact.relation, fact.object) for fact in facts())


@pytest.mark.parametrize(
    ("triple", "truth"),
    [
        (("bool", "subclass_of", "object"), True),
        (("bool", "has_method", "bit_length"), True),
        (("KeyError", "kind_of_error", "Exception"), True),
        (("json.JSONDecodeError", "subclass_of", "Exception"), True),
        (("sqrt", "function_in", "cmath"), False),  # true, but nobody looks there
        (("int", "subclass_of", "bool"), False),
        (("bool", "subclass_of", "bool"), False),
        (("bool", "kind_of_error", "int"), False),
        (("KeyError", "kind_of_error", "object"), False),  # nobody can catch it
        (("KeyError", "subclass_of", "collections.abc.Hashable"), True),
        (("KeyError", "kind_of_error", "collections.abc.Hashable"), False),
        (("sqrt", "function_in", "json"), False),
        (("pi", "function_in", "math"), False),
        (("str", "has_method", "append"), False),
        (("str", "has_method", "nothing"), False),
        (("int", "has_method", "mro"), False),  # of the class, not of its instances
        (("collections.abc.Mapping", "has_method", "register"), False),
        (("ipaddress.IPv4Network", "has_method", "hostmask"), False),  # a property
        (("Nothing", "subclass_of", "int"), False),
        (("bool", "subclass_of", "Nothing"), False),
    ],
)
def test_the_interpreter_tells_what_holds(triple, truth):
    assert holds(*triple) is truth


def test_an_unknown_relation_is_refused():
    with pytest.raises(ValueError, match=r"no relation 'likes'.*subclass_of"):
        holds("bool", "likes", "int")


def test_nothing_with_a_side_effect_is_imported():
    code = (
        "import sys; from llm_notes.data.tasks.facts import facts; facts();"
        "sys.exit(len({'this', 'antigravity', 'turtle', 'tkinter', 'idlelib'}"
        " & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, b"")
    assert len(set(MODULES)) == len(MODULES)


def test_a_fact_is_told_in_several_ways_with_both_names():
    for relation in get_args(Relation):
        sentences = Fact("a.B", relation, "c.D").sentences()
        assert len(set(sentences)) == len(STATEMENTS[relation]) >= 4
        for sentence in sentences:
            assert len(re.findall(r"a\.B|c\.D", sentence)) == 2
            assert sentence.endswith(".")
    assert Fact("bool", "subclass_of", "int").sentences()[0] == (
        "bool is a subclass of int."
    )
    assert "int is a base class of bool." in (
        Fact("bool", "subclass_of", "int").sentences()
    )


def test_a_subject_is_on_one_side_with_all_its_facts():
    train, test = split_facts(facts(), 0.2, seed=2)
    assert sorted(train + test) == list(facts())
    assert not {fact.subject for fact in train} & {fact.subject for fact in test}
    assert 0.1 < len(test) / len(facts()) < 0.3
    shuffled = sorted(facts(), key=lambda _: random.random())
    assert split_facts(shuffled, 0.2, seed=2) == (train, test)
