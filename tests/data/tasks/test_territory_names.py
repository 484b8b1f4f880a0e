import sys

import pytest

from llm_notes.data.corpus import EmptyCorpusError
from llm_notes.data.tasks import territory_names
from llm_notes.data.tasks.messages import MissingExtraError
from llm_notes.data.tasks.territory_names import (
    NamePair,
    languages,
    name_pairs,
    names,
    split_codes,
)


def test_a_language_names_territories_and_languages():
    chinese, french = names("zh"), names("fr", "language")
    assert (chinese["FR"], chinese["001"]) == ("法国", "世界")
    assert (french["zh"], french["fi"]) == ("chinois", "finnois")
    assert list(chinese) == sorted(chinese)


def test_a_script_has_names_of_its_own():
    assert names("zh_Hant")["DE"] == "德國"
    assert names("zh")["DE"] == "德国"


@pytest.mark.parametrize("kind", ["territory", "language"])
def test_codes_of_nothing_are_left_out(kind):
    assert not {"ZZ", "XA", "XB", "root", "und"} & set(names("en", kind))


def test_hundreds_of_languages_have_many_names():
    many = languages()
    assert len(many) > 200
    assert min(many.values()) >= 100
    assert many["zh"] == len(names("zh"))
    assert "zh_Hant" not in many
    assert list(many) == sorted(many)
    assert len(languages(min_names=250)) < len(many)
    assert len(languages("language", 100)) > 120


def test_pairs_name_the_same_thing_in_two_languages():
    pairs = name_pairs("en", "zh")
    assert NamePair("FR", "France", "法国") in pairs
    assert [pair.code for pair in pairs] == sorted(pair.code for pair in pairs)
    assert {pair.code for pair in pairs} <= set(names("en")) & set(names("zh"))
    assert NamePair("ja", "Japanese", "日语") in name_pairs("en", "zh", "language")


def test_names_that_are_the_same_are_kept_only_on_demand():
    assert all(pair.source != pair.target for pair in name_pairs("en", "de"))
    kept = name_pairs("en", "de", keep_identical=True)
    assert NamePair("AO", "Angola", "Angola") in kept
    assert {pair.code for pair in kept} == set(names("en")) & set(names("de"))


def test_codes_are_held_out_in_every_language():
    codes = [*names("en"), *names("zh"), "FR"]
    train, test = split_codes(codes, 0.2, seed=1)
    assert sorted(train + test) == sorted(set(codes))
    assert len(test) / len(set(codes)) == pytest.approx(0.2, abs=0.02)
    assert split_codes(reversed(codes), 0.2, seed=1) == (train, test)
    assert split_codes(codes, 0.2, seed=2) != (train, test)


def test_a_split_of_one_code_is_refused():
    with pytest.raises(EmptyCorpusError):
        split_codes(["FR", "FR"])


@pytest.mark.parametrize("code", ["xx", "English", "zh-Hant"])
def test_an_unknown_language_is_refused(code):
    with pytest.raises(ValueError, match=f"no language '{code}'"):
        names(code)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"kind is 'city'.*territory, language"):
        name_pairs("en", "zh", "city")


def test_without_babel_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "babel.localedata", None)
    territory_names._locales.cache_clear()
    with pytest.raises(MissingExtraError, match=r"llm-notes.book"):
        names("zh")
    territory_names._locales.cache_clear()
