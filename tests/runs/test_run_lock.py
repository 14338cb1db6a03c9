"""Two processes and one run folder: the second is refused, and death releases the folder."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fedge.errors import RunError
from fedge.system.files import short_name, write_bytes
from fedge_quantize.candidates import QuantizeOptions
from fedge_quantize.quantize import quantize
from fedge_train.commands.train import train
from fedge_train.commands.train_settings import TrainOptions
from fedge_train.runs.lock import is_being_written, reading, writing
from fedge_train.runs.run_folder import latest_unfinished, new_folder

HOLD = """
import sys, pathlib
from fedge_train.runs.lock import writing
with writing(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process trains into the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_training_into_the_same_folder_is_refused_and_death_releases_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with held(run) as process:
        assert is_being_written(run)
        for work in (
            lambda: train(TrainOptions(data=(str(tmp_path),), out=run)),
            lambda: train(TrainOptions(out=run, resume=True)),
            lambda: quantize(QuantizeOptions(run)),
        ):
            with pytest.raises(RunError, match=f"another process is at work in {run}; wait until it has ended"):
                work()
        process.kill()
        process.wait()
        with writing(run):
            pass


def test_going_on_passes_by_what_is_being_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("busy", "waiting"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "config.json").touch()
    with held(tmp_path / "runs" / "busy"):
        assert latest_unfinished().name == "waiting"


def test_readers_share_a_folder_and_a_folder_of_nothing_is_removed(tmp_path: Path) -> None:
    with reading(tmp_path), reading(tmp_path):
        assert not is_being_written(tmp_path)
        with pytest.raises(RunError), writing(tmp_path):
            pass
    with writing(tmp_path / "made"):
        pass
    assert not (tmp_path / "made").exists()
    with writing(tmp_path / "kept"):
        (tmp_path / "kept" / "a").touch()
    assert (tmp_path / "kept").is_dir()


def test_long_names_are_cut_where_something_is_added_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = new_folder("n" * 245 + "-nano")
    (folder / "x").mkdir(parents=True)
    assert new_folder("n" * 245 + "-nano").name == folder.name + "-2"
    write_bytes(folder / f"{short_name(folder.name)}.tflite", b"")
    assert len(short_name("ü" * 150).encode()) <= 200
    assert short_name("ü" * 150) == "ü" * 100
    write_bytes(tmp_path / ("n" * 255), b"whole")
