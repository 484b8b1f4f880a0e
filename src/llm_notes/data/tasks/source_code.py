"""Python's own source code: the files of the standard library, and their functions.

Every Python that can run the book brings about 10 MB of code that people wrote and
reviewed. Three things have to go before it is fit to learn from:

- tests, which repeat each other, and the texts of `pydoc`, which are another corpus;
- tables: files more than half of which is assigned to names at the top level, such as
  the character maps of `encodings`, which programs wrote;
- copies: files that share four fifths of their lines with a file before them.

This module knows no tokenizer, and never runs the code that it reads.
"""

import ast
import random
import sysconfig
import tokenize
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from llm_notes.data.corpus import (
    PARAGRAPH_BREAK,
    Corpus,
    EmptyCorpusError,
    split_paragraphs,
)

LEFT_OUT = frozenset(
    {"site-packages", "dist-packages", "test", "tests", "idle_test", "pydoc_data"}
)
TABLE_SHARE = 0.5  # of a file's characters, in assignments at the top level
COPY_SHARE = 0.8  # of a file's distinct lines


class NoSourceError(EmptyCorpusError):
    """This Python came without the source files of its standard library."""


@dataclass(frozen=True)
class SourceFunction:
    """A function or method, as text.

    Attributes:
        module: where it stands, such as "json.decoder".
        name: its name inside the module, such as "JSONDecoder.decode".
        signature: the line from `def` to the result's annotation, without the colon.
        docstring: None when there is none.
        body: what follows the docstring, comments included, not indented. Empty when
            the docstring is all there is.
    """

    module: str
    name: str
    signature: str
    docstring: str | None
    body: str


@dataclass(frozen=True)
class SourceFile:
    """A file: its path below the library's folder, its text, and its functions."""

    path: str
    text: str
    functions: tuple[SourceFunction, ...]

    @property
    def module(self) -> str:
        """The name under which Python imports the file."""
        return _module_name(self.path)


def standard_library_folder() -> Path:
    """The folder that holds the standard library's source files.

    Raises NoSourceError where there is none: some Pythons carry their library inside
    an archive or in the program itself.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    if not (folder / "os.py").is_file():
        raise NoSourceError(
            f"this Python has no source files at {folder}; a Python from python.org, "
            "conda or a Linux distribution brings them"
        )
    return folder


@cache
def source_files(folder: Path | None = None) -> tuple[SourceFile, ...]:
    """The files below a folder, in order of their paths, without tables and copies.

    Cached: the standard library takes a few seconds to parse.

    Args:
        folder: the standard library's, if none is given.

    Raises NoSourceError when there is no file.
    """
    root = standard_library_folder() if folder is None else folder
    files: list[SourceFile] = []
    lines_of: dict[Path, list[set[str]]] = {}  # of the files kept, by their folder
    for path in sorted(root.rglob("*.py"), key=lambda p: p.relative_to(root).parts):
        relative = path.relative_to(root)
        if LEFT_OUT.intersection(relative.parts[:-1]):
            continue
        try:
            with tokenize.open(path) as file:  # in the encoding that the file declares
                text = file.read()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # old escapes in strings
                tree = ast.parse(text)
        except (SyntaxError, UnicodeDecodeError):
            continue  # not Python of this version
        if not tree.body or _is_table(tree, text):
            continue
        lines = {line.strip() for line in text.splitlines()} - {""}
        before = lines_of.setdefault(relative.parent, [])
        if any(len(lines & others) >= COPY_SHARE * len(lines) for others in before):
            continue
        before.append(lines)
        name = relative.as_posix()
        functions = _functions(tree, _lines(text), _module_name(name))
        files.append(SourceFile(name, text, tuple(functions)))
    if not files:
        raise NoSourceError(f"there is no Python file to learn from below {root}")
    return tuple(files)


def split_files(
    files: Sequence[SourceFile], validation_share: float = 0.1, seed: int = 0
) -> tuple[list[SourceFile], list[SourceFile]]:
    """Hold out whole files that make up about `validation_share` of the bytes.

    Returns:
        (train, validation), in the order of `files`.

    Raises as `corpus.split_paragraphs` does.
    """
    texts = [file.text for file in files]
    held_out = set(split_paragraphs(texts, validation_share, seed)[1])
    train = [file for file in files if file.text not in held_out]
    return train, [file for file in files if file.text in held_out]


@cache
def python_source(
    max_bytes: int | None = None, validation_share: float = 0.1, seed: int = 0
) -> Corpus:
    """The standard library's code as a corpus, split by file.

    A file is on the same side whatever the size: files are held out first, and then
    random ones are taken, whole, until either part has its share of `max_bytes`.

    Args:
        max_bytes: the most bytes in both parts together; all there are if None.
        validation_share: held out of the bytes.
        seed: decides what is held out and, below `max_bytes`, what is taken.

    Raises:
        ValueError: when `max_bytes` < 1 or the share is not between 0 and 1.
        EmptyCorpusError: when `max_bytes` has no room for a file in each part.
        NoSourceError: when this Python has no source files.
    """
    if max_bytes is not None and max_bytes < 1:
        raise ValueError(f"max_bytes is {max_bytes}; at least 1 byte is needed")
    train, validation = split_files(source_files(), validation_share, seed)
    if max_bytes is not None:
        train = _take(train, max_bytes * (1 - validation_share), seed)
        validation = _take(validation, max_bytes * validation_share, seed)
    return Corpus(
        name="python source",
        train=PARAGRAPH_BREAK.join(file.text.strip() for file in train),
        validation=PARAGRAPH_BREAK.join(file.text.strip() for file in validation),
    )


def _take(files: list[SourceFile], max_bytes: float, seed: int) -> list[SourceFile]:
    """Random files that fit into `max_bytes` with their separators, in order."""
    generator = random.Random(seed)
    keys = [generator.random() for _ in files]
    taken: set[int] = set()
    for index in sorted(range(len(files)), key=keys.__getitem__):
        n_bytes = len(files[index].text.encode()) + len(PARAGRAPH_BREAK)
        if n_bytes <= max_bytes:
            taken.add(index)
            max_bytes -= n_bytes
    return [file for index, file in enumerate(files) if index in taken]


def _module_name(path: str) -> str:
    """ "json/__init__.py" is the module json."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _lines(text: str) -> list[str]:
    """The lines as `ast` counts them: `splitlines` would also cut at form feeds."""
    return [f"{line}\n" for line in text.split("\n")]


