import re
from collections import Counter
from dataclasses import FrozenInstanceError, replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from llm_notes.data.tasks.reviews import (
    DOMAINS,
    FIELDS,
    LABELS,
    Review,
    reviews,
    split_reviews,
    stratum,
)
from llm_notes.data.tasks.splits import LANGUAGES

HAN = re.compile(r"[\u4e00-\u9fff]")
LATIN_WORD = re.compile(r"[a-z0-9'é]+")


def words(review):
    """English words, or Chinese characters: what the length is counted in."""
    pattern = HAN if review.language == "zh" else LATIN_WORD
    return pattern.findall(review.text.lower())


def features(review):
    """What a bag-of-words model sees: words; for Chinese, characters and pairs."""
    units = words(review)
    if review.language == "en":
        return set(units)
    return set(units) | {a + b for a, b in pairwise(units)}


def bags(examples):
    """(presence of each feature [N, V], is it praise [N])."""
    found = [features(review) for review in examples]
    place = {name: i for i, name in enumerate(sorted(set().union(*found)))}
    present = np.zeros((len(examples), len(place)))
    for row, names in zip(present, found, strict=True):
        row[[place[name] for name in names]] = 1
    return present, np.array([review.label == "positive" for review in examples])


def naive_bayes_hits(examples, n_folds=10, n_repeats=5):
    """How often each review is classified rightly when it is held out [N]."""
    present, praise = bags(examples)
    hits = np.zeros(len(examples))
    for repeat in range(n_repeats):
        fold = np.random.default_rng(repeat).permutation(len(examples)) % n_folds
        for k in range(n_folds):
            train = fold != k
            logs = []
            for side in (praise, ~praise):
                counts = 1 + present[train & side].sum(axis=0)
                prior = np.log((train & side).sum())
                logs.append(prior + present @ np.log(counts / counts.sum()))
            hits += ~train & ((logs[0] > logs[1]) == praise)
    return hits / n_repeats


def five_grams(text):
    text = text.lower()
    return {text[i : i + 5] for i in range(max(1, len(text) - 4))}


@pytest.mark.parametrize(("language", "n"), [("en", 440), ("zh", 400)])
def test_each_language_has_its_reviews_half_of_them_praise(language, n):
    found = reviews(language)
    assert len(found) >= n
    n_praise = sum(review.label == "positive" for review in found)
    assert abs(n_praise / len(found) - 0.5) < 0.01


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_domain_has_its_share_half_of_it_praise(language):
    sizes = Counter(review.domain for review in reviews(language))
    assert sizes.keys() == set(DOMAINS)
    assert min(sizes.values()) >= 20
    assert max(sizes.values()) - min(sizes.values()) <= 2
    for domain in DOMAINS:
        labels = Counter(r.label for r in reviews(language) if r.domain == domain)
        assert abs(labels["positive"] - labels["negative"]) <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_about_a_fifth_is_hard_whatever_the_label(language):
    for label in LABELS:
        of_label = [review for review in reviews(language) if review.label == label]
        assert 0.15 < sum(review.hard for review in of_label) / len(of_label) < 0.3


def test_ids_are_unique_and_say_language_and_domain():
    assert len({review.id for review in reviews()}) == len(reviews())
    for review in reviews():
        start = f"{review.language}-{review.domain}-"
        assert re.fullmatch(re.escape(start) + r"\d\d", review.id)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_review_is_a_near_copy_of_another(language):
    grams = [(r.id, five_grams(r.text)) for r in reviews(language)]
    for (first, a), (second, b) in combinations(grams, 2):
        assert len(a & b) / len(a | b) < 0.3, (first, second)


def test_languages_are_what_they_say():
    for review in reviews():
        n_han = len(HAN.findall(review.text))
        n_latin = len(re.findall(r"[A-Za-z]", review.text))
        if review.language == "zh":
            assert n_han > 0.95 * (n_han + n_latin), review.id
            assert not re.search(r"[,;:?!]", review.text), review.id  # but ，；：？！
        else:
            assert n_han == 0 < n_latin, review.id


@pytest.mark.parametrize(
    ("language", "shortest", "longest"), [("en", 5, 60), ("zh", 6, 110)]
)
def test_lengths_vary_and_do_not_give_the_label_away(language, shortest, longest):
    lengths = np.array([len(words(review)) for review in reviews(language)])
    assert lengths.min() >= shortest
    assert lengths.max() <= longest
    assert np.quantile(lengths, 0.95) > 4 * np.quantile(lengths, 0.05)
    praise = np.array([review.label == "positive" for review in reviews(language)])
    assert 0.8 < lengths[praise].mean() / lengths[~praise].mean() < 1.25
    for bound in range(lengths.min(), lengths.max()):
        assert 0.4 < ((lengths > bound) == praise).mean() < 0.6


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_tidy_and_do_not_name_their_label(language):
    for review in reviews(language):
        assert review.text == review.text.strip()
        assert not re.search(r"\s\s|\n", review.text), review.id
        named = r"\b(positive|negative|stars?)\b|好评|差评|[一二三四五]星|正面|负面"
        assert not re.search(named, review.text.lower()), review.id


