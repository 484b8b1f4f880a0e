"""The tokenizers in the page give the ids and texts that Python's give."""

import json
import random
from importlib.resources import files

import pytest

from llm_notes.data.tokenizers import (
    BytePairTokenizer,
    CharacterTokenizer,
    UnigramTokenizer,
    WordPieceTokenizer,
    WordTokenizer,
)
from llm_notes.widgets.tokenizer_explorer import TOKENIZER_SCRIPTS
from llm_notes.widgets.unicode_classes import unicode_classes

pytestmark = pytest.mark.browser

CORPUS = (
    "The cat sat on the mat; the cats' tails weren't cut. I'll say it's 1,234 tokens!\n"
    "    def attend(query, key):\n\treturn softmax(query @ key.T / d_head**0.5)\n"
    "注意力机制让模型看到整个句子。模型读一个词,再读下一个词。\n"
    "Der Löwe fraß Äpfel; l'été à Orléans; Ελλάδα ΣΟΦΟΣ; "
    "שלום עולם; مرحبا بالعالم 😀👍\n"
) * 3
SPECIAL = ["<|endoftext|>", "<|user|>"]
PIECES = [
    *CORPUS.split()[:60],
    *["👩\u200d💻", "👨\u200d👩\u200d👧\u200d👦", "🏳️\u200d🌈"],
    *["🇩🇪", "é", "e\u0301", "q\u0307\u0323"],
    *["\u0323\u0307", "Å", "K", "ﬁ", "İ", "ß"],
    *["Σ", "ΑΣ", "ǅ", "각", "カ\u3099", "豈", "\U0002f800"],
    *["שָׁלוֹם", "\u202eabc\u202c", "مُحَمَّد", "१२३", "½"],
    *["Ⅷ", "x²", "𝔸𝟙", "\U00010400", "\u1734"],
    *["\x00", "\x07", "\x1c", "\x1f", "\x7f"],
    *["\x85", "\xa0", "\xad", "\u200b", "\u2028", "\u3000"],
    *["\ufeff", "\ufffd", "\ue000", "\U000e0001"],
    *["\U0010ffff", "\u0378", "\U00031350", "\U0001fae8"],
    *["<|endoftext|>", "<|user|>", "[UNK]", "[MASK]", "##ing", "<0xE4>", "\u2047", "▁"],
    *["'s", "'ll", "''t", " 'd", "'", "don't"],
    *["_", "__init__", "a_b", "-->", "/*", "{}"],
    *[" ", "  ", "\n", "\n\n", "\t", "\r\n"],
    *["\r", "\v", "\f", " " * 30, "a" * 130, "中" * 50],
    *["\U0001d165\u302e", "\u1100\u1161\u11a8", "\u037e"],
    *["\u1fef", "\u212b", "\u00c5\u0327"],
]  # fmt: skip


def random_text(generator):
    """Pieces of every kind, characters of every plane, in any order."""
    parts = []
    for _ in range(generator.randrange(13)):
        kind = generator.random()
        if kind < 0.75:
            parts.append(generator.choice(PIECES))
        elif kind < 0.85:
            parts.append(" ")
        else:
            code = generator.randrange(generator.choice([0x80, 0x3000, 0x110000]))
            parts.append("" if 0xD800 <= code < 0xE000 else chr(code))
    return "".join(parts)


