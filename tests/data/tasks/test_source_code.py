import ast
import sysconfig
import warnings
from pathlib import Path

import pytest

from llm_notes.data.corpus import EmptyCorpusError, leaked_share
from llm_notes.data.tasks.source_code import (
    NoSourceError,
    python_source,
    source_files,
    split_files,
    standard_library_folder,
)


def write(folder: Path, **texts: str) -> Path:
    """Python files below a folder; two underscores stand for a slash."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def functions_of(tmp_path: Path, text: str) -> dict:
    files = source_files(write(tmp_path, module=text))
    return {function.name: function for file in files for function in file.functions}


def test_files_come_in_order_with_the_names_under_which_they_are_imported(tmp_path):
    write(tmp_path, b="def f(): pass", a__c="class C: pass", a="def g(): pass")
    (tmp_path / "a" / "__init__.py").write_text("import os")
    files = source_files(tmp_path)
    assert [file.path for file in files] == ["a/__init__.py", "a/c.py", "a.py", "b.py"]
    assert [file.module for file in files] == ["a", "a.c", "a", "b"]


def test_tests_and_files_that_are_not_python_are_left_out(tmp_path):
    write(tmp_path, good="def f(): pass", test__a="a()", x__tests__b="b()")
    write(tmp_path, pydoc_data__topics="c()", bad="def (", empty="# nothing\n")
    (tmp_path / "bytes.py").write_bytes(b"name = '\xff'\n")
    assert [file.module for file in source_files(tmp_path)] == ["good"]


def test_a_file_is_read_in_the_encoding_that_it_declares(tmp_path):
    text = "# -*- coding: latin-1 -*-\ndef café(): pass\n"
    (tmp_path / "old.py").write_bytes(text.encode("latin-1"))
    assert source_files(tmp_path)[0].text == text


def test_a_file_that_is_for_the_greater_part_a_table_is_left_out(tmp_path):
    table = "TABLE = {\n" + "".join(f"    {i}: 'x',\n" for i in range(9)) + "}\n"
    code = "def f(x):\n    return x\n"
    write(tmp_path, table=table + code, half=table + code * 6)
    assert [file.module for file in source_files(tmp_path)] == ["half"]


def test_a_file_that_shares_four_fifths_of_its_lines_with_another_is_left_out(tmp_path):
    lines = [f"print({i})" for i in range(10)]
    copy, other = [*lines[:8], "a()", "b()"], [*lines[:7], "a()", "b()", "c()"]
    write(
        tmp_path,
        **{n: "\n".join(t) for n, t in {"a": lines, "b": copy, "c": other}.items()},
    )
    assert [file.module for file in source_files(tmp_path)] == ["a", "c"]


def test_a_copy_in_another_folder_is_another_file(tmp_path):
    write(tmp_path, a__x="print(1)", b__x="print(1)")
    assert len(source_files(tmp_path)) == 2


def test_functions_of_classes_and_branches_are_found_and_inner_ones_are_not(tmp_path):
    found = functions_of(
        tmp_path,
        "import os\n"
        "if os:\n"
        "    def a(x: int, *, y=1) -> str:\n"
        "        def inner(): pass\n"
        "        return inner\n"
        "class C:\n"
        "    class D:\n"
        "        async def b(self): pass\n",
    )
    assert list(found) == ["a", "C.D.b"]
    assert found["a"].signature == "def a(x: int, *, y=1) -> str"
    assert found["C.D.b"].signature == "async def b(self)"
    assert {f.module for f in found.values()} == {"module"}


def test_the_docstring_and_the_body_are_taken_apart(tmp_path):
    found = functions_of(
        tmp_path,
        "class C:\n"
        "    def a(self):\n"
        '        """Say a.\n\n        More.\n        """\n'
        "        # A comment.\n"
        "        if self:\n"
        "            return 1\n"
        "    def b(self): return 'é', 2\n"
        '    def c(self):\n        "All there is."\n'
        '    def d(self): "Say d."; return 3\n'
        "    def e(self, x=(\n"
        "        1)): return x\n",
    )
    assert found["C.a"].docstring == "Say a.\n\nMore."
    assert found["C.a"].body == "# A comment.\nif self:\n    return 1"
    assert (found["C.b"].docstring, found["C.b"].body) == (None, "return 'é', 2")
    assert (found["C.c"].docstring, found["C.c"].body) == ("All there is.", "")
    assert (found["C.d"].docstring, found["C.d"].body) == ("Say d.", "return 3")
    assert found["C.e"].body == "return x"


def test_the_lines_of_a_string_do_not_move_with_the_code(tmp_path):
    text = 'def a():\n    x = """\n    b\n      c"""\n    return x\n'
    assert functions_of(tmp_path, text)["a"].body == (
        'x = """\n    b\n      c"""\nreturn x'
    )


def test_a_form_feed_is_not_the_end_of_a_line(tmp_path):
    text = "x = 1\n\x0c\ndef a():\n    y = 2\n    return y\n"
    assert functions_of(tmp_path, text)["a"].body == "y = 2\nreturn y"


def test_the_parts_of_real_functions_parse_to_what_the_file_says():
    files = source_files()[::40]
    n_functions = 0
    for file in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = [
                node
                for node in ast.walk(ast.parse(file.text))
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
            known = {(n.name, dump(n.body[has_docstring(n) :])) for n in nodes}
            for function in file.functions:
                name = function.name.rpartition(".")[2]
                assert (name, dump(ast.parse(function.body).body)) in known
                assert ast.parse(f"{function.signature}: ...").body[0].name == name
                n_functions += 1
    assert n_functions > 200


def dump(statements: list[ast.stmt]) -> str:
    return "".join(map(ast.dump, statements))


def has_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return ast.get_docstring(node) is not None


def test_the_standard_library_gives_megabytes_without_the_texts_of_pydoc():
    files = source_files()
    assert sum(len(file.text.encode()) for file in files) > 5_000_000
    modules = {file.module for file in files}
    assert {"json.decoder", "textwrap", "collections"} <= modules
    assert not {"pydoc_data.topics", "html.entities", "encodings.cp1250"} & modules
    assert not any("test" in file.path.split("/")[:-1] for file in files)


def test_whole_files_are_held_out_by_their_bytes():
    files = source_files()
    train, validation = split_files(files, 0.2, seed=1)
    assert sorted([*train, *validation], key=files.index) == list(files)
    assert train == sorted(train, key=files.index)
    n_held_out = sum(len(file.text.encode()) for file in validation)
    n_bytes = sum(len(file.text.encode()) for file in files)
    assert n_held_out / n_bytes == pytest.approx(0.2, abs=0.03)


def test_little_of_the_held_out_code_stands_in_the_training_part():
    corpus = python_source(1_000_000)
    assert leaked_share(corpus.train, corpus.validation) < 0.05


def test_a_small_corpus_keeps_the_sides_of_the_large_one():
    large, small = python_source(), python_source(400_000, seed=0)
    assert small.train_bytes + small.validation_bytes <= 400_000
    assert small.train_bytes > 300_000
    assert 20_000 < small.validation_bytes <= 40_000
    for file in source_files():
        text = file.text.strip()
        if len(text) > 2000:
            assert (text in small.train) <= (text in large.train)
            assert (text in small.validation) <= (text in large.validation)


def test_the_seed_decides_which_files_are_taken():
    assert python_source(200_000, seed=1) != python_source(200_000, seed=2)


@pytest.mark.parametrize("max_bytes", [0, -5])
def test_a_corpus_of_no_size_is_refused(max_bytes):
    with pytest.raises(ValueError, match=f"max_bytes is {max_bytes}"):
        python_source(max_bytes)


def test_a_size_with_no_room_for_a_file_is_refused():
    with pytest.raises(EmptyCorpusError, match="empty"):
        python_source(100)


def test_a_python_without_source_files_is_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / name))
    with pytest.raises(NoSourceError, match="no source files at"):
        standard_library_folder()


def test_a_folder_without_code_is_refused(tmp_path):
    with pytest.raises(NoSourceError, match="no Python file"):
        source_files(tmp_path)
