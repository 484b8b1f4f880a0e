"""A run survives: kills, full disks, damaged files, and foreign ones."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.training import optimizers, run_state
from llm_notes.training.batches import ListBatches
from llm_notes.training.callbacks import EarlyStopping, Evaluate, Samples
from llm_notes.training.run_files import (
    RunStateError,
    read_step,
    saved_steps,
    step_folder,
    write_step,
)
from llm_notes.training.run_state import SaveRun, resume, save_run
from llm_notes.training.trainer import Trainer, TrainingConfig

sys.path.insert(0, str(Path(__file__).parent))  # for the processes it starts as well
from run_worker import (
    N_STEPS,
    Noise,
    make_trainer,
    run,
    run_with_small_files,
    vector,
)

# LLM_NOTES_KILLS=20 kills more often.
N_KILLS = int(os.environ.get("LLM_NOTES_KILLS", "4"))


@pytest.fixture(scope="module")
def processes():
    """Processes that begin with the package imported, without pytest's own state."""
    context = multiprocessing.get_context("forkserver")
    # torch.optim imports torch._dynamo at its first use, which takes seconds.
    heavy = ["llm_notes.training.trainer", "llm_notes.models.gpt", "torch._dynamo"]
    context.set_forkserver_preload(heavy)
    return context


def start(processes, function, *arguments):
    receiver, sender = processes.Pipe(duplex=False)
    process = processes.Process(
        target=function, args=(*arguments[:1], sender, *arguments[1:])
    )
    process.start()
    sender.close()
    return process, receiver


def last_message(process, receiver):
    message = None
    try:
        while True:
            message = receiver.recv()
    except EOFError:
        process.join()
    assert process.exitcode == 0
    return message


def test_a_run_that_is_killed_again_and_again_ends_bit_for_bit_alike(
    tmp_path, processes
):
    expected = last_message(*start(processes, run, tmp_path / "whole", N_STEPS))
    folder, chance = tmp_path / "killed", random.Random(0)
    kills = sorted(chance.sample(range(1, N_STEPS - 10), N_KILLS))
    for moment in kills:
        process, receiver = start(processes, run, folder, 1)  # saves at every step
        while receiver.recv() < moment:
            pass
        time.sleep(chance.uniform(0, 0.02))  # in a step, or in the midst of a save
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
    losses, weights = last_message(*start(processes, run, folder, 50))
    assert losses == expected[0]
    assert weights == expected[1]
    left = {path.name for path in folder.iterdir()}
    assert left == {step_folder(folder, step).name for step in saved_steps(folder)}


class StopAt:
    """Ends a run after a step."""

    def __init__(self, step):
        self.step = step

    def on_step(self, trainer):
        if trainer.step == self.step:
            trainer.stop("enough")


def train(folder, n_steps=8, every=2, callbacks=(), **options) -> Trainer:
    trainer = make_trainer(
        [Noise(), *callbacks, SaveRun(folder, every, **options)], n_steps
    )
    trainer.fit()
    return trainer


def test_a_run_goes_on_in_the_same_process(tmp_path):
    whole = train(tmp_path / "a")
    train(tmp_path / "b", callbacks=[StopAt(5)])
    assert saved_steps(tmp_path / "b") == [4, 5]
    torch.rand(9)  # someone else draws in between
    trainer = make_trainer([Noise(), SaveRun(tmp_path / "b", 2)], 8)
    assert resume(tmp_path / "b", trainer) == 5
    history = trainer.fit()
    assert vector(trainer).equal(vector(whole))
    ours, theirs = history.as_dict(), whole.history.as_dict()
    assert ours.pop("seconds") > 0 < theirs.pop("seconds")
    assert ours == theirs
    for a, b in zip(
        trainer.optimizer.state.values(), whole.optimizer.state.values(), strict=True
    ):
        assert a["exp_avg"].equal(b["exp_avg"]) and a["step"].equal(b["step"])


@pytest.mark.parametrize("name", ["adam", "lion", "muon", "sgd"])
def test_every_optimizer_goes_on_bit_for_bit(tmp_path, name):
    config = TrainingConfig(6, 1e-2, 2)

    def make(callbacks=()):
        base = make_trainer(n_steps=6)
        options = {"optimizer": lambda m: getattr(optimizers, name)(m, config)}
        return Trainer(base.model, base.batches, config, callbacks=callbacks, **options)

    whole = make([SaveRun(tmp_path, 1, keep=9)])
    whole.fit()
    for step in (4, 5, 6):
        shutil.rmtree(step_folder(tmp_path, step))
    again = make()
    assert resume(tmp_path, again) == 3
    again.fit()
    assert vector(again).equal(vector(whole))


