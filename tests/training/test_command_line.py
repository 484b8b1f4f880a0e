"""The command line trains, saves what it was asked for, and goes on."""

import json
import re
import shlex
import shutil
import signal
from dataclasses import fields

import pytest
import torch

from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.models.rnn import RNNConfig, RNNLanguageModel
from llm_notes.training.arguments import OPTIMIZERS, parser, training_config
from llm_notes.training.checkpoint import load_checkpoint
from llm_notes.training.command_line import main
from llm_notes.training.config import TrainingConfig
from llm_notes.training.evaluation import bits_per_byte
from llm_notes.training.run_files import saved_steps, step_folder
from llm_notes.training.texts import read_corpus

SMALL = [
    *("--layers", "1", "--heads", "2", "--width", "8", "--context-length", "12"),
    *("--batch-size", "4", "--n-steps", "6", "--n-warmup", "2"),
    *("--save-every", "2", "--eval-every", "3", "--sample-every", "6"),
]


@pytest.fixture
def text(tmp_path):
    lines = [f"Paragraph {i} of the tale; {i * i} is a square." for i in range(60)]
    file = tmp_path / "tale.txt"
    file.write_text("\n\n".join(lines))
    return file


def call(text, out, *more):
    return main(["--data", str(text), "--out", str(out), *SMALL, *more])


def weights(out, classes=(GPT, GPTConfig)):
    state = load_checkpoint(out / "model", *classes).model.state_dict()
    return torch.cat([tensor.flatten().float() for tensor in state.values()])


def test_a_run_leaves_a_model_its_settings_and_its_steps(text, tmp_path, capsys):
    out = tmp_path / "run"
    assert call(text, out) == 0
    printed = capsys.readouterr().out
    config = json.loads((out / "config.json").read_text())
    assert config["model"]["architecture"] == "GPT"
    assert config["training"]["n_steps"] == config["arguments"]["n_steps"] == 6
    assert (out / "config.json").read_text() in printed
    loaded = load_checkpoint(out / "model", GPT, GPTConfig)
    assert loaded.model.config.context_length == 12
    assert loaded.tokenizer.decode(loaded.tokenizer.encode("tale")) == "tale"
    assert loaded.history["validation_steps"] == [0, 3, 6]
    bits = loaded.history["bits_per_byte"][-1]
    assert f"{bits:.3f} bits per byte on held-out text at step 6; the model" in printed
    corpus = read_corpus(str(text), seed=0)
    measured = bits_per_byte(loaded.model, loaded.tokenizer, corpus.validation)
    assert bits == pytest.approx(measured, abs=1e-5)
    assert printed.count("--- step 0 ---") == printed.count("--- step 6 ---") == 1
    assert saved_steps(out) == [4, 6]


@pytest.mark.parametrize(
    ("model", "classes"),
    [
        ("llama", (Llama, LlamaConfig)),
        ("lstm", (RNNLanguageModel, RNNConfig)),
        ("rnn", (RNNLanguageModel, RNNConfig)),
    ],
)
def test_other_models_byte_pairs_and_muon(text, tmp_path, model, classes):
    words = f"--model {model} --tokenizer byte-pairs --vocab-size 270 --optimizer muon"
    assert call(text, tmp_path / "run", *words.split()) == 0
    loaded = load_checkpoint(tmp_path / "run" / "model", *classes)
    assert loaded.model.config.vocab_size == loaded.tokenizer.vocab_size == 270


def test_the_seed_decides_everything(text, tmp_path):
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        call(text, tmp_path / name, "--seed", seed, "--dropout", "0.1")
    assert weights(tmp_path / "a").equal(weights(tmp_path / "b"))
    assert not weights(tmp_path / "a").equal(weights(tmp_path / "c"))


def test_the_seed_draws_the_weights_too(text, tmp_path):
    still = ["--learning-rate", "1e-12", "--weight-decay", "0"]
    for seed in ("1", "2"):
        call(text, tmp_path / seed, *still, "--seed", seed)
    assert not weights(tmp_path / "1").allclose(weights(tmp_path / "2"), atol=1e-3)


def test_the_optimizer_can_be_chosen(text, tmp_path):
    for name in ("adamw", "lion"):
        call(text, tmp_path / name, "--optimizer", name)
    assert not weights(tmp_path / "adamw").equal(weights(tmp_path / "lion"))


def test_a_run_goes_on_where_it_was_saved(text, tmp_path, capsys):
    call(text, tmp_path / "whole", "--dropout", "0.1")
    out = tmp_path / "run"
    call(text, out, "--dropout", "0.1", "--keep", "9")
    for step in (4, 6):  # as if it had been killed after step 2
        folder = out / f"step-{step:08d}"
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    capsys.readouterr()
    assert call(text, out, "--dropout", "0.1", "--resume", "auto") == 0
    assert "going on from step 2\n" in capsys.readouterr().out
    assert weights(out).equal(weights(tmp_path / "whole"))


def test_an_earlier_run_is_not_written_over(text, tmp_path, capsys):
    out = tmp_path / "run"
    call(text, out)
    before = (out / "config.json").read_text()
    assert call(text, out, "--seed", "3") == 1
    assert "holds a run at step 6" in capsys.readouterr().err
    assert (out / "config.json").read_text() == before


