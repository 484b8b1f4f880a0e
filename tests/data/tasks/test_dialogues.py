import json
import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.batching import IGNORE, ChatTemplate, instruction_batch
from llm_notes.data.tasks import dialogues as module
from llm_notes.data.tasks.dialogues import (
    FIELDS,
    TOPICS,
    Dialogue,
    Turn,
    dialogues,
    stratum,
)
from llm_notes.data.tasks.instructions import instructions
from llm_notes.data.tasks.json_lines import parse_json_lines
from llm_notes.data.tasks.preferences import preferences
from llm_notes.data.tasks.splits import stratified_split

LANGUAGES = ("en", "zh")
HAN = re.compile(r"[\u4e00-\u9fff]")
LATIN_WORD = re.compile(r"[A-Za-z]+")
GOOD = {
    "id": "en-001",
    "language": "en",
    "topic": "travel",
    "turns": [
        {"role": "user", "text": "Where to?"},
        {"role": "assistant", "text": "North."},
        {"role": "user", "text": "And then?"},
        {"role": "assistant", "text": "Back."},
    ],
}


def han_share(text):
    """Chinese characters among Chinese characters and Latin words."""
    n_han, n_latin = len(HAN.findall(text)), len(LATIN_WORD.findall(text))
    return n_han / max(1, n_han + n_latin)


def without_code(text):
    return re.sub(r"`[^`]*`", "", text)


def whole(dialogue):
    return "\n".join(turn.text for turn in dialogue.turns)


def five_grams(text):
    text = text.lower()
    return {text[i : i + 5] for i in range(max(1, len(text) - 4))}


def similarity(a, b):
    """Jaccard similarity of two sets."""
    return len(a & b) / len(a | b)


@pytest.fixture
def read_from(monkeypatch):
    """Put lines of one's own in place of the file."""

    def put(*rows):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        monkeypatch.setattr(
            module,
            "read_json_lines",
            lambda name, fields: parse_json_lines(text, fields, name),
        )
        module._read.cache_clear()

    yield put
    module._read.cache_clear()


@pytest.mark.parametrize(("language", "fewest"), [("en", 45), ("zh", 42)])
def test_each_language_has_enough_dialogues_of_each_topic(language, fewest):
    found = dialogues(language)
    assert len(found) >= fewest
    topics = Counter(each.topic for each in found)
    assert topics.keys() == set(TOPICS)
    assert min(topics.values()) >= 3
    assert max(topics.values()) <= 6


def test_no_language_means_both_and_the_file_is_read_once():
    assert dialogues() == dialogues("en") + dialogues("zh")
    for language in (None, *LANGUAGES):
        assert isinstance(dialogues(language), tuple)
    assert dialogues() is dialogues(None)


@pytest.mark.parametrize("language", ["fr", "EN", "", ["en"]])
def test_an_unknown_language_is_refused_by_name(language):
    with pytest.raises(ValueError, match=f"{re.escape(repr(language))}.*'en' and 'zh'"):
        dialogues(language)


def test_ids_are_unique_and_name_the_language():
    found = dialogues()
    assert len({each.id for each in found}) == len(found)
    for each in found:
        assert re.fullmatch(rf"{each.language}-\d{{3}}", each.id)
    assert list(FIELDS) == list(vars(found[0]))


def test_user_and_assistant_alternate_over_four_to_ten_turns():
    lengths = Counter()
    for each in dialogues():
        roles = [message["role"] for message in each.messages()]
        assert roles[::2] == ["user"] * len(roles[::2])
        assert roles[1::2] == ["assistant"] * len(roles[1::2])
        assert len(roles[::2]) == len(roles[1::2])
        lengths[len(roles)] += 1
    assert set(lengths) == {4, 6, 8, 10}


def test_turns_are_read_in_order_with_their_text():
    first = dialogues("en")[0]
    messages = first.messages()
    assert messages[0] == {"role": "user", "content": first.turns[0].text}
    assert first.turns[0].text.startswith("Hi, I ordered a kettle")
    assert [m["content"] for m in messages] == [turn.text for turn in first.turns]
    assert any("床前明月光" in whole(each) for each in dialogues("zh"))


def test_messages_are_what_a_chat_template_takes():
    roles = {"user": 256, "assistant": 257}
    batch = instruction_batch(
        [each.messages() for each in dialogues()[:2]],
        ChatTemplate(roles, 258),
        lambda text: list(text.encode()),
        context_length=10_000,
        pad_id=0,
    )
    for each, targets in zip(dialogues(), batch.targets, strict=False):
        learned = targets[targets != IGNORE].tolist()
        assert learned == [
            token
            for turn in each.turns
            if turn.role == "assistant"
            for token in [*turn.text.encode(), 258]
        ]


def test_turns_have_three_to_seventy_words_or_their_like():
    for each in dialogues():
        for text in (turn.text for turn in each.turns):
            n_han, n_words = len(HAN.findall(text)), len(text.split())
            n = n_han if each.language == "zh" else n_words
            # A Chinese word has about one and a half characters.
            assert 3 <= n <= (105 if each.language == "zh" else 70), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_dialogues_are_alike(language):
    texts = [whole(each) for each in dialogues(language)]
    grams = [five_grams(text) for text in texts]
    for i, one in enumerate(grams):
        for j in range(i):
            assert similarity(one, grams[j]) < 0.25, (texts[i], texts[j])


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_turn_is_repeated_in_another_dialogue(language):
    turns = [turn.text for each in dialogues(language) for turn in each.turns]
    assert len(set(turns)) == len(turns)


