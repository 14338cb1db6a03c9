"""Teaching by keys: frames of a camera in memory, keys through a real pseudo-terminal."""

import io
import os
import pty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tiny_networks import colored, write_tiny_backbone

from fedge.commands.making import teach_by_keys as work
from fedge.commands.making.keys import Keys, keys_of
from fedge.commands.making.teach import TeachOptions
from fedge.commands.making.teach_by_keys import CameraLesson, Recorder, record, teach_by_keys
from fedge.errors import CaptureError, FedgeError
from fedge.images.preprocess import Recipe
from fedge.making.backbone import read_backbone
from fedge.making.features import FeatureExtractor
from fedge.model import file as model_file
from fedge.sources.base import Fault, Frame


class ScriptedCamera:
    """Ten frames a second on its own clock; before a frame comes, its keys are typed."""

    live = True
    moving = True

    def __init__(self, script: list[tuple[str, str]], terminal: int) -> None:
        self._script, self._terminal = script, terminal
        self.closed = False

    def frames(self) -> Iterator[Frame | Fault | None]:
        yield None
        for i, (keys, name) in enumerate(self._script):
            os.write(self._terminal, keys.encode())
            yield Frame(colored(name, i), "memory", position=i / 10)

    def close(self) -> None:
        self.closed = True


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """A pseudo-terminal: what types, and what reads."""
    types, reads = pty.openpty()
    try:
        yield types, reads
    finally:
        os.close(types)
        os.close(reads)


def hold(key: str, name: str, frames: int, then: int = 8) -> list[tuple[str, str]]:
    """A key held over so many frames, and frames after it without a key."""
    return [(key, name)] * frames + [("", name)] * then


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_backbone(tmp_path_factory.mktemp("backbone") / "tiny.tflite")


def recorder_for(backbone: Path, folder: Path) -> Recorder:
    return Recorder(("blue", "red"), folder, FeatureExtractor(read_backbone(backbone)), Recipe(32, 32, "rgb"))


def test_a_held_key_records_and_its_release_learns(
    backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = recorder_for(backbone, tmp_path / "photos")
    with terminal() as (types, reads), keys_of(reads) as keys:
        camera = ScriptedCamera(hold("1", "blue", 12) + hold("2", "red", 12, then=12) + [("q", "red")], types)
        record(camera, keys, recorder)
    assert camera.closed
    said = capsys.readouterr().err
    assert "1: blue, 2: red" in said and "learned from" in said
    # The key counts for 0.7 s after it was last seen: six more frames of ten a second.
    assert len(list((tmp_path / "photos" / "blue").iterdir())) in range(12, 20)
    after = said[said.rindex("learned from") :]
    assert "red " in after and after.count("red ") > after.count("blue ")
    frames = recorder.unlabelled()
    assert frames is not None and len(frames.images) > 1


def test_q_writes_a_model_file(backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "mine.tflite"
    with terminal() as (types, reads):
        camera = ScriptedCamera(hold("1", "blue", 15) + hold("2", "red", 15) + [("q", "red")], types)
        monkeypatch.setattr(work, "open_asked", lambda *_: camera)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.FileIO(reads, closefd=False)))
        report = teach_by_keys(TeachOptions(backbone, (), out, unproved=True), CameraLesson(("blue", "red")))
    assert report.labels == ("blue", "red") and model_file.read(out).labels == ("blue", "red")
    assert (tmp_path / "mine-photos" / "red").is_dir()


def test_too_few_pictures_are_told_and_kept(backbone: Path, tmp_path: Path) -> None:
    recorder = recorder_for(backbone, tmp_path / "photos")
    recorder.see(colored("blue", 0), 0)
    recorder.see(colored("blue", 0), 0)
    with pytest.raises(CaptureError, match="blue got 1 pictures"):
        recorder.require_enough()
    assert len(list((tmp_path / "photos" / "blue").iterdir())) == 1


@pytest.mark.parametrize("labels", [("one",), ("a", "a"), ("a", "../b"), ("a", "b/c"), tuple("abcdefghij")])
def test_classes_without_a_key_or_a_folder_are_refused(backbone: Path, tmp_path: Path, labels: tuple[str, ...]) -> None:
    with pytest.raises(FedgeError):
        teach_by_keys(TeachOptions(backbone, (), tmp_path / "m.tflite"), CameraLesson(labels))


def test_what_is_no_terminal_is_refused_and_one_that_is_gone_ends(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file, pytest.raises(FedgeError, match="no keyboard"), keys_of(file.fileno()):
        pass
    types, reads = pty.openpty()
    os.close(types)
    assert Keys(reads).pressed().endswith("q")
    os.close(reads)
