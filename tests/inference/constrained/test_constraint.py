"""Untrained models under a constraint write what parses, at any temperature."""

import itertools
import json
import re

import jsonschema
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.tokenizers import (
    BytePairTokenizer,
    CharacterTokenizer,
    UnigramTokenizer,
    WordPieceTokenizer,
    WordTokenizer,
)
from llm_notes.inference.constrained import (
    Constraint,
    ConstraintProcessor,
    PatternError,
    generate_constrained,
    json_schema,
    regular_expression,
)
from llm_notes.inference.constrained.processor import keep_allowed
from llm_notes.inference.decoder import left_padded
from llm_notes.inference.generate import generate
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel

END = "<end>"
TEXT = (
    '{"name": "日é", "tags": [1, 2], "ok": true} the cat sat on 2024 - 0123456789 a b'
)
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 4},
        "tags": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        "child": {"$ref": "#"},
    },
    "required": ["name"],
    "additionalProperties": False,
}


def tokenizers() -> dict:
    return {
        "characters": CharacterTokenizer.train(TEXT, [END]),
        "byte pairs": BytePairTokenizer.train(TEXT * 3, 280, [END]),
        "unigram": UnigramTokenizer.train(TEXT * 3, 310, [END]),
        "word pieces": WordPieceTokenizer.train(TEXT, 70, ["[UNK]", END]),
        "words": WordTokenizer.train(TEXT, 60, ["[UNK]", END]),
    }


TOKENIZERS = tokenizers()


def gpt(vocab_size: int) -> GPT:
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size, 64, n_layers=1, n_heads=1, d_model=8))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(10)
    return model.eval()


def texts(kind: str, automaton, n_seeds: int, max_new_tokens: int, **options):
    tokenizer = TOKENIZERS[kind]
    constraint = Constraint(automaton, tokenizer, tokenizer.special_ids[END])
    model = gpt(tokenizer.vocab_size)
    for seed in range(n_seeds):
        yield generate_constrained(
            model,
            tokenizer,
            "the cat",
            constraint,
            max_new_tokens,
            temperature=0.5 + seed,
            seed=seed,
            **options,
        )


@pytest.mark.parametrize("kind", ["characters", "byte pairs", "unigram"])
def test_a_schema_is_kept_by_every_tokenizer(kind):
    automaton = json_schema(SCHEMA, whitespace=" ?")
    written = set()
    for max_new_tokens in (14, 30):
        for text in texts(kind, automaton, 8, max_new_tokens):
            jsonschema.validate(json.loads(text), SCHEMA)
            written.add(text)
    assert len(written) > 3


@pytest.mark.parametrize("kind", ["words", "word pieces"])
def test_tokenizers_that_put_spaces_between_words_need_room_for_them(kind):
    schema = {"type": "array", "items": {"enum": [True, 1, 2]}, "minItems": 1}
    written = set(texts(kind, json_schema(schema, whitespace=" ?"), 8, 12))
    assert len(written) > 3
    assert any(" " in text for text in written)
    for text in written:
        jsonschema.validate(json.loads(text), schema)
    with pytest.raises(PatternError, match="can be written"):
        next(texts(kind, json_schema(schema), 1, 12))


@pytest.mark.parametrize("kind", ["characters", "byte pairs", "unigram"])
@pytest.mark.parametrize(
    "pattern", [r"(\d{2}|é+|日)-[^a]*", r"(cat|the cat)( sat)?", r"[^ -~]{1,4}"]
)
def test_a_pattern_is_matched_whole(kind, pattern):
    for text in texts(kind, regular_expression(pattern), 10, 9):
        assert re.fullmatch(pattern, text, re.ASCII)


def test_without_closing_a_text_that_is_cut_off_is_a_beginning_of_one_that_matches():
    automaton = regular_expression("[ab ]{20}")
    found = list(texts("characters", automaton, 4, 6, close=False))
    assert all(re.fullmatch("[ab ]{6}", text) for text in found)
    with pytest.raises(ValueError, match="shortest text that matches has 20 tokens"):
        next(texts("characters", automaton, 1, 6))


