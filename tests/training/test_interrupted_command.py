"""Ctrl-C in the midst of a run: what is said then works, word for word."""

import shlex
import signal

import pytest

from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.training import command_line
from llm_notes.training.checkpoint import load_checkpoint
from llm_notes.training.command_line import main
from llm_notes.training.run_files import saved_steps

SMALL = (
    "--layers 1 --heads 2 --width 8 --context-length 12 --batch-size 4 --n-steps 6 "
    "--n-warmup 2 --save-every 2 --sample-every 6 --device cpu --dtype auto"
)


@pytest.fixture
def words(tmp_path):
    """The command line of a small run on a small text."""
    file = tmp_path / "a text.txt"
    file.write_text("\n\n".join(f"{i} and {i} are {2 * i}." for i in range(120)))
    return [*SMALL.split(), "--data", str(file), "--out", str(tmp_path / "run")]


@pytest.fixture(autouse=True)
def usual_ctrl_c():
    """What a terminal gives; a shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupt:
    """In the place of another callback: Ctrl-C in the third step."""

    times = 1

    def on_step(self, trainer):
        if trainer.step == 3:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)


def weights(folder):
    model = load_checkpoint(folder / "model", GPT, GPTConfig).model
    return model.final_norm.weight.tolist()


def test_the_line_that_is_said_goes_on_bit_for_bit(
    words, tmp_path, monkeypatch, capsys
):
    assert main([*words, "--out", str(tmp_path / "whole")]) == 0
    with monkeypatch.context() as patch:
        patch.setattr(command_line, "StopWhenDiverging", Interrupt)
        assert main([*words, "--resume", "never"]) == 130
    assert saved_steps(tmp_path / "run") == [2, 3]
    said = capsys.readouterr().out
    assert "stopped after step 3 (interrupted); saved" in said
    line = next(line for line in said.splitlines() if "--resume auto" in line)
    python, option, module, *again = shlex.split(line)
    assert (python, option, module) == ("python", "-m", "llm_notes.training")

    assert main(again) == 0  # with a blank in the name of the file
    assert "going on from step 3" in capsys.readouterr().out
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")


def test_a_second_ctrl_c_ends_at_once(words, tmp_path, monkeypatch):
    monkeypatch.setattr(command_line, "StopWhenDiverging", Interrupt)
    monkeypatch.setattr(Interrupt, "times", 2)
    with pytest.raises(KeyboardInterrupt):
        main(words)
    assert saved_steps(tmp_path / "run") == [2]  # what was saved is still there
    assert not (tmp_path / "run" / "model").exists()
