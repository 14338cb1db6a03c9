"""Training in shares: real processes on this machine, which must end with what one process ends with."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from running import finish, running
from support import fedge, one_line_error, write_class_folders
from waiting import TRAINING_SECONDS, eventually, free_port

from fedge.errors import ConfigError, RunError
from fedge.options.workers import Workers, parse_workers
from fedge_train.commands.workers import find_own
from fedge_train.networks.architectures import build
from fedge_train.networks.replicas import synchronized

SCRIPT = Path(__file__).parents[1] / "helpers/shared_fit.py"
Ended = dict[str, "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"]
# Of the last stage, whose pictures of 12x12 have become 3x3: the fewest values that a batch's variance is taken of.
FEWEST = 30 * 3 * 3


def start(out: Path, *arguments: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, SCRIPT, out, *map(str, arguments)], stderr=subprocess.DEVNULL)


def ended(process: "subprocess.Popen[bytes]", out: Path) -> Ended:
    assert process.wait(TRAINING_SECONDS) == 0
    with np.load(out) as archive:
        return {name: archive[name] for name in archive.files}


def trained(folder: Path, kind: str) -> Ended:
    out = folder / f"{kind}.npz"
    return ended(start(out, kind), out)


def together(folder: Path, count: int) -> list[Ended]:
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(count)]
    outs = [folder / f"{count}-{i}.npz" for i in range(count)]
    started = [start(out, "workers", i, *addresses) for i, out in enumerate(outs)]
    return [ended(process, out) for process, out in zip(started, outs, strict=True)]


def differences(first: Ended, second: Ended) -> tuple[float, float]:
    """The largest, relative to each array's largest value: of the running variances, and of all else."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for name, array in first.items():
        difference = float(np.abs(array - second[name]).max() / max(float(np.abs(array).max()), 1e-9))
        found["moving_variance" in name].append(difference)
    return max(found[True]), max(found[False])


def test_two_devices_two_workers_and_four_end_as_one_process_does(tmp_path: Path) -> None:
    one = trained(tmp_path, "one")
    # The same pictures in each batch, summed in another order: so much is rounding, and shares add some sums more.
    rounding = 10 * max(differences(one, trained(tmp_path, "shuffled")))
    assert 0 < rounding < 1e-4
    two, four = together(tmp_path, 2), together(tmp_path, 4)
    for shared in (trained(tmp_path, "devices"), two[0], four[0]):
        variances, others = differences(one, shared)
        assert others <= rounding
        # A single process corrects a running variance by n / (n - 1), replicas do not.
        assert variances <= 1 / (FEWEST - 1) + rounding
    for worker, chief in ((two[1], two[0]), *((other, four[0]) for other in four[1:])):
        assert max(differences(worker, chief)) == 0


def test_a_killed_worker_is_told_in_one_line_and_all_go_on_with_resume(tmp_path: Path) -> None:
    data = write_class_folders(tmp_path / "data", ["Bag", "Sneaker"], 40)
    run = tmp_path / "run"
    workers = ",".join(f"127.0.0.1:{free_port()}" for _ in range(2))
    asked = ["train", "--data", data, "--arch", "nano", "--epochs", 12, "--out", run, "--workers", workers]
    with running(*asked, "--worker", 0) as chief, running(*asked, "--worker", 1) as other:
        eventually(lambda: list(run.glob("checkpoints/epoch-0002-*")), TRAINING_SECONDS)
        os.kill(other.pid, signal.SIGKILL)
        _, said = chief.communicate(timeout=TRAINING_SECONDS)
        assert chief.returncode == 1
        assert "fedge: a worker is lost, and no worker can go on without it; start all of them again" in said
        assert "Traceback" not in said
    assert not (run / "report.json").exists()
    with running(*asked, "--worker", 1, "--resume") as other:
        code, out, said = finish(*asked, "--worker", 0, "--resume")
        _, other_said = other.communicate(timeout=TRAINING_SECONDS)
    assert code == 0, said
    assert "best epoch" in out
    assert "times as fast" in said
    assert other.returncode == 0
    assert "done: the run is written by the chief" in other_said
    assert (run / "report.json").is_file()


def test_what_workers_cannot_share_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="classic has dropout"):
        synchronized(build("classic", (28, 28, 1), 3))


def test_which_worker_this_is_follows_from_its_address() -> None:
    # 198.51.100.0/24 is for documentation, and no machine's.
    assert find_own(("198.51.100.1:2222", "127.0.0.1:2222"), None) == Workers(
        ("198.51.100.1:2222", "127.0.0.1:2222"), 1
    )
    with pytest.raises(RunError, match="none of --workers is this machine"):
        find_own(("198.51.100.1:2222", "198.51.100.2:2222"), None)
    with pytest.raises(RunError, match="several of --workers are this machine"):
        find_own(("127.0.0.1:2222", "127.0.0.1:2223"), None)


@pytest.mark.parametrize(
    ("text", "number", "said"),
    [
        ("10.0.0.5:2222,10.0.0.6", None, "is no HOST:PORT"),
        ("10.0.0.5:2222,10.0.0.6:99999", None, "is no HOST:PORT"),
        ("10.0.0.5:2222", None, "a single worker"),
        ("10.0.0.5:2222,10.0.0.5:2222", None, "an address twice"),
        ("10.0.0.5:2222,10.0.0.6:2222", 2, "is none of 2 workers"),
        (None, 1, "goes with --workers"),
    ],
)
def test_workers_that_are_none_are_refused(text: str | None, number: int | None, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_workers(text, number)


def test_the_command_refuses_them_in_one_line() -> None:
    assert "a single worker" in one_line_error(fedge("train", "--workers", "10.0.0.5:2222"))