TEXTS = ["", *PIECES, *[random_text(random.Random(seed)) for seed in range(2400)]]
EVERYTHING = "".join(sorted(set("".join(TEXTS))))
TOKENIZERS = {
    "character": CharacterTokenizer(EVERYTHING, SPECIAL),
    "word": WordTokenizer.train(CORPUS, 60),
    "byte_pair": BytePairTokenizer.train(CORPUS, 400, SPECIAL),
    "byte_pair without merges": BytePairTokenizer([]),
    "word_piece": WordPieceTokenizer.train(CORPUS, 350),
    "word_piece with case": WordPieceTokenizer.train(CORPUS, 350, lower_case=False),
    "unigram": UnigramTokenizer.train(CORPUS, 420, SPECIAL),
    "unigram without pieces": UnigramTokenizer([]),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The JSON of each tokenizer's file."""
    path = tmp_path_factory.mktemp("tokenizers") / "file.json"
    content = {}
    for name, tokenizer in TOKENIZERS.items():
        tokenizer.save(path)
        content[name] = json.loads(path.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def page(chromium, saved):
    page = chromium.new_page()
    static = files("llm_notes.widgets") / "static"
    for name in TOKENIZER_SCRIPTS * 2:  # the second time has to be harmless
        page.add_script_tag(content=(static / name).read_text("utf-8"))
    page.evaluate(
        """([saved, classes]) => {
          globalThis.twins = {};
          for (const [name, json] of Object.entries(saved)) {
            twins[name] = llmNotes.tokenizers.read(json, classes);
          }
        }""",
        [saved, unicode_classes()],
    )
    yield page
    page.close()


def ask(page, function, argument):
    """The answer by way of JSON: much faster for thousands of small lists."""
    script = f"(argument) => JSON.stringify(({function})(argument))"
    return json.loads(page.evaluate(script, argument))


def one_by_one(found, expected, texts):
    """Equal lists; the first difference is shown with its text."""
    assert len(found) == len(expected) == len(texts)
    for a, b, text in zip(found, expected, texts, strict=True):
        assert a == b, repr(text)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_page_gives_the_ids_and_texts_of_python(page, name):
    tokenizer = TOKENIZERS[name]
    found = ask(
        page,
        """([name, texts]) => texts.map((text) => {
          const ids = twins[name].encode(text);
          return [ids, twins[name].decode(ids)];
        })""",
        [name, TEXTS],
    )
    encoded = [tokenizer.encode(text) for text in TEXTS]
    expected = [[ids, tokenizer.decode(ids)] for ids in encoded]
    one_by_one(found, expected, TEXTS)
    assert len(TEXTS) > 2000
    if tokenizer.lossless:
        assert [text for _, text in found] == TEXTS


@pytest.mark.parametrize("name", TOKENIZERS)
def test_pieces_say_which_bytes_of_the_text_they_stand_for(page, name):
    found = ask(
        page,
        """([name, texts]) => texts.map((text) => twins[name].pieces(text))""",
        [name, TEXTS],
    )
    tokenizer = TOKENIZERS[name]
    one_by_one(
        [[piece["id"] for piece in pieces] for pieces in found],
        [tokenizer.encode(text) for text in TEXTS],
        TEXTS,
    )
    for text, pieces in zip(TEXTS, found, strict=True):
        data = text.encode()
        for piece in pieces:
            stretch = data[piece["start"] : piece["end"]]
            assert bytes(piece["bytes"]) == stretch and stretch, repr(text)
        if tokenizer.lossless:
            assert b"".join(bytes(piece["bytes"]) for piece in pieces) == data


@pytest.mark.parametrize("name", TOKENIZERS)
def test_ids_in_any_order_are_decoded_as_python_does(page, name):
    tokenizer = TOKENIZERS[name]
    generator = random.Random(4)
    sequences = [
        [generator.randrange(tokenizer.vocab_size) for _ in range(length)]
        for length in range(120)
    ]
    found = ask(
        page,
        """([name, all]) => [
          all.map((ids) => twins[name].decode(ids)),
          all.map((ids) => twins[name].decode(ids, true)),
          twins[name].vocabSize, Object.fromEntries(twins[name].specialIds),
        ]""",
        [name, sequences],
    )
    assert found == [
        [tokenizer.decode(ids) for ids in sequences],
        [tokenizer.decode(ids, skip_special=True) for ids in sequences],
        tokenizer.vocab_size,
        tokenizer.special_ids,
    ]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_text_of_a_token_shows_bytes_that_are_no_character(page, name):
    tokenizer = TOKENIZERS[name]
    found = page.evaluate(
        """(name) => Array.from(
          {length: twins[name].vocabSize}, (_, id) => twins[name].text(id))""",
        name,
    )
    printed = [
        "".join({" ": "␣", "\n": "↵", "\t": "⇥"}.get(c, c) for c in text)
        for text in found
    ]
    # Python's label also spells out characters without a picture.
    expected = [tokenizer.token(token_id) for token_id in range(tokenizer.vocab_size)]
    plain = [i for i, label in enumerate(expected) if "<U+" not in label]
    assert [printed[i] for i in plain] == [expected[i] for i in plain]
    assert len(plain) > tokenizer.vocab_size / 2


@pytest.mark.parametrize("name", ["byte_pair", "unigram", "character"])
def test_special_tokens_are_read_only_where_they_are_allowed(page, name):
    text = "a<|user|>b<|endoftext|><|endoftext|>[UNK]<|user|"
    found = page.evaluate(
        """([name, text, allowed]) =>
          [[], allowed.slice(0, 1), allowed].map((a) => twins[name].encode(text, a))""",
        [name, text, SPECIAL],
    )
    tokenizer = TOKENIZERS[name]
    assert found == [
        tokenizer.encode(text, allowed) for allowed in ([], SPECIAL[:1], SPECIAL)
    ]


def test_the_classes_of_the_browser_agree_on_what_both_know(page):
    """So a page without Python's classes differs on new characters only."""
    differing = page.evaluate(
        """(classes) => {
          const unicode = llmNotes.tokenizers.unicode;
          const [python, browser] = [unicode.classes(classes), unicode.classes()];
          const differing = [];
          for (let code = 0; code < 0x110000; code += 1) {
            const pair = [python(code), browser(code)];
            if (pair[0] !== pair[1] && !pair.includes(unicode.UNASSIGNED)) {
              differing.push(code);
            }
          }
          return differing;
        }""",
        unicode_classes(),
    )
    assert len(differing) <= 10, [hex(code) for code in differing]


@pytest.mark.parametrize("name", ["word", "byte_pair", "word_piece", "unigram"])
def test_every_character_of_unicode_is_cut_as_python_cuts_it(page, name):
    step = 7  # sums of a few thousand characters at a time, all blocks among them
    codes = [*range(0x3400), *range(0x3400, 0x110000, step)]
    characters = [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
    texts = [
        " A".join(characters[at : at + 2000]) for at in range(0, len(characters), 2000)
    ]
    found = ask(
        page,
        "([name, texts]) => texts.map((text) => twins[name].encode(text))",
        [name, texts],
    )
    expected = [TOKENIZERS[name].encode(text) for text in texts]
    wrong = [i for i, ids in enumerate(found) if ids != expected[i]]
    assert wrong == []


@pytest.mark.parametrize(
    "line",
    ["a" * 1_000_000, "ab " * 333_333, "中" * 333_333, "😀" * 250_000, " " * 1_000_000],
    ids=["one word", "words", "Chinese", "emoji", "spaces"],
)
@pytest.mark.parametrize("name", ["word", "byte_pair", "word_piece", "unigram"])
def test_a_megabyte_on_one_line_takes_seconds_at_most(page, name, line):
    count, milliseconds = page.evaluate(
        """([name, line]) => {
          const start = performance.now();
          return [twins[name].encode(line).length, performance.now() - start];
        }""",
        [name, line],
    )
    assert count > 0 or not line.strip()
    assert milliseconds < 15_000


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_lone_surrogate_is_refused(page, name):
    message = page.evaluate(
        """(name) => ["encode", "pieces"].map((verb) => {
          try { return twins[name][verb]("a😀" + String.fromCharCode(0xd83d)); }
          catch (error) { return error.message; }
        })""",
        name,
    )
    assert all("U+D83D, at position 2" in text for text in message)


def test_a_character_without_a_token_is_named(page, saved):
    small = {**saved["character"], "alphabet": "ab😀", "special_tokens": []}
    message, pieces = page.evaluate(
        """(json) => {
          const twin = llmNotes.tokenizers.read(json);
          let message = "";
          try { twin.encode("a😀é"); } catch (error) { message = error.message; }
          return [message, twin.pieces("a😀é", true)];
        }""",
        small,
    )
    assert '"é" (U+00E9) at position 2, after "a😀"' in message
    assert [piece["id"] for piece in pieces] == [0, 2, None]
    assert pieces[2] == {
        "id": None, "text": "é", "bytes": [0xC3, 0xA9], "start": 5, "end": 7,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "no tokenizer file"),
        ({"version": 2}, "no tokenizer file"),
        ({"kind": "constructor"}, "unknown kind of tokenizer constructor"),
        ({"merges": [[0, 1], [0, 1]]}, "merge 1 joins 0 and 1"),
        ({"merges": [[0, 256]]}, "merge 0 joins 0 and 256"),
        ({"special_tokens": ["a", "a"]}, "given twice"),
        ({"unicode_classes": "9H"}, "9 code points"),
    ],
)
def test_a_damaged_file_is_refused(page, saved, change, message):
    found = page.evaluate(
        """(json) => {
          try { return llmNotes.tokenizers.read(json).kind; }
          catch (error) { return error.message; }
        }""",
        {**saved["byte_pair"], **change},
    )
    assert message in found


@pytest.mark.parametrize("token_id", [-1, 10_000, 1.5, "1"])
def test_an_id_outside_the_vocabulary_is_refused(page, token_id):
    for call in ("decode([id])", "text(id)", "bytes(id)", "parts(id)"):
        found = page.evaluate(
            f"""(id) => {{
              try {{ return twins["byte_pair"].{call}; }}
              catch (error) {{ return error.message; }}
            }}""",
            token_id,
        )
        assert "is not in the vocabulary" in found


def test_a_merged_token_can_be_taken_apart(page):
    tokenizer = TOKENIZERS["byte_pair"]
    found = page.evaluate(
        "[0, 255, 256, 300, 399].map((id) => twins.byte_pair.parts(id))"
    )
    merges = [list(tokenizer.merges[i]) for i in (0, 44)]
    assert found == [None, None, *merges, None]