def test_without_an_end_token_text_goes_on_while_it_can():
    tokenizer = CharacterTokenizer.train("abcd")
    model = gpt(tokenizer.vocab_size)

    def written(pattern):
        constraint = Constraint(regular_expression(pattern), tokenizer)
        return generate_constrained(model, tokenizer, "a", constraint, 7)

    assert re.fullmatch("[ab]{7}", written("[ab]+"))
    assert written("abc") == "abc"
    assert re.fullmatch("(ab){3}", written("(ab)*"))  # seven cannot be closed


class FakeTokenizer(WordPieceTokenizer):
    """Any vocabulary: each token writes its own text."""

    def __init__(self, texts):
        super().__init__([*texts, "[UNK]"], ["[UNK]"], lower_case=False)

    def _decode(self, token_ids):
        return "".join(self.vocabulary[i] for i in token_ids)


def allowed_texts(constraint, vocabulary, state, n_left=None):
    mask = constraint.allowed(state, n_left)
    assert not mask[len(vocabulary) :].any()
    return {vocabulary[i] for i in mask.nonzero().flatten().tolist()}


def test_a_token_after_which_the_vocabulary_cannot_finish_is_not_allowed():
    vocabulary = ["a", "ab", "x", "xy", "q"]
    tokenizer = FakeTokenizer(vocabulary)
    # From "a", the b of "ab" cannot be written: there is no token for it.
    constraint = Constraint(regular_expression("ab|xyq|xq"), tokenizer)
    start = constraint.start
    assert allowed_texts(constraint, vocabulary, start) == {"ab", "x", "xy"}
    assert constraint.shortest == 1
    with pytest.raises(PatternError, match="can be written with the 6 tokens"):
        Constraint(regular_expression("az|b"), tokenizer)


def test_the_budget_allows_only_what_can_be_closed_in_time():
    vocabulary = ["(", ")", "()", "x"]
    constraint = Constraint(
        regular_expression(r"\(x*\)|\(\(x*\)\)"), FakeTokenizer(vocabulary)
    )
    start = constraint.start
    assert allowed_texts(constraint, vocabulary, start, 1) == {"()"}
    assert allowed_texts(constraint, vocabulary, start, 2) == {"()", "("}
    opened = constraint.step(start, 0)
    assert allowed_texts(constraint, vocabulary, opened, 1) == {")"}
    # "()" inside needs one more token to close what is outside.
    assert allowed_texts(constraint, vocabulary, opened, 2) == {")", "()", "x"}
    assert allowed_texts(constraint, vocabulary, opened, 3) == {"(", ")", "()", "x"}
    assert allowed_texts(constraint, vocabulary, opened) == {"(", ")", "()", "x"}
    assert constraint.step(opened, 4) == 0  # a special token writes nothing


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.text("ab", min_size=1, max_size=3), min_size=1, max_size=5, unique=True
    ),
    st.sampled_from(["(ab)*a", "a{2,3}b|b", "(a|b)*abb", "b*(aa)+", "[ab]{4}"]),
    st.integers(1, 3),
)
def test_masks_are_those_of_trying_every_continuation(vocabulary, pattern, n_left):
    def completes(text, n_tokens):
        return any(
            re.fullmatch(pattern, text + "".join(more))
            for n in range(n_tokens + 1)
            for more in itertools.product(vocabulary, repeat=n)
        )

    try:
        constraint = Constraint(regular_expression(pattern), FakeTokenizer(vocabulary))
    except PatternError:
        assert not completes("", 4)
        return
    assert (constraint.shortest <= n_left) == completes("", n_left)
    for first in range(len(vocabulary)):
        state = constraint.step(constraint.start, first)
        expected = {
            token
            for token in vocabulary
            if completes(vocabulary[first] + token, n_left - 1)
        }
        found = allowed_texts(constraint, vocabulary, state, n_left)
        assert found == expected


def test_the_end_is_allowed_where_the_text_is_complete_and_nowhere_else():
    tokenizer = TOKENIZERS["characters"]
    end = tokenizer.special_ids[END]
    constraint = Constraint(regular_expression("a(bb)?"), tokenizer, end)
    a, b = tokenizer.encode("ab")
    state = constraint.start
    for token_id, complete in ((a, True), (b, False), (b, True)):
        state = constraint.step(state, token_id)
        assert constraint.accepts(state) == complete
        assert bool(constraint.allowed(state)[end]) == complete
    assert constraint.allowed(state).sum() == 1
    endless = Constraint(regular_expression("a"), tokenizer)
    assert not endless.allowed(endless.step(endless.start, a)).any()


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_special_tokens_write_nothing_even_where_their_names_match(kind):
    tokenizer = TOKENIZERS[kind]
    constraint = Constraint(regular_expression(r"[^\n]*"), tokenizer)
    special = list(tokenizer.special_ids.values())
    first = constraint.allowed(constraint.start)
    later = constraint.allowed(
        constraint.step(constraint.start, int(first.nonzero()[0]))
    )
    for mask in (first, later):
        assert mask.any()
        assert not mask[special].any()