def test_the_scale_of_float16_is_kept(tmp_path):
    def make():
        base = make_trainer(n_steps=6)
        return Trainer(
            base.model, base.batches, TrainingConfig(6, 1e-2, 2, dtype="float16")
        )

    trainer = make()
    trainer.train_step(trainer.batches.next_batch())
    trainer.scaler.update(2.0**9)
    save_run(tmp_path, trainer)
    other = make()
    resume(tmp_path, other)
    assert other.scaler.get_scale() == 2.0**9


def test_callbacks_remember_what_they_need(tmp_path):
    def callbacks():
        text_ids = torch.arange(40) % 7
        write = Samples(lambda model: f"{model.training}", every=2)
        return [Evaluate(text_ids, 12, every=2), EarlyStopping(patience=9), write]

    first = callbacks()
    train(tmp_path, callbacks=first)
    second = callbacks()
    resume(tmp_path, make_trainer(second, 8))
    assert second[2].texts == first[2].texts != []
    assert second[1].best_loss == first[1].best_loss
    ours, theirs = second[1].state_dict(), first[1].state_dict()
    assert ours["weights"]["final_norm.bias"].equal(
        theirs["weights"]["final_norm.bias"]
    )


def test_a_list_of_examples_goes_on_in_the_same_epoch(tmp_path):
    def make():
        base = make_trainer(n_steps=9)
        rows = torch.randint(7, (10, 13), generator=torch.Generator().manual_seed(2))

        def collate(some):
            return torch.stack(some)[:, :-1], torch.stack(some)[:, 1:]

        return Trainer(base.model, ListBatches(rows, 4, collate), base.config)

    whole = make()
    for _ in range(4):
        whole.train_step(whole.batches.next_batch())
    save_run(tmp_path, whole)
    whole.fit()
    again = make()
    assert resume(tmp_path, again) == 4
    again.fit()
    assert vector(again).equal(vector(whole))


def test_the_newest_are_kept_and_the_last_step_is_saved(tmp_path):
    train(tmp_path, n_steps=7, every=2, keep=3)
    assert saved_steps(tmp_path) == [4, 6, 7]


def test_nothing_saved_is_a_beginning(tmp_path):
    trainer = make_trainer()
    assert resume(tmp_path / "nowhere", trainer) is None
    assert trainer.step == 0


def test_a_run_that_failed_in_a_step_saves_nothing_new(tmp_path):
    def fail(trainer):
        if trainer.step == 3:
            raise RuntimeError("broken")

    broken = type("Broken", (), {"on_step": lambda self, trainer: fail(trainer)})
    with pytest.raises(RuntimeError, match="broken"):
        train(tmp_path, callbacks=[broken()])
    assert saved_steps(tmp_path) == [2]


def test_a_folder_with_later_steps_is_not_written_over(tmp_path):
    train(tmp_path)
    with pytest.raises(
        RunStateError, match="holds a run at step 8, and this one is at"
    ):
        train(tmp_path)
    assert saved_steps(tmp_path) == [6, 8]


def test_other_settings_are_said(tmp_path, capsys):
    train(tmp_path)
    trainer = make_trainer(n_steps=12)
    assert resume(tmp_path, trainer) == 8
    assert "other settings than before: n_steps\n" in capsys.readouterr().err
    trainer.fit()
    assert trainer.step == len(trainer.history.train_loss) == 12


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(folder)
    return folder


def test_a_damaged_step_is_refused_and_the_one_before_is_used(saved, tmp_path, capsys):
    folder = shutil.copytree(saved, tmp_path / "run")
    file = step_folder(folder, 8) / "tensors.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    trainer = make_trainer([Noise(), SaveRun(folder, 2)], 8)
    assert resume(folder, trainer) == 6
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "step 8 is refused" in error and "cut short" in error
    assert "going on from step 6" in error
    assert saved_steps(folder) == [6]
    assert (folder / "step-00000008.refused").is_dir()
    trainer.fit()
    assert saved_steps(folder) == [6, 8]