def _is_table(tree: ast.Module, text: str) -> bool:
    """Whether top-level assignments make up more than TABLE_SHARE of a file."""
    lines = _lines(text)
    n_assigned = sum(
        len("".join(lines[node.lineno - 1 : node.end_lineno]))
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
    )
    return n_assigned > TABLE_SHARE * len(text)


def _functions(
    node: ast.AST, lines: list[str], module: str, prefix: str = ""
) -> list[SourceFunction]:
    """The functions of a module and of its classes; those inside functions stay."""
    found: list[SourceFunction] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(_function(child, lines, module, prefix))
        elif isinstance(child, ast.ClassDef):
            found += _functions(child, lines, module, f"{prefix}{child.name}.")
        elif isinstance(child, ast.stmt):  # a definition may depend on an `if`
            found += _functions(child, lines, module, prefix)
    return found


def _function(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    lines: list[str],
    module: str,
    prefix: str,
) -> SourceFunction:
    """One definition, cut into its parts."""
    keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    docstring = ast.get_docstring(node)
    return SourceFunction(
        module=module,
        name=prefix + node.name,
        signature=f"{keyword} {node.name}({ast.unparse(node.args)}){result}",
        docstring=docstring,
        body=_body(node, lines, has_docstring=docstring is not None),
    )


def _body(
    node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str], has_docstring: bool
) -> str:
    """The lines below the docstring, moved to the left margin."""
    statements = node.body[has_docstring:]
    if not statements:
        return ""
    first, indent = statements[0], node.body[0].col_offset
    if has_docstring and first.lineno > node.body[0].end_lineno:
        start = node.body[0].end_lineno  # with the comments above the statement
    else:
        start = first.lineno - 1
    # The further lines of a string are its content: they must not move.
    fixed = {
        number
        for part in ast.walk(node)
        if isinstance(part, ast.Constant | ast.JoinedStr)
        for number in range(part.lineno, part.end_lineno)
    }
    kept = []
    for number in range(start, node.end_lineno):
        line = lines[number]
        before = line.encode()[: first.col_offset].decode(errors="ignore")
        if number == first.lineno - 1 and before.strip():
            line = line.removeprefix(before)  # as in `def f(): return 1`
        elif number not in fixed:
            line = line[min(indent, len(line) - len(line.lstrip(" \t\f"))) :]
        kept.append(line)
    return "".join(kept).strip("\n")
