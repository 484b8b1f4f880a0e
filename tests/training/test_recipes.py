"""The shared GPT is trained once, found again, and trained anew when it must be."""

from dataclasses import replace

import pytest

from llm_notes.data.corpus import Corpus
from llm_notes.training import recipes


@pytest.fixture(autouse=True)
def small_recipe(monkeypatch, tmp_path):
    """The same code on a short text, so that a run takes a moment."""
    monkeypatch.setenv("LLM_NOTES_HOME", str(tmp_path))
    line = "The quick brown fox jumps over the lazy dog. "
    corpus = Corpus("tiny", train=line * 40, validation=line * 20)
    monkeypatch.setattr(recipes, "python_reference", lambda: corpus)
    model = replace(recipes.BOOK_GPT, vocab_size=270, context_length=16, d_model=8)
    training = replace(recipes.BOOK_GPT_TRAINING, n_steps=6, n_warmup=2)
    monkeypatch.setattr(recipes, "BOOK_GPT", model)
    monkeypatch.setattr(recipes, "BOOK_GPT_TRAINING", training)
    return corpus


def weights(checkpoint) -> dict:
    return {k: v.clone() for k, v in checkpoint.model.state_dict().items()}


def test_the_model_is_trained_once_and_found_again(capsys):
    first = recipes.book_gpt()
    assert "Training the book's GPT anew" in capsys.readouterr().out
    second = recipes.book_gpt()
    assert capsys.readouterr().out == ""
    assert all(weights(second)[k].equal(v) for k, v in weights(first).items())
    assert second.history["validation_steps"] == [0, 6]
    assert second.tokenizer.encode("lazy") == first.tokenizer.encode("lazy")


def test_two_runs_of_one_recipe_make_the_same_files():
    recipes.book_gpt()
    files = sorted(recipes.book_gpt_path().iterdir())
    before = [file.read_bytes() for file in files]
    for file in files:
        file.unlink()
    recipes.book_gpt()
    assert [file.read_bytes() for file in files] == before


@pytest.mark.parametrize("what", ["recipe", "text"])
def test_another_recipe_or_text_is_trained_anew(
    monkeypatch, capsys, small_recipe, what
):
    before = weights(recipes.book_gpt())
    if what == "recipe":
        changed = replace(recipes.BOOK_GPT_TRAINING, learning_rate=1e-4)
        monkeypatch.setattr(recipes, "BOOK_GPT_TRAINING", changed)
    else:
        other = replace(small_recipe, validation=small_recipe.train)
        monkeypatch.setattr(recipes, "python_reference", lambda: other)
    capsys.readouterr()
    after = weights(recipes.book_gpt())
    assert "another recipe or from another text" in capsys.readouterr().out
    if what == "recipe":
        assert not after["final_norm.weight"].equal(before["final_norm.weight"])


def test_a_damaged_checkpoint_is_trained_anew(capsys):
    recipes.book_gpt()
    (recipes.book_gpt_path() / "weights.safetensors").write_bytes(b"cut")
    capsys.readouterr()
    recipes.book_gpt()
    assert "cut short" in capsys.readouterr().out