@pytest.mark.parametrize(("language", "n_units"), [("en", 1), ("zh", 2)])
def test_no_opening_is_worn_out(language, n_units):
    openings = Counter(tuple(words(r)[:n_units]) for r in reviews(language))
    assert openings.most_common(1)[0][1] < 0.12 * len(reviews(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_single_word_decides(language):
    present, praise = bags(reviews(language))
    agreement = (present == praise[:, None]).mean(axis=0)
    assert np.maximum(agreement, 1 - agreement).max() < 0.7


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_tell_something_and_not_everything(language):
    hits = naive_bayes_hits(reviews(language))
    assert 0.65 < hits.mean() < 0.9


@pytest.mark.parametrize("language", LANGUAGES)
def test_hard_reviews_are_hard_for_whoever_counts_words(language):
    hits = naive_bayes_hits(reviews(language))
    hard = np.array([review.hard for review in reviews(language)])
    assert hits[hard].mean() < 0.65 < 0.7 < hits[~hard].mean()


def test_no_language_means_both_and_the_file_is_read_once():
    assert reviews() == reviews("en") + reviews("zh")
    for language in (None, *LANGUAGES):
        assert isinstance(reviews(language), tuple)
    assert reviews() is reviews(None)


def test_a_language_gives_its_own_reviews_only():
    for language in LANGUAGES:
        assert {review.language for review in reviews(language)} == {language}


@pytest.mark.parametrize("language", ["fr", "ZH", "", ["zh"]])
def test_an_unknown_language_is_refused_by_name(language):
    message = f"{re.escape(repr(language))}.*'en' and 'zh'"
    for function in (reviews, split_reviews):
        with pytest.raises(ValueError, match=message):
            function(language)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"language": "de"}, "language is 'de'.*'en' and 'zh'"),
        ({"domain": "cars"}, "en-films-01: domain is 'cars'.*apps, books"),
        ({"label": "mixed"}, "en-films-01: label is 'mixed'.*negative, positive"),
    ],
)
def test_a_review_of_an_unknown_kind_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(reviews("en")[0], **change)


def test_a_review_cannot_be_changed():
    assert list(FIELDS) == list(Review.__dataclass_fields__)
    with pytest.raises(FrozenInstanceError):
        reviews()[0].label = "negative"


@pytest.mark.parametrize("language", [None, *LANGUAGES])
@pytest.mark.parametrize("validation_share", [0.1, 0.2, 0.37])
def test_a_split_parts_the_reviews_without_overlap(language, validation_share):
    for seed in range(5):
        train, validation = split_reviews(language, validation_share, seed)
        ids = [review.id for review in train + validation]
        assert sorted(ids) == sorted(review.id for review in reviews(language))
        assert abs(len(validation) - validation_share * len(ids)) <= 1


@pytest.mark.parametrize("validation_share", [0.1, 0.2, 0.37])
def test_a_split_keeps_labels_languages_and_domains(validation_share):
    for seed in range(5):
        parts = split_reviews(validation_share=validation_share, seed=seed)
        for part, share in zip(
            parts, (1 - validation_share, validation_share), strict=True
        ):
            # A domain is in two runs, easy and hard, each of which may be rounded.
            for n_names, slack in ((1, 1), (2, 1), (3, 1), (4, 1)):
                kept = Counter(stratum(review)[:n_names] for review in part)
                whole = Counter(stratum(review)[:n_names] for review in reviews())
                for name, n in whole.items():
                    assert abs(kept[name] - share * n) <= slack, name


def test_hard_reviews_of_each_kind_are_on_both_sides():
    for seed in range(10):
        for part in split_reviews(seed=seed):
            kinds = {(r.language, r.label) for r in part if r.hard}
            assert len(kinds) == 4


def test_the_seed_alone_decides_the_split():
    assert split_reviews("en", seed=3) == split_reviews("en", seed=3)
    assert split_reviews("en", seed=3) != split_reviews("en", seed=4)


@pytest.mark.parametrize("validation_share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_that_is_none_is_refused(validation_share):
    with pytest.raises(ValueError, match="between 0 and 1"):
        split_reviews("zh", validation_share)