@pytest.mark.parametrize("language", LANGUAGES)
def test_dialogues_do_not_repeat_the_other_sets(language):
    openings = [five_grams(each.turns[0].text) for each in dialogues(language)]
    others = [e.prompt for e in instructions(language)]
    others += [p.prompt for p in preferences(language)]
    for grams in map(five_grams, others):
        assert all(similarity(grams, opening) < 0.5 for opening in openings)


def test_turns_are_in_the_language_that_they_claim():
    for each in dialogues():
        text = without_code(whole(each))
        if each.language == "en":
            assert han_share(text) == 0, each.id
        else:
            assert han_share(text) > 0.8, each.id
            for turn in each.turns:
                assert han_share(turn.text) > 0.4, turn


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", [0, 1], ids=["question", "answer"])
def test_openings_vary(language, place):
    """Fewer than a tenth of the dialogues share two words or two characters."""
    texts = [each.turns[place].text.lower() for each in dialogues(language)]
    openings = Counter(
        text[:2] if language == "zh" else " ".join(text.split()[:2]) for text in texts
    )
    assert max(openings.values()) < len(texts) / 10, openings.most_common(3)


def test_a_split_keeps_every_dialogue_once_and_in_order():
    found = dialogues()
    train, validation = stratified_split(found, stratum, validation_share=0.2, seed=5)
    held_out = {each.id for each in validation}
    assert train == [each for each in found if each.id not in held_out]
    assert validation == [each for each in found if each.id in held_out]
    assert len(held_out) == len(validation) == pytest.approx(0.2 * len(found), abs=1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from([0.1, 0.25, 0.5]))
def test_a_split_keeps_languages_and_topics_in_proportion(seed, share):
    found = dialogues()
    train, validation = stratified_split(found, stratum, share, seed)
    assert (train, validation) == stratified_split(found, stratum, share, seed)
    assert not {each.id for each in train} & {each.id for each in validation}
    for name in (
        lambda each: each.language,
        lambda each: (each.language, each.topic),
    ):
        held_out = Counter(map(name, validation))
        for key, n in Counter(map(name, found)).items():
            assert abs(held_out[key] - share * n) < 1 + 1e-9, key


def test_another_seed_holds_out_other_dialogues():
    splits = [stratified_split(dialogues(), stratum, seed=seed) for seed in range(3)]
    assert len({tuple(each.id for each in held) for _, held in splits}) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"language": "de"}, "'de'.*'en' and 'zh'"),
        ({"topic": "sing"}, "en-001: topic is 'sing'.*travel"),
        ({"turns": ()}, "en-001: the roles are none; .* the user begins"),
        ({"turns": (Turn("assistant", "Yes."),)}, "the roles are assistant; .*begins"),
        (
            {"turns": (Turn("user", "Well?"), Turn("user", "Then?"))},
            "the roles are user, user; .* alternate",
        ),
        (
            {"turns": (Turn("user", "A"), Turn("assistant", "B"), Turn("user", "C"))},
            "assistant ends",
        ),
    ],
)
def test_a_dialogue_that_breaks_the_rules_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(dialogues("en")[0], **change)


@pytest.mark.parametrize(
    ("role", "text", "message"),
    [
        ("system", "Hello.", "'system'.*'user' or 'assistant'"),
        ("user", "", "text is ''"),
        ("user", None, "text is None"),
        ("user", " Hello.", "space around"),
        ("user", "Hello.\n", "space around"),
    ],
)
def test_a_turn_that_breaks_the_rules_is_refused(role, text, message):
    with pytest.raises(ValueError, match=message):
        Turn(role, text)


def test_turns_become_a_dialogue(read_from):
    read_from(GOOD)
    pairs = [("user", "Where to?"), ("assistant", "North.")]
    pairs += [("user", "And then?"), ("assistant", "Back.")]
    assert dialogues() == (
        Dialogue("en-001", "en", "travel", tuple(Turn(r, t) for r, t in pairs)),
    )
    assert dialogues()[0].messages() == [
        {"role": role, "content": text} for role, text in pairs
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"language": "de"}, "'de'"),
        ({"topic": "sing"}, "'sing'"),
        ({"turns": "no"}, "turns is 'no'"),
        ({"turns": []}, "roles are none"),
        ({"turns": ["hello"]}, "turn 'hello'"),
        ({"turns": [{"role": "user"}]}, "exactly a role and a text"),
        ({"turns": [{"role": "user", "text": "A", "mood": "x"}]}, "exactly a role"),
        ({"turns": [{"role": "bot", "text": "A"}]}, "'bot'"),
        ({"turns": [{"role": "user", "text": 3}]}, "text is 3"),
        ({"turns": GOOD["turns"][:3]}, "assistant ends"),
    ],
)
def test_a_damaged_line_is_named(read_from, change, message):
    damaged = GOOD | {"id": "en-002"} | change
    read_from(GOOD, damaged)
    with pytest.raises(
        ValueError, match=rf"dialogues\.jsonl, line 2: .*{re.escape(message)}"
    ):
        dialogues()


def test_an_id_that_occurs_twice_is_refused(read_from):
    read_from(GOOD, GOOD)
    with pytest.raises(ValueError, match=r"line 2: id 'en-001' stands on line 1"):
        dialogues()
