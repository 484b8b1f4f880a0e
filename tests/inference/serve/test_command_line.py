"""The command line, and chats of tokenizers without special tokens."""

import sys

import pytest

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.serve.chat import chat_prompt, end_ids_of, template_of
from llm_notes.inference.serve.command_line import KEY_VARIABLE, load, main, parser
from llm_notes.models.layers.rotary import LinearScaling
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel
from llm_notes.training.checkpoint import CheckpointError, save_checkpoint


def test_help_teaches_and_the_server_is_local_by_default(capsys):
    assert parser().parse_args([]).host == "127.0.0.1"
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert "curl http://127.0.0.1:8000/v1/completions" in text
    assert KEY_VARIABLE in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--checkpoint", "nowhere"], "no checkpoint"),
        (["--max-tokens", "0"], "max_tokens"),
    ],
)
def test_what_cannot_be_served_is_one_line(arguments, message, capsys):
    assert main(arguments) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("package", ["fastapi", "uvicorn"])
def test_a_missing_package_is_one_line(package, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["--checkpoint", "nowhere"]) == 1
    assert "pip install 'llm-notes[serve]'" in capsys.readouterr().err


def test_a_checkpoint_is_loaded(tmp_path, tiny_gpt, tokenizer):
    save_checkpoint(tmp_path / "saved", tiny_gpt, tokenizer)
    loaded = load(str(tmp_path / "saved"))
    assert loaded.model.config == tiny_gpt.config
    assert end_ids_of(loaded.tokenizer) == {36}


def test_a_llama_is_loaded_and_other_models_are_refused(tmp_path, tokenizer):
    scaling = LinearScaling(2.0)
    config = LlamaConfig(tokenizer.vocab_size, 16, 1, 2, 1, 8, 12, rope_scaling=scaling)
    save_checkpoint(tmp_path / "llama", Llama(config), tokenizer)
    assert load(tmp_path / "llama").model.config == config
    recurrent = RNNLanguageModel(RNNConfig(tokenizer.vocab_size, 8))
    save_checkpoint(tmp_path / "rnn", recurrent, tokenizer)
    with pytest.raises(CheckpointError, match="RNNLanguageModel; served are GPT, Ll"):
        load(tmp_path / "rnn")


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--places", "0"], "n_places = 0"), (["--device", "abacus"], "abacus")],
)
def test_an_engine_that_cannot_be_is_one_line(
    options, message, tmp_path, tiny_gpt, tokenizer, capsys
):
    save_checkpoint(tmp_path / "saved", tiny_gpt, tokenizer)
    assert main(["--checkpoint", str(tmp_path / "saved"), *options]) == 1
    assert message in capsys.readouterr().err


def test_a_tokenizer_without_marks_gets_lines():
    plain = CharacterTokenizer.train("user: hi\nasitn<|>")
    assert template_of(plain) is None
    messages = [{"role": "user", "content": "hi"}]
    ids, stop = chat_prompt(messages, plain)
    assert plain.decode(ids) == "user: hi\nassistant:"
    assert stop == ("\nuser:",)
    with pytest.raises(ValueError, match="waits for an answer"):
        chat_prompt([{"role": "assistant", "content": "hi"}], plain)