def test_an_ordinary_token_can_be_the_end():
    tokenizer = CharacterTokenizer.train("ab\n")
    newline = tokenizer.encode("\n")[0]
    constraint = Constraint(regular_expression("[^b]*"), tokenizer, newline)
    mask = constraint.allowed(constraint.start)
    assert mask[newline]
    assert constraint.step(constraint.start, newline) == 0


def test_allowed_tokens_keep_the_models_odds():
    logits = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[True, False, True, True], [False, True, False, True]])
    kept = keep_allowed(logits, mask)
    assert kept.shape == logits.shape
    for row in range(2):
        allowed = mask[row].nonzero().flatten()
        before = logits[row].softmax(-1)[allowed]
        after = kept[row].softmax(-1)
        torch.testing.assert_close(after[allowed], before / before.sum())
        assert after.sum() == pytest.approx(1)
        assert after[allowed].sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="3 logits and the tokenizer 4 tokens"):
        keep_allowed(logits[:, :3], mask)


def run_processor(processor, n_rows, prompt, n_new, seed=0, shuffle=False):
    generator = torch.Generator().manual_seed(seed)
    token_ids = prompt.expand(n_rows, -1)
    for _ in range(n_new):
        logits = 3 * torch.randn(
            n_rows, processor.constraint.vocab_size, generator=generator
        )
        drawn = torch.multinomial(
            processor(token_ids, logits).softmax(-1), 1, generator=generator
        )
        token_ids = torch.cat([token_ids, drawn], dim=1)
        if shuffle:
            token_ids = token_ids[torch.randperm(n_rows, generator=generator)]
    return token_ids[:, prompt.size(1) :]


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_processor_constrains_each_row_and_follows_rows_that_move(shuffle):
    tokenizer = TOKENIZERS["byte pairs"]
    end = tokenizer.special_ids[END]
    pattern = r"(é\d|cat sat){1,3}"
    constraint = Constraint(regular_expression(pattern), tokenizer, end)
    prompt = torch.tensor([tokenizer.encode("the")])
    for seed in range(4):
        processor = ConstraintProcessor(constraint, prompt.size(1), max_new_tokens=11)
        for row in run_processor(processor, 5, prompt, 11, seed, shuffle).tolist():
            n_text = row.index(end) if end in row else len(row)
            assert set(row[n_text:]) <= {end}
            assert re.fullmatch(pattern, tokenizer.decode(row[:n_text]))


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_a_processor_begins_where_nothing_is_written(kind):
    tokenizer = TOKENIZERS[kind]
    end = tokenizer.special_ids[END]
    constraint = Constraint(regular_expression("[a-z]+( [a-z]+)*"), tokenizer, end)
    processor, state = ConstraintProcessor(constraint, 1), constraint.start
    token_ids = torch.tensor([[0]])
    for _ in range(3):
        logits = processor(token_ids, torch.zeros(1, tokenizer.vocab_size))
        allowed = constraint.allowed(state)
        assert logits[0].isfinite().equal(allowed)
        ordinary = allowed & (torch.arange(tokenizer.vocab_size) != end)
        token_id = int(ordinary.nonzero()[0])
        state = constraint.step(state, token_id)
        token_ids = torch.cat([token_ids, torch.tensor([[token_id]])], dim=1)


def test_a_processor_that_meets_a_text_late_reads_it_from_its_beginning():
    tokenizer = TOKENIZERS["characters"]
    end = tokenizer.special_ids[END]
    constraint = Constraint(regular_expression("(ab)+"), tokenizer, end)
    prompt, logits = [0, 0], torch.zeros(1, tokenizer.vocab_size)

    def allowed(text, *more):
        token_ids = torch.tensor([[*prompt, *tokenizer.encode(text), *more]])
        kept = ConstraintProcessor(constraint, 2)(token_ids, logits)[0]
        return kept.isfinite().nonzero().flatten().tolist()

    assert allowed("aba") == tokenizer.encode("b")
    assert set(allowed("abab")) == {*tokenizer.encode("a"), end}
    assert allowed("ab", end, end) == [end]
    with pytest.raises(ValueError, match="break the constraint"):
        allowed("abb")


