import ast
import warnings
from dataclasses import replace

import pytest

from llm_notes.data.tasks.docstrings import (
    MAX_WORDS,
    MIN_WORDS,
    docstring_pairs,
    first_sentence,
    split_pairs,
)
from llm_notes.data.tasks.source_code import (
    SourceFile,
    SourceFunction,
    source_files,
    split_files,
)


def file_with(*functions: tuple[str, str | None, str]) -> SourceFile:
    """A file of functions given as (name, docstring, body)."""
    return SourceFile(
        path="m.py",
        text="",
        functions=tuple(
            SourceFunction("m", name, f"def {name}()", docstring, body)
            for name, docstring, body in functions
        ),
    )


@pytest.mark.parametrize(
    ("docstring", "sentence"),
    [
        ("Return x.", "Return x."),
        ("Return x. Or y.", "Return x."),
        ("Is it x? Yes.", "Is it x?"),
        ("Return x\n    and y. More.", "Return x and y."),
        ("Return x\n\nMore.", "Return x"),
        ("Use 1.5 of it, e.g. Tuesday. Then", "Use 1.5 of it, e.g. Tuesday."),
        ("See the etc. Files. No.", "See the etc. Files."),
        ("Return x. and y", "Return x. and y"),
        ("\n    Return x.\n    ", "Return x."),
        ("f(x) -> int\n\nReturn.", ""),
        ("a.f(x, y)", ""),
        (">>> f()\n1", ""),
        ("Return x. Such as\n>>> f()\n1", "Return x."),
        ("Return x\n>>> f()\n1", "Return x"),
        ("Return one of:\n\n- x", ""),
        ("The case::\n>>> f()\n1", ""),
        ("Add x vs. Y (cf. Knuth). More.", "Add x vs. Y (cf. Knuth)."),
        ("Ask Dr. No in the U.S. Army. More.", "Ask Dr. No in the U.S. Army."),
        ("", ""),
    ],
)
def test_the_first_sentence_is_found(docstring, sentence):
    assert first_sentence(docstring) == sentence


def test_a_pair_has_the_function_and_what_its_author_says():
    (pair,) = docstring_pairs([file_with(("C.f", "Return the one. More.", "return 1"))])
    assert (pair.module, pair.name, pair.signature) == ("m", "C.f", "def C.f()")
    assert (pair.body, pair.summary) == ("return 1", "Return the one.")


def test_functions_that_teach_nothing_are_left_out():
    pairs = docstring_pairs(
        [
            file_with(
                ("no_docstring", None, "return 1"),
                ("no_body", "Return the only one.", ""),
                ("too_short", "word " * (MIN_WORDS - 1), "return 2"),
                ("shortest", "word " * MIN_WORDS, "return 3"),
                ("longest", "word " * MAX_WORDS, "return 4"),
                ("too_long", "word " * (MAX_WORDS + 1), "return 5"),
            )
        ]
    )
    assert [pair.name for pair in pairs] == ["shortest", "longest"]


def test_a_sentence_or_a_body_is_kept_once_whatever_its_spacing():
    pairs = docstring_pairs(
        [
            file_with(
                ("a", "Return the sum.", "return x + y"),
                ("b", "return  the SUM", "return y + x"),
                ("c", "Add two numbers.", "return x  +  y"),
            ),
            file_with(("d", "Add three numbers.", "return x + y + z")),
        ]
    )
    assert [pair.name for pair in pairs] == ["a", "d"]


def test_the_code_of_a_pair_is_a_function_again():
    (pair,) = docstring_pairs([file_with(("f", "Return a number.", "x = 1\nreturn x"))])
    assert pair.code == "def f():\n    x = 1\n    return x"


def test_strings_and_blank_lines_of_a_body_are_not_indented():
    body = 'x = """a\n  b\n"""\n\nreturn x'
    (pair,) = docstring_pairs([file_with(("f", "Return a text.", body))])
    assert pair.code == 'def f():\n    x = """a\n  b\n"""\n\n    return x'


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_the_code_of_a_pair_does_what_its_source_does():
    # Of their like the standard library has few: bodies with strings of many lines.
    files = [file for file in source_files() if file.text.count('"""') > 100][::12]
    for file in files:
        bodies = {
            ast.dump(ast.Module(node.body[1:], []))
            for node in ast.walk(ast.parse(file.text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        for pair in docstring_pairs([file]):
            (function,) = ast.parse(pair.code).body
            assert ast.dump(ast.Module(function.body, [])) in bodies, pair


def test_the_standard_library_gives_thousands_of_pairs_each_once():
    pairs = docstring_pairs()
    assert len(pairs) > 4000
    assert len({pair.summary.lower() for pair in pairs}) == len(pairs)
    assert len({" ".join(pair.body.split()) for pair in pairs}) == len(pairs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for pair in pairs[::50]:
            assert isinstance(ast.parse(pair.code).body[0].body[0], ast.stmt)


def test_pairs_are_held_out_by_module_as_the_code_corpus_is():
    pairs = docstring_pairs()
    train, test = split_pairs(pairs, 0.15, seed=3)
    assert len(train) + len(test) == len(pairs)
    assert set(train) | set(test) == set(pairs)
    assert not {pair.module for pair in train} & {pair.module for pair in test}
    held_out = {file.module for file in split_files(source_files(), 0.15, seed=3)[1]}
    assert {pair.module for pair in test} <= held_out
    assert 0.05 < len(test) / len(pairs) < 0.3


def test_a_pair_of_an_unknown_module_is_refused():
    pair = replace(docstring_pairs()[0], module="nowhere")
    with pytest.raises(ValueError, match=r"no such modules.*nowhere"):
        split_pairs([pair])
