import pytest

from llm_notes.data.tasks.facts import Fact, facts, holds
from llm_notes.data.tasks.questions import QUESTIONS, passages, questions


def test_a_distractor_is_never_true_and_the_answer_is():
    about = facts()[::7]
    for fact, question in zip(about, questions(about), strict=True):
        assert question.answer == fact.object
        assert fact.object in question.answers
        assert len(set(question.distractors)) == 3
        assert fact.subject in question.text
        assert question.text.endswith("?")
        for wrong in question.distractors:
            assert not holds(fact.subject, fact.relation, wrong)


@pytest.mark.parametrize(
    ("fact", "answers"),
    [
        (Fact("dumps", "function_in", "json"), {"json"}),
        (Fact("dict", "has_method", "keys"), {"keys", "items", "values"}),
        (Fact("collections.Counter", "has_method", "total"), {"total", "keys"}),
        (
            Fact("FloatingPointError", "kind_of_error", "ArithmeticError"),
            {"ArithmeticError", "Exception", "BaseException"},
        ),
    ],
)
def test_all_right_answers_are_listed_and_no_others(fact, answers):
    (question,) = questions([fact])
    assert answers <= set(question.answers)
    assert all(holds(fact.subject, fact.relation, each) for each in question.answers)
    known = {each.object for each in facts() if each.relation == fact.relation}
    for other in known - set(question.answers):
        assert not holds(fact.subject, fact.relation, other)


def test_choices_hold_the_answer_at_a_place_that_the_seed_decides():
    made = questions(
        [f for f in facts() if f.relation == "kind_of_error"], n_distractors=3
    )
    places = [question.choices().index(question.answer) for question in made]
    assert {places.count(place) > len(made) // 10 for place in range(4)} == {True}
    assert any(question.choices(0) != question.choices(1) for question in made)
    assert all(len(question.choices()) == 4 for question in made)


def test_questions_repeat_with_the_seed():
    about = facts()[:40]
    assert questions(about, seed=1) == questions(about, seed=1)
    assert questions(about, seed=1) != questions(about, seed=2)
    texts = {question.text for question in questions(about * 5)}
    assert len(texts) > len({(fact.subject, fact.relation) for fact in about})
    assert all(len(ways) > 1 for ways in QUESTIONS.values())


@pytest.mark.parametrize("n_distractors", [-1, 100_000])
def test_an_impossible_number_of_distractors_is_refused(n_distractors):
    with pytest.raises(ValueError, match=f"n_distractors is {n_distractors}"):
        questions(facts()[:1], n_distractors)


def test_a_passage_tells_its_facts_and_no_others():
    about = facts()[:20]
    told = passages(about, n_facts=3, seed=1)
    assert [len(group) for _, group in told] == [3] * 6 + [2]
    assert sorted(fact for _, group in told for fact in group) == list(about)
    for text, group in told:
        ways = [fact.sentences() for fact in group]
        rest = text
        for sentences in ways:
            (sentence,) = (s for s in sentences if rest.startswith(s))
            rest = rest[len(sentence) :].lstrip()
        assert not rest
    assert passages(about, 3, seed=1) == told != passages(about, 3, seed=2)


def test_a_passage_of_no_facts_is_refused():
    with pytest.raises(ValueError, match="n_facts is 0"):
        passages(facts(), 0)