def test_when_all_are_damaged_nothing_is_begun_anew(saved, tmp_path):
    folder = shutil.copytree(saved, tmp_path / "run")
    for step in (6, 8):
        (step_folder(folder, step) / "state.json").unlink()
    trainer = make_trainer(n_steps=8)
    before = vector(trainer)
    with pytest.raises(RunStateError, match=r"(?s)no step can be used: .*lacks state"):
        resume(folder, trainer)
    assert saved_steps(folder) == [6, 8]  # nothing is moved either
    assert vector(trainer).equal(before)


PARTS = {"model": "GPT", "optimizer": "AdamW", "batches": "WindowBatches"}


@pytest.mark.parametrize("name", ["run.json", "state.json", "tensors.safetensors"])
def test_a_single_byte_that_is_missing_is_noticed(saved, tmp_path, name):
    path = shutil.copytree(step_folder(saved, 8), tmp_path / "step")
    (path / name).write_bytes((path / name).read_bytes()[:-1])
    with pytest.raises(RunStateError, match="cut short"):
        read_step(path, PARTS)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_files_that_are_cut_short_or_changed_are_refused(saved, data):
    path = step_folder(saved, 8)
    names = ["run.json", "state.json", "tensors.safetensors"]
    file = path / data.draw(st.sampled_from(names))
    content = file.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    damaged = content[:place]
    if file.name != "run.json" and data.draw(st.booleans(), label="changed"):
        damaged += bytes([content[place] ^ 1]) + content[place + 1 :]
    try:
        file.write_bytes(damaged)
        with pytest.raises(RunStateError, match=r"cut short"):
            read_step(path, PARTS)
    finally:
        file.write_bytes(content)
    read_step(path, PARTS)


def test_a_changed_description_is_refused_or_says_the_same(saved):
    path = step_folder(saved, 8)
    content = (path / "run.json").read_bytes()
    n_refused = 0
    try:
        for place in range(len(content)):
            changed = bytes([content[place] ^ 1])
            damaged = content[:place] + changed + content[place + 1 :]
            (path / "run.json").write_bytes(damaged)
            try:
                assert read_step(path, PARTS)["step"] == 8
            except RunStateError:
                n_refused += 1
    finally:
        (path / "run.json").write_bytes(content)
    assert n_refused > 0.8 * len(content)  # the rest is white space


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parts": None}, "lacks parts"),
        ({"sha256": {}}, "names other files"),
        ({"sha256": {"run.json": "0"}}, "names other files"),
    ],
)
def test_a_description_without_its_parts_is_refused(saved, tmp_path, change, message):
    path = shutil.copytree(step_folder(saved, 8), tmp_path / "step")
    description = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(description | change))
    with pytest.raises(RunStateError, match=message):
        read_step(path, PARTS)


def test_another_optimiser_of_the_same_kind_is_refused_before_anything_changes(saved):
    trainer = make_trainer(n_steps=8)
    trainer.optimizer = torch.optim.AdamW(trainer.model.parameters())
    before = vector(trainer)
    with pytest.raises(RunStateError, match=r"optimiser with groups of \["):
        resume(shutil.copytree(saved, saved.with_name("other groups")), trainer)
    assert vector(trainer).equal(before)


def test_batches_that_remember_something_else_are_refused(saved, monkeypatch):
    trainer = make_trainer(n_steps=8)
    before = vector(trainer)
    monkeypatch.setattr(trainer.batches, "state_dict", lambda: {"place": 1})
    with pytest.raises(RunStateError, match=r"\['generator'\] .* needs \['place'\]"):
        resume(shutil.copytree(saved, saved.with_name("other batches")), trainer)
    assert vector(trainer).equal(before)


def test_what_ended_a_run_is_told_though_a_save_has_failed_before(
    tmp_path, monkeypatch, capsys
):
    def full(path, state, parts):
        raise OSError("No space left on device")

    class FailAt5:
        def on_step(self, trainer):
            if trainer.step == 5:
                raise RuntimeError("diverged")

    monkeypatch.setattr(run_state, "write_step", full)
    with pytest.raises(RuntimeError, match="diverged"):
        train(tmp_path, callbacks=[FailAt5()])
    assert "step 4 could not be saved" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "was not written by llm_notes"),
        ({"version": 99}, "has version 99, this package reads 1"),
        ({"parts": PARTS | {"model": "Llama"}}, "has model Llama, this run GPT"),
        ({"parts": PARTS | {"optimizer": "SGD"}}, "has optimizer SGD, this run A"),
        ({"parts": PARTS | {"batches": "X"}}, "has batches X, this run WindowB"),
    ],
)
def test_foreign_steps_are_refused(saved, tmp_path, change, message):
    path = shutil.copytree(step_folder(saved, 8), tmp_path / "step-00000008")
    description = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(description | change))
    with pytest.raises(RunStateError, match=message):
        resume(tmp_path, make_trainer())


