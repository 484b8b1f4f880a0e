import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.tasks import messages
from llm_notes.data.tasks.messages import (
    MessagePair,
    MissingExtraError,
    identification_set,
    is_held_out,
    languages,
    message_pairs,
    placeholders_of,
    split_pairs,
)

CATALOGUE = r"""
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\n"

msgid "good"
msgstr "gut"

#, fuzzy
msgid "nearly"
msgstr "beinahe"

msgid "nothing"
msgstr ""

msgid "same"
msgstr "same"

msgid "%s of %s"
msgstr "%s von"

msgid "{a} of %(b)d"
msgstr "%(b)d: {a}"

msgid "one"
msgid_plural "many"
msgstr[0] "eins"
msgstr[1] "viele"
"""


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    """A catalogue of one's own in place of Sphinx's."""
    path = tmp_path / "xx.po"
    path.write_text(CATALOGUE, encoding="utf-8")
    monkeypatch.setattr(messages, "_catalogues", lambda: {"xx": path, "en_GB": path})
    messages._pairs.cache_clear()
    yield
    messages._pairs.cache_clear()


def test_what_is_not_a_translation_is_left_out(catalogue):
    assert message_pairs("xx") == [
        MessagePair("good", "gut", ()),
        MessagePair("{a} of %(b)d", "%(b)d: {a}", ("{a}", "%(b)d")),
    ]


def test_a_respelling_of_english_is_no_translation(catalogue):
    assert message_pairs("en_GB") == []
    assert languages(min_pairs=0) == {"xx": 2, "en_GB": 0}
    assert languages() == {"xx": 2}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "%s of %(total)d, %-10s %5.2f %%",
            ("%s", "%(total)d", "%-10s", "%5.2f", "%%"),
        ),
        ("{} {name!r} {a.b:>8}", ("{}", "{name!r}", "{a.b:>8}")),
        ("50% sure, 100%", ()),
        ("{ not one }", ()),
    ],
)
def test_placeholders_are_found(text, found):
    assert placeholders_of(text) == found


def test_sphinx_speaks_many_languages_some_of_them_hardly():
    sizes = languages()
    assert len(languages(min_pairs=0)) >= 60
    assert len(sizes) >= 45
    assert sizes["zh_CN"] > 600
    assert list(sizes.values()) == sorted(sizes.values(), reverse=True)
    assert min(languages(min_pairs=100).values()) >= 100
    assert sizes == {code: len(message_pairs(code)) for code in sizes}


def test_every_pair_is_a_translation_with_its_placeholders():
    for code in ("zh_CN", "fr", "el", "ja"):
        for pair in message_pairs(code):
            assert pair.english.strip() != pair.translation.strip()
            assert Counter(pair.placeholders) == Counter(
                placeholders_of(pair.translation)
            )
    chinese = {pair.english: pair.translation for pair in message_pairs("zh_CN")}
    assert chinese["Running Sphinx v%s"] == "正在运行 Sphinx v%s"


def test_a_message_is_on_the_same_side_in_every_language():
    sides: dict[str, set[str]] = {"train": set(), "test": set()}
    for code in languages(min_pairs=100):
        train, test = split_pairs(message_pairs(code), 0.2)
        assert len(train) + len(test) == languages()[code]
        sides["train"] |= {pair.english for pair in train}
        sides["test"] |= {pair.english for pair in test}
    assert not sides["train"] & sides["test"]
    n_messages = len(sides["train"]) + len(sides["test"])
    assert len(sides["test"]) / n_messages == pytest.approx(0.2, abs=0.05)


def test_messages_that_differ_in_letter_case_or_placeholders_stay_together():
    texts = ["Unknown file: %s", "unknown file %r!", "Unknown FILE {name}"]
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        assert len({is_held_out(text, share) for text in texts}) == 1


@settings(deadline=None)
@given(st.text(max_size=20), st.floats(0.01, 0.98))
def test_a_larger_share_holds_out_more_and_never_less(text, share):
    assert is_held_out(text, share) <= is_held_out(text, share + 0.01)


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_a_share_that_leaves_nothing_is_refused(share):
    with pytest.raises(ValueError, match="between 0 and 1"):
        split_pairs(message_pairs("zh_CN"), share)


def test_texts_for_identification_have_one_language_and_one_side():
    train, test = identification_set(0.2, min_pairs=60)
    texts = [text for text, _ in train + test]
    assert len(texts) == len(set(texts))
    codes = Counter(code for _, code in train)
    assert set(codes) == {"en", *languages(60)}
    assert {code for _, code in test} <= set(codes)
    assert ("正在运行 Sphinx v%s", "zh_CN") in train + test
    assert ("Running Sphinx v%s", "en") in train + test
    held_out = dict(test)
    for code in ("zh_CN", "fr"):
        learned, _ = split_pairs(message_pairs(code), 0.2)
        assert not any(pair.translation in held_out for pair in learned)
        assert not any(pair.english in held_out for pair in learned)


def test_an_unknown_language_is_refused_with_the_ones_there_are():
    with pytest.raises(ValueError, match=r"no catalogue 'xx_YY'.*zh_CN"):
        message_pairs("xx_YY")


@pytest.mark.parametrize("absent", ["sphinx", "babel"])
def test_without_the_extra_the_error_names_it(absent, monkeypatch):
    monkeypatch.setitem(sys.modules, absent, None)
    messages._catalogues.cache_clear()
    with pytest.raises(MissingExtraError, match=f"{absent} is not.*llm-notes.book"):
        message_pairs("zh_CN")
    messages._catalogues.cache_clear()


def test_a_sphinx_without_catalogues_is_told_apart(tmp_path, monkeypatch):
    import sphinx

    monkeypatch.setattr(sphinx, "__file__", str(tmp_path / "__init__.py"))
    messages._catalogues.cache_clear()
    with pytest.raises(MissingExtraError, match="no catalogues"):
        languages()
    messages._catalogues.cache_clear()
