"""Pairs of a function and the sentence that says what it does.

The authors of the standard library wrote both, so each pair is one right answer to
three questions: what does this code do (summarisation), where is the code that does
this (search), which of these sentences belong to which code (contrastive learning).

Pairs are held out by module. Functions of one module resemble each other, so a split
by pair would examine a model on near-copies of what it has learned.

This module knows no tokenizer and no model, and never runs the code.
"""

import ast
import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass

from llm_notes.data.tasks.source_code import SourceFile, source_files, split_files

MIN_WORDS, MAX_WORDS = 3, 40  # "Constructor." says nothing; some sentences are essays
_ABBREVIATIONS = ("e.g", "i.e", "etc", "vs", "cf", "U.S", "Dr")
_END = re.compile(
    "".join(rf"(?<!\b{re.escape(short)})" for short in _ABBREVIATIONS)
    + r"[.!?](?= +[A-Z])"
)


@dataclass(frozen=True)
class DocstringPair:
    """A function and what its author says about it.

    Attributes:
        module: where it stands, such as "json.decoder".
        name: its name inside the module, such as "JSONDecoder.decode".
        signature: the line from `def` to the result's annotation, without the colon.
        body: the statements, without the docstring, not indented.
        summary: the first sentence of the docstring, on one line.
    """

    module: str
    name: str
    signature: str
    body: str
    summary: str

    @property
    def code(self) -> str:
        """The whole function without its docstring, the body four columns in."""
        # The further lines of a string are its content: they must not move.
        fixed = {
            number
            for part in ast.walk(ast.parse(self.body))
            if isinstance(part, ast.Constant | ast.JoinedStr)
            for number in range(part.lineno, part.end_lineno)
        }
        body = [
            line if number in fixed or not line.strip() else f"    {line}"
            for number, line in enumerate(self.body.split("\n"))
        ]
        return "\n".join([f"{self.signature}:", *body])


def docstring_pairs(files: Sequence[SourceFile] | None = None) -> list[DocstringPair]:
    """All pairs in some files, in order of the files, each sentence and body once.

    Left out are functions without a statement, sentences of fewer than MIN_WORDS or
    more than MAX_WORDS words, and whatever repeats a sentence or a body before it
    (letter case and white space ignored): a copy would have two right answers.

    Args:
        files: the standard library's, if none are given.

    Raises NoSourceError when this Python has no source files.
    """
    sentences: set[str] = set()
    bodies: set[str] = set()
    pairs: list[DocstringPair] = []
    for file in source_files() if files is None else files:
        for function in file.functions:
            summary = first_sentence(function.docstring or "")
            if not (MIN_WORDS <= len(summary.split()) <= MAX_WORDS):
                continue
            sentence = " ".join(re.findall(r"\w+", summary.lower()))
            body = " ".join(function.body.split())
            if not body or not sentence or sentence in sentences or body in bodies:
                continue
            sentences.add(sentence)
            bodies.add(body)
            pairs.append(
                DocstringPair(
                    module=function.module,
                    name=function.name,
                    signature=function.signature,
                    body=function.body,
                    summary=summary,
                )
            )
    return pairs


def split_pairs(
    pairs: Sequence[DocstringPair], test_share: float = 0.1, seed: int = 0
) -> tuple[list[DocstringPair], list[DocstringPair]]:
    """Hold out the pairs of whole modules: the modules that `python_source` holds out.

    With the same share and seed, a model that has read the training part of the code
    corpus has therefore never seen the code, or the sentence, of a pair held out.

    Returns:
        (train, test), in the order of `pairs`.

    Raises:
        ValueError: when the share is not between 0 and 1, or when a pair is from a
            module that is not in the standard library.
    """
    train_files, test_files = split_files(source_files(), test_share, seed)
    learned = {file.module for file in train_files}
    held_out = {file.module for file in test_files}
    strange = {pair.module for pair in pairs} - learned - held_out
    if strange:
        raise ValueError(
            f"no such modules in the standard library: {', '.join(sorted(strange))}; "
            "this split is for pairs that docstring_pairs() gives"
        )
    train = [pair for pair in pairs if pair.module in learned]
    return train, [pair for pair in pairs if pair.module in held_out]


def first_sentence(docstring: str) -> str:
    """The first sentence of a docstring's first paragraph, on one line.

    A sentence ends at a full stop, a question or exclamation mark that stands before
    white space and a capital letter; "e.g." and its like do not end one, and an example
    for doctest does. A paragraph that is such an example, repeats the signature, or
    promises by a colon what comes next, has no sentence.
    """
    paragraph = inspect.cleandoc(docstring).split("\n\n")[0]
    text = " ".join(paragraph.split()).split(">>>")[0].rstrip()
    if re.fullmatch(r"[\w.]+\(.*\)( *->.*)?", text):
        return ""
    end = _END.search(text)
    sentence = text[: end.end()] if end else text
    return "" if sentence.endswith(":") else sentence
