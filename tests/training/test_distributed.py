"""Two processes make the steps of one, and a job outlives the death of a process.

Real processes, started by torchrun, which cost seconds: `distributed_worker` does all
comparisons in one start, in double precision, where what is left is rounding.
"""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.training.batches import count_examples
from llm_notes.training.checkpoint import load_checkpoint
from llm_notes.training.command_line import main
from llm_notes.training.distributed import Processes, ProcessLostError, start, started
from llm_notes.training.parallel import SingleProcess
from llm_notes.training.run_state import resume

WORKER = Path(__file__).with_name("distributed_worker.py")
SPEC = importlib.util.spec_from_file_location("distributed_worker", WORKER)
worker = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(worker)
ROUNDING = 1e-12
LIMIT = 200  # seconds; a job that hangs fails its test and is ended
BOTH = pytest.mark.parametrize("kind", ["ddp", "fsdp"])


def torchrun(*words: str | Path | int) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", *map(str, words)]
    # Not more threads than the two processes have cores.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    job = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said, errors = job.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        job.terminate()  # torchrun ends its processes, politely and then not
        said, errors = job.communicate()
        pytest.fail(f"the job hangs:\n{errors[-4000:]}")
    return subprocess.CompletedProcess(command, job.returncode, said, errors)


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("runs")
    job = torchrun(WORKER, "check", folder)
    assert job.returncode == 0, job.stderr[-4000:]
    found = json.loads((folder / "found.json").read_text())
    return {**found, "folder": folder, "said": job.stdout}


def without_torchrun(*words: str | Path) -> list[subprocess.CompletedProcess]:
    """The same two processes with nobody who ends one when the other has died."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, *map(str, words)]
    shared = {**os.environ, "OMP_NUM_THREADS": "1", "TORCHELASTIC_RUN_ID": "pair"}
    shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    jobs = [
        subprocess.Popen(
            command,
            env={**shared, "RANK": rank, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": "2"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    try:
        errors = [job.communicate(timeout=LIMIT)[1] for job in jobs]
    finally:
        for job in jobs:
            job.kill()
    codes = [job.returncode for job in jobs]
    return [
        subprocess.CompletedProcess(command, code, stderr=error)
        for code, error in zip(codes, errors, strict=True)
    ]


@pytest.fixture(scope="module")
def death(tmp_path_factory) -> tuple[subprocess.CompletedProcess, Path]:
    """A job that loses a process, and the folder of its runs."""
    folder = tmp_path_factory.mktemp("death")
    return torchrun(WORKER, "die", folder), folder


@pytest.fixture
def doubles():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_without_torchrun_there_is_one_process():
    with started() as parallel:
        assert type(parallel) is SingleProcess
        assert parallel.is_main
        assert (parallel.rank, parallel.size) == (0, 1)


@pytest.mark.parametrize(
    ("kind", "message"), [("ddp", "torchrun --standalone"), ("dpp", "known are ddp")]
)
def test_a_kind_that_cannot_be_is_refused(kind, message):
    with pytest.raises(ValueError, match=message), started(kind):
        pass


class Pretended(Processes):
    """A process of a job that does not exist: enough for what it decides alone."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size


@pytest.mark.parametrize("n_examples", [1, 2, 3, 7, 12])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("n_parts", [1, 2, 4])
def test_shares_are_the_batch_and_equally_many(n_examples, size, n_parts):
    batch = (torch.arange(n_examples), torch.arange(n_examples) % 3)

    def count(part):
        return int(part[1].sum())

    shares = [
        Pretended(rank, size).parts(batch, n_parts, count) for rank in range(size)
    ]
    assert len({len(share) for share in shares}) == 1
    assert len(shares[0]) <= n_parts
    total = max(count(batch), 1)
    used = []
    for part, weight in (pair for share in shares for pair in share):
        assert count_examples(part) > 0
        if weight > 0 or count(part) == 0:
            used += part[0].tolist()
        if weight > 0:
            assert weight == (count(part) / total if size * n_parts > 1 else 1.0)
    assert set(range(n_examples)) == set(used)
    scored = [i for i in used if i % 3]
    assert len(scored) == len(set(scored))


@pytest.mark.parametrize(
    "text",
    [
        "[pair.cc:553] Connection closed by peer [127.0.0.1]:21166. This is typically",
        "[unbound_buffer.cc:78] Timed out waiting 4000ms for recv operation",
    ],
)
def test_a_lost_process_is_told_from_other_errors(text):
    process = Pretended(3, 8)
    lost = process.explain(RuntimeError(text), 7)
    assert isinstance(lost, ProcessLostError)
    assert "process 3 of 8 lost another one in step 7" in str(lost)
    assert text in str(lost)
    for other in (RuntimeError("mat1 and mat2"), ValueError(text), lost):
        assert process.explain(other, 8) is other
    refused = torch.distributed.DistBackendError("NCCL communicator was aborted")
    assert isinstance(process.explain(refused), ProcessLostError)


@pytest.fixture
def launched(monkeypatch):
    """As if torchrun had started this process as the second of three."""
    joined = []
    monkeypatch.setattr(torch.distributed, "is_torchelastic_launched", lambda: True)
    monkeypatch.setattr(
        torch.distributed,
        "init_process_group",
        lambda backend, **settings: joined.append((backend, settings)),
    )
    monkeypatch.setitem(start.KINDS, "ddp", lambda: Pretended(1, 3))
    monkeypatch.setattr(start, "SECONDS_TO_BE_ENDED", 0)
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    return joined


def test_a_process_lost_outside_of_a_step_is_explained_too(launched, capsys):
    with pytest.raises(ProcessLostError, match="1 of 3"), started(None, "cpu", 7):
        raise RuntimeError("Connection closed by peer [127.0.0.1]")
    assert "ProcessLostError: process 1 of 3" in capsys.readouterr().err
    ((backend, settings),) = launched
    assert backend == "gloo"
    assert settings["timeout"].total_seconds() == 7