@pytest.mark.parametrize("kind", ["characters", "byte pairs"])
@pytest.mark.parametrize("temperature", [0.0, 3.0])
def test_rows_of_a_batch_generated_with_a_processor_parse(kind, temperature):
    tokenizer = TOKENIZERS[kind]
    end, n_new = tokenizer.special_ids[END], 30
    constraint = Constraint(json_schema(SCHEMA, whitespace=" ?"), tokenizer, end)
    model = gpt(tokenizer.vocab_size + 1)  # one logit that no token has, as padding
    prompts, mask = left_padded([tokenizer.encode(t) for t in ("the cat", "a", "9 b")])
    written = set()
    for seed in range(3):
        found = generate(
            model,
            prompts,
            n_new,
            temperature,
            generator=torch.Generator().manual_seed(seed),
            mask=mask,
            processors=[ConstraintProcessor(constraint, prompts.size(1), n_new)],
            eos_ids=[end],
            pad_id=tokenizer.vocab_size,
        )
        for row in found[:, prompts.size(1) :].tolist():
            n_text = row.index(end) if end in row else n_new
            assert set(row[n_text + 1 :]) <= {tokenizer.vocab_size}
            text = tokenizer.decode(row[:n_text])
            jsonschema.validate(json.loads(text), SCHEMA)
            written.add((n_text, text))
    assert len(written) > (1 if temperature else 0)
    if temperature:  # rows that were over while others went on
        assert len({n for n, _ in written}) > 1


def test_a_constraint_whose_end_generation_does_not_know_is_no_loop_without_end():
    tokenizer = TOKENIZERS["characters"]
    end = tokenizer.special_ids[END]
    constraint = Constraint(regular_expression("abc"), tokenizer, end)
    prompt = torch.tensor([tokenizer.encode("the")])
    processor = ConstraintProcessor(constraint, prompt.size(1))
    found = generate(gpt(tokenizer.vocab_size), prompt, 6, processors=[processor])
    assert found[0, 3:].tolist() == [*tokenizer.encode("abc"), end, end, end]


def test_a_recurrent_model_is_constrained_too():
    tokenizer = TOKENIZERS["characters"]
    torch.manual_seed(0)
    rnn = RNNLanguageModel(RNNConfig(tokenizer.vocab_size, 6, 8)).eval()
    constraint = Constraint(regular_expression(r"(\d+ )+"), tokenizer)
    text = generate_constrained(rnn, tokenizer, "a", constraint, 90)
    assert re.fullmatch(r"(\d+ )+", text)


def test_what_cannot_work_is_refused():
    tokenizer = TOKENIZERS["characters"]
    end = tokenizer.special_ids[END]
    automaton = regular_expression("aaa")
    with pytest.raises(ValueError, match="eos_id is 999"):
        Constraint(automaton, tokenizer, 999)
    with pytest.raises(ValueError, match="has no eos_id"):
        ConstraintProcessor(Constraint(automaton, tokenizer), 1)
    constraint = Constraint(automaton, tokenizer, end)
    with pytest.raises(ValueError, match="max_new_tokens is 2"):
        ConstraintProcessor(constraint, 1, 2)
    model = gpt(tokenizer.vocab_size)
    with pytest.raises(ValueError, match="at least one token"):
        generate_constrained(model, tokenizer, "", constraint, 5)
    with pytest.raises(ValueError, match="context_length = 64"):
        generate_constrained(model, tokenizer, "a", constraint, 65)
    fits = generate_constrained(model, tokenizer, "a", constraint, 64)
    assert fits == "aaa"
    for n, close in ((0, True), (0, False), (-1, False)):
        with pytest.raises(ValueError, match=f"max_new_tokens .* {n}"):
            generate_constrained(model, tokenizer, "a", constraint, n, close=close)
    empty = Constraint(regular_expression(""), tokenizer, end)
    with pytest.raises(ValueError, match="max_new_tokens is 0"):
        generate_constrained(model, tokenizer, "a", empty, 0)