def test_early_stopping_says_why_and_saves(text, tmp_path, capsys):
    words = ["--patience", "1", "--learning-rate", "1e-9", "--eval-every", "1"]
    assert call(text, tmp_path / "run", *words, "--weight-decay", "0") == 0
    printed = capsys.readouterr().out
    assert re.search(r"stopped after step \d \(no better than .*\); saved", printed)
    assert (tmp_path / "run" / "model").is_dir()


def test_after_early_stopping_the_printed_line_goes_on(text, tmp_path, capsys):
    words = ["--patience", "1", "--learning-rate", "1e-9", "--eval-every", "1"]
    call(text, tmp_path / "run", *words, "--weight-decay", "0")
    printed = capsys.readouterr().out
    before = saved_steps(tmp_path / "run")[-1]
    assert before < 6
    (again,) = [x for x in printed.splitlines() if x.startswith("  python -m")]
    assert main(shlex.split(again)[3:]) == 0
    assert saved_steps(tmp_path / "run")[-1] > before


def test_early_stopping_prints_the_bits_of_the_model_it_keeps(text, tmp_path, capsys):
    words = ["--patience", "2", "--learning-rate", "0.9", "--eval-every", "1"]
    call(text, tmp_path / "run", *words, "--n-warmup", "0", "--max-grad-norm", "inf")
    said = re.search(
        r"([\d.]+) bits per byte .* at step (\d+); the model of step (\d+) ",
        capsys.readouterr().out,
    )
    loaded = load_checkpoint(tmp_path / "run" / "model", GPT, GPTConfig)
    corpus = read_corpus(str(text), seed=0)
    measured = bits_per_byte(loaded.model, loaded.tokenizer, corpus.validation)
    assert float(said[1]) == pytest.approx(measured, abs=6e-4)
    assert said[2] == said[3]
    assert int(said[2]) < len(loaded.history["train_loss"])


def test_a_tokenizer_without_saved_steps_is_made_anew(text, tmp_path):
    out = tmp_path / "run"
    call(text, out)
    for step in saved_steps(out):
        shutil.rmtree(step_folder(out, step))
    words = "--resume auto --tokenizer byte-pairs --vocab-size 270"
    assert call(text, out, *words.split()) == 0
    loaded = load_checkpoint(out / "model", GPT, GPTConfig)
    assert loaded.tokenizer.vocab_size == 270


def test_another_command_line_is_named_and_the_old_one_kept(text, tmp_path, capsys):
    out = tmp_path / "run"
    call(text, out)
    old = (out / "config.json").read_text()
    capsys.readouterr()
    assert call(text, out, "--resume", "auto", "--batch-size", "3") == 0
    error = capsys.readouterr().err
    assert "--batch-size 4 is now 3" in error
    assert "n-steps" not in error
    assert (out / "config-until-step-6.json").read_text() == old
    assert json.loads((out / "config.json").read_text())["arguments"]["batch_size"] == 3


def test_the_handlers_of_signals_come_back(text, tmp_path):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    call(text, tmp_path / "run")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_every_setting_of_the_trainer_can_be_given():
    words = (
        "--n-steps 7 --learning-rate 0.5 --n-warmup 3 --final-learning-rate 0.1 "
        "--schedule warmup_linear --weight-decay 0.3 --betas 0.8 0.95 "
        "--max-grad-norm inf --accumulation 2 --dtype bfloat16 --compile "
        "--checkpointing"
    )
    config = training_config(parser().parse_args(words.split()))
    expected = TrainingConfig(
        7, 0.5, 3, 0.1, "warmup_linear", 0.3, (0.8, 0.95), float("inf"), 2, "bfloat16",
        True, True,
    )  # fmt: skip
    assert config == expected
    default = TrainingConfig(1, 1.0, 0)
    same = [
        f.name
        for f in fields(config)
        if getattr(config, f.name) == getattr(default, f.name)
    ]
    assert not same


def test_the_help_has_groups_defaults_and_examples(capsys):
    with pytest.raises(SystemExit) as stop:
        parser().parse_args(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for word in ("text:", "model:", "training:", "run:", "examples:", "--resume auto"):
        assert word in text
    assert "(default: 0.003)" in re.sub(r"\s+", " ", text)
    assert set(OPTIMIZERS) <= set(re.findall(r"\w+", text))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--data", "nowhere.txt"],
            "neither python-docs nor python-source, and no file",
        ),
        (["--heads", "3"], "divisible"),
        (["--n-warmup", "6"], "n_warmup = 6 must lie between"),
        (["--schedule", "steps"], "no schedule 'steps'"),
        (["--context-length", "5000"], "needs 5001"),
        (["--save-every", "0"], "every is 0"),
        (["--parallel", "ddp"], "torchrun"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(text, tmp_path, capsys, words, message):
    assert call(text, tmp_path / "run", *words) == 1
    error = capsys.readouterr().err
    assert error.startswith("python -m llm_notes.training: ")
    assert message in error and "Traceback" not in error
    assert not list((tmp_path / "run").glob("step-*"))