def test_a_list_is_no_description(tmp_path):
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(RunStateError, match="was not written by llm_notes"):
        read_step(tmp_path, {})


def test_a_model_of_other_sizes_is_refused_before_anything_changes(saved):
    trainer = make_trainer(n_steps=8, d_model=16)
    before = vector(trainer)
    with pytest.raises(RunStateError, match=r"other sizes: .*\(7, 8\), \(7, 16\)"):
        resume(shutil.copytree(saved, saved.with_name("copy")), trainer)
    assert vector(trainer).equal(before)
    assert trainer.step == 0


def test_a_full_disk_loses_nothing_and_is_said_at_the_end(tmp_path, processes):
    """A quota on the size of files: the same errors as a full disk, in a process."""
    train(tmp_path, every=1, callbacks=[StopAt(3)])
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    message = last_message(*start(processes, run_with_small_files, tmp_path, 4096))
    assert message[0] == 8  # the run went on to its end
    assert "step 8 could not be saved" in message[1]
    assert message[1].endswith("what stands there is step 3")
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert [p.name for p in sorted(tmp_path.iterdir())] == [
        "step-00000002",
        "step-00000003",
    ]

    trainer = make_trainer([Noise(), SaveRun(tmp_path, 4)], 8)  # there is room again
    assert resume(tmp_path, trainer) == 3
    trainer.fit()
    assert saved_steps(tmp_path) == [4, 8]
    whole = make_trainer([Noise()], 8)
    whole.fit()
    assert vector(trainer).equal(vector(whole))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 160 kB, where this process may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", "size=160k", "tmpfs", str(disk)]
    if shutil.which("mount") is None:
        pytest.skip("there is no mount program")
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_small_disk_that_fills_up_keeps_what_was_saved(small_disk, capsys):
    """Ever more steps are to be kept, until they do not fit."""
    trainer = make_trainer([Noise(), SaveRun(small_disk, 1, keep=99)], 12)
    with pytest.raises(OSError, match="step 12 could not be saved"):
        trainer.fit()
    steps = saved_steps(small_disk)
    assert steps == list(range(1, len(steps) + 1)) and 1 <= len(steps) < 12
    assert "could not be saved" in capsys.readouterr().err
    for step in steps:
        read_step(step_folder(small_disk, step), PARTS)
    for step in steps[:-1]:
        shutil.rmtree(step_folder(small_disk, step))
    again = make_trainer([Noise(), SaveRun(small_disk, 99)], 12)
    assert resume(small_disk, again) == steps[-1]
    again.fit()
    assert vector(again).equal(vector(trainer))


def test_a_disk_that_was_full_for_a_while_is_no_error(tmp_path, monkeypatch, capsys):
    def full_at_step_4(path, state, parts):
        if path.name == "step-00000004":
            raise OSError("No space left on device")
        write_step(path, state, parts)

    monkeypatch.setattr(run_state, "write_step", full_at_step_4)
    train(tmp_path)
    assert saved_steps(tmp_path) == [6, 8]
    assert "step 4 could not be saved" in capsys.readouterr().err


def test_a_failed_save_leaves_the_folder_as_it_was(tmp_path):
    write_step(tmp_path / "step", {"a": torch.ones(2)}, {})
    with pytest.raises(TypeError, match="a set at a"):
        write_step(tmp_path / "step", {"a": {1}}, {})
    assert read_step(tmp_path / "step", {})["a"].equal(torch.ones(2))
    assert [p.name for p in tmp_path.iterdir()] == ["step"]


def test_what_a_killed_save_left_behind_is_removed(tmp_path):
    (tmp_path / ".step-00000004-abc").mkdir()
    train(tmp_path, n_steps=2)
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000002"]


@pytest.mark.parametrize("settings", [{"every": 0}, {"keep": 0}])
def test_saving_never_or_keeping_nothing_is_refused(tmp_path, settings):
    with pytest.raises(ValueError, match="must be at least 1"):
        SaveRun(tmp_path, **settings)