def test_an_error_of_its_own_is_raised_as_it_is(launched, capsys):
    with pytest.raises(KeyError, match="mine"), started(None, "cpu"):
        raise KeyError("mine")
    assert capsys.readouterr().err == ""


def test_more_processes_than_gpus_are_refused(launched, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="--nproc-per-node 1"), started(None, "cuda"):
        pass
    assert not launched


def test_a_process_takes_the_gpu_of_its_number(launched, monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    with pytest.raises(KeyError, match="end"), started(None, "cuda"):
        raise KeyError("end")
    assert taken == [1]
    ((backend, settings),) = launched
    assert backend == "cpu:gloo,cuda:nccl"
    assert settings["device_id"] == torch.device("cuda", 1)


@BOTH
@pytest.mark.parametrize("run", ["plain", "accumulated", "forgetful"])
def test_two_processes_equal_one(found, kind, run):
    differences = found[kind][run]
    assert differences.pop("targets") == 0
    assert max(differences.values()) < ROUNDING


@BOTH
@pytest.mark.parametrize("rule", ["muon", "lion", "adam"])
def test_every_optimiser_makes_the_same_steps_in_two_processes(found, kind, rule):
    assert max(found[kind][rule].values()) < ROUNDING


def test_experts_without_tokens_are_waited_for(found):
    assert max(found["ddp"]["mixture"].values()) < ROUNDING


@BOTH
@pytest.mark.parametrize("change", ["1 to 2", "2 to 1"])
def test_a_run_goes_on_with_another_number_of_processes(found, kind, change):
    assert found[kind]["resumed"][change] < ROUNDING


@BOTH
def test_a_run_with_dropout_goes_on_bit_for_bit_in_as_many_processes(found, kind):
    assert found[kind]["resumed"]["2 to 2"] == 0


@BOTH
def test_a_look_between_two_steps_changes_nothing(found, kind):
    assert max(found[kind]["evaluated"].values()) < ROUNDING


@BOTH
def test_the_best_weights_come_back_after_early_stopping(found, kind):
    assert found[kind]["early"] == {"steps": [1, 1], "weights": 0}


@BOTH
def test_one_process_that_is_told_to_stop_stops_all(found, kind):
    stops = [[3, "another process was stopped"], [3, "enough"]]
    assert found[kind]["stopped"] == stops


@BOTH
def test_a_full_disk_of_the_first_process_is_an_error_of_all(found, kind):
    for error, step in found[kind]["full disk"]:
        assert "could not be saved" in error
        assert step == worker.N_STEPS


@BOTH
def test_divergence_is_explained_as_in_one_process(found, kind):
    one, several = found[kind]["diverged"]
    assert one.startswith("TrainingDivergedError: step 0")
    assert several == one


@BOTH
def test_processes_draw_other_random_numbers(found, kind):
    assert len(set(found[kind]["random"])) == 2


@BOTH
def test_sums_go_over_all_processes(found, kind):
    assert found[kind]["sum"] == 3


def test_a_sharded_model_is_held_in_halves(found):
    whole, also_whole = found["ddp"]["n own"]
    assert whole == also_whole == sum(found["fsdp"]["n own"])
    assert max(found["fsdp"]["n own"]) < 0.51 * whole


def test_what_the_processes_read_has_to_be_the_same(found):
    assert "[0, None]" in found["different disks"]


def test_the_attributes_of_a_replicated_model_can_be_read(found):
    assert found["reads config"]


def test_what_cannot_be_shared_is_refused(found):
    assert "use ddp" in found["sharded mixture"]
    assert "give the trainer a function" in found["early optimiser"]
    assert "on meta" in found["meta"]


def test_the_processes_part_at_the_end(found):
    assert found["left"]


def test_the_command_line_trains_in_two_processes_and_goes_on_in_one(found, capsys):
    folder = found["folder"]
    assert found["command line"] == 0
    assert found["said"].count("bits per byte") == 1  # only the first process prints
    assert json.loads((folder / "run/config.json").read_text())["processes"] == 2
    assert n_steps_of(folder / "run/model") == 4

    assert main([*worker.words_of_a_run(folder), "6"]) == 0
    assert "going on from step 4" in capsys.readouterr().out
    assert n_steps_of(folder / "run/model") == 6


def n_steps_of(path: Path) -> int:
    return len(load_checkpoint(path, GPT, GPTConfig).history["train_loss"])


def test_the_death_of_a_process_ends_the_job_and_is_named(death):
    job, _ = death
    assert job.returncode == 1
    _, _, cause = job.stderr.partition("Root Cause")
    assert "rank      : 1" in cause
    assert "SIGKILL" in cause
    assert "rank      : 0" not in cause


def test_who_is_left_says_in_which_step_and_what_to_do(tmp_path):
    # Under torchrun this may be cut short: it ends who is left within 0.1 s.
    left, died = without_torchrun(WORKER, "die", tmp_path)
    assert died.returncode == -signal.SIGKILL
    assert left.returncode == 1
    assert "process 0 of 2 lost another one in step 5" in left.stderr
    assert "Start the job again" in left.stderr


def test_after_a_death_one_process_goes_on(death, doubles):
    _, folder = death
    lived, died = worker.trainer(worker.gpt()), worker.trainer(worker.gpt(9))
    lived.fit()
    assert resume(folder / "died", died) == worker.N_BEFORE
    died.fit()
    assert worker.far(worker.whole(died), worker.whole(lived)) < ROUNDING
    losses = died.history.train_loss, lived.history.train_loss
    assert worker.apart(*losses) < ROUNDING
