"""`fedge run` takes a new model of the store while frames come: one that fits in place, another by starting again."""

import signal
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import cv2
import numpy as np
import pytest
from mjpeg_server import mjpeg_server
from model_file_lies import with_member
from running import next_line, running

from fedge.model.shipped import shipped_models
from fedge.store.store import Store
from fedge.store.trial import read_trial
from fedge.system.state import STORE_VARIABLE

LETTERS = [b"%c" % letter for letter in b"abcdefghij"]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store(tmp_path / "models")
    monkeypatch.setenv(STORE_VARIABLE, str(store.folder))
    store.use(store.add(shipped_models()["small"]))
    return store


@pytest.fixture
def run(store: Store) -> Iterator[Popen[str]]:
    options = ("--json", "--shadow", 0.5, "--least-fps", 0.1)
    with mjpeg_server() as server, running("run", "--source", server.url, *options) as process:
        yield process


def frames_until(process: Popen[str], sha256: str | None) -> list[int]:
    """The numbers of the frames up to the first that this model answers."""
    numbers = []
    while True:
        line = next_line(process)
        numbers.append(line["frame"])
        if line["model_sha256"] == sha256:
            return numbers


def test_a_model_that_fits_is_swapped_in_place_and_no_frame_is_lost(store: Store, run: Popen[str]) -> None:
    assert frames_until(run, store.current) == [0]
    store.use(store.add(shipped_models()["nano"]))
    numbers = frames_until(run, store.current)
    # Nothing began anew: the frames are counted on without a gap.
    assert numbers == list(range(1, len(numbers) + 1))
    trial = read_trial(store)
    assert trial is not None and trial.sha256 == store.current and trial.running
    run.send_signal(signal.SIGTERM)
    _, told = run.communicate()
    assert run.returncode == 0 and "answers now" in told
    paused = read_trial(store)
    assert paused is not None and not paused.running and paused.deaths == 0


def test_a_video_that_is_played_like_a_camera_follows_the_store(store: Store, tmp_path: Path) -> None:
    video = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 64))
    for _ in range(15):
        writer.write(np.full((64, 64, 3), 90, np.uint8))
    writer.release()
    options = ("--loop", "--realtime", "--json", "--shadow", 0.5, "--least-fps", 0.1)
    with running("run", "--source", video, *options) as process:
        assert frames_until(process, store.current) == [0]
        store.use(store.add(shipped_models()["nano"]))
        numbers = frames_until(process, store.current)
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_model_of_other_classes_starts_the_run_again(store: Store, run: Popen[str], tmp_path: Path) -> None:
    frames_until(run, store.current)
    other = tmp_path / "other.tflite"
    other.write_bytes(with_member(shipped_models()["nano"].read_bytes(), "labels.txt", b"\n".join(LETTERS)))
    store.use(store.add(other))
    assert frames_until(run, store.current)[-1] == 0
    run.send_signal(signal.SIGTERM)
    _, told = run.communicate()
    assert run.returncode == 0 and "starting again" in told


def test_a_model_that_kills_its_run_twice_is_rolled_back(store: Store, run: Popen[str]) -> None:
    small = store.current
    frames_until(run, small)
    store.use(store.add(shipped_models()["nano"]))
    frames_until(run, store.current)
    run.kill()
    run.wait()
    for expected in (store.current, small):
        with mjpeg_server() as server, running("run", "--source", server.url, "--json") as again:
            frames_until(again, expected)
            again.kill()
            again.wait()
    assert "died 2 times" in store.journal().history[-1].reason
