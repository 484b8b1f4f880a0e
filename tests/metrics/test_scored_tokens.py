"""The tokens of BLEU are sacreBLEU's."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import _get_tokenizer

from llm_notes.metrics import TOKENISATIONS

THEIRS = {name: _get_tokenizer(name)() for name in TOKENISATIONS}
# Dense in what the rules are about: digits, marks, entities, Chinese, odd white space.
MARKS = "aZ7 .,-'\"&;()[]^`{}~_/\\!?\n\t"
WHOLES = ["&amp;", "&quot;", "&lt;", "&gt;", "<skipped>", "-\n", "3.14", "\U00020001"]
PIECES = st.sampled_from([*MARKS, *"语，。“—é\u3000\u00a0", *WHOLES])


@pytest.mark.parametrize("name", TOKENISATIONS)
@given(st.lists(PIECES, max_size=16).map("".join))
@example("Prices rose by 3.5%, to 1,000.-\nYear 2019-20: \"it's 'good'\" (U.S.).")
@example("我在2019年读了《Python 3.11》，很好。")
@settings(deadline=None, max_examples=150)
def test_tokens_equal_those_of_sacrebleu(name, text):
    assert TOKENISATIONS[name](text) == THEIRS[name](text).split()


def test_the_same_characters_count_as_chinese():
    for code in range(0x80, 0x10000):
        if not chr(code).isspace() and not 0xD800 <= code < 0xE000:
            expected = THEIRS["zh"]._is_chinese_char(chr(code))
            assert (len(TOKENISATIONS["zh"](f"a{chr(code)}a")) == 3) == expected, code
