"""The camera module through `rpicam-vid`: a program of that name on PATH plays its part."""

import stat
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from collecting import collect
from fedge.errors import SourceError
from fedge.health import Health
from fedge.options import FaultLimits
from fedge.sources.choose import open_camera
from fedge.sources.frame import Fault, Source
from fedge.sources.video import CaptureOptions
from fedge.sources.view import View
from pictures_for_tests import jpeg, scene

PROGRAM = """#!{python}
import pathlib, subprocess, sys, time
here = pathlib.Path({folder!r})
with open(here / "arguments", "a") as log:
    print(*sys.argv[1:], file=log)
mode = (here / "mode").read_text()
data = (here / "frame.jpg").read_bytes()
if mode == "absent":
    sys.exit("no cameras available")
for number in range(10**6):
    if mode == "hangs" and number == 5:
        # A child that outlives its parent keeps the pipe open.
        subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"])
    if mode == "dies" and number == 5:
        break
    if mode == "cuts" and number % 20 == 5:
        # Cut off in its tables: what is missing of the pixels libjpeg fills in without a word. Only the newest frame is
        # looked at, so it stays that for a while.
        sys.stdout.buffer.write(data[:300] + bytes([255, 217]))
        sys.stdout.buffer.flush()
        time.sleep(0.3)
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    time.sleep(0.02)
"""


@pytest.fixture
def camera_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "rpicam-vid"
    program.write_text(PROGRAM.format(python=sys.executable, folder=str(tmp_path)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "frame.jpg").write_bytes(jpeg(scene(0)))
    monkeypatch.setenv("PATH", str(tmp_path))
    set_mode(tmp_path, "works")
    return tmp_path


def set_mode(folder: Path, mode: str) -> None:
    (folder / "mode").write_text(mode)


def camera(options: CaptureOptions | None = None, wait: bool = False) -> tuple[Source, Health]:
    health, limits = Health(), FaultLimits(stall_after=1.0, frozen_after=0, wait=wait)
    return open_camera("csi", options or CaptureOptions(), health, limits), health


def test_it_gives_the_programs_frames_with_the_options_passed_on(camera_module: Path) -> None:
    options = CaptureOptions(1280, 960, 15, View(rotate=90))
    seen = collect(camera(options)[0], lambda seen: len(seen.frames) >= 3)
    assert seen.frames[0].picture.shape == (640, 480, 3)
    assert seen.frames[0].source == "csi"
    arguments = (camera_module / "arguments").read_text()
    assert "--width 1280 --height 960 --framerate 15" in arguments


@pytest.mark.parametrize(("mode", "kind"), [("hangs", "stalled"), ("dies", "lost")])
def test_a_program_that_hangs_or_dies_is_started_again(camera_module: Path, mode: str, kind: str) -> None:
    set_mode(camera_module, mode)
    source, health = camera()

    def until(seen: Any) -> bool:
        if seen.kinds:
            set_mode(camera_module, "works")
        return bool(seen.frames_after(kind) >= 3)

    seen = collect(source, until)
    assert kind in seen.kinds
    assert health.snapshot().recoveries >= 1


def test_a_jpeg_that_is_cut_off_is_told(camera_module: Path) -> None:
    set_mode(camera_module, "cuts")
    seen = collect(camera()[0], lambda seen: seen.frames_after("corrupt") >= 3 or len(seen.frames) >= 100)
    # The stream goes on after it.
    assert seen.frames_after("corrupt") >= 3
    fault = next(item for item in seen.items if isinstance(item, Fault))
    assert (fault.kind, fault.message) == ("corrupt", "a JPEG of 302 bytes cannot be decoded")
    # The program was not started again for it.
    assert len((camera_module / "arguments").read_text().splitlines()) == 1


def test_no_camera_at_the_start_is_an_error(camera_module: Path) -> None:
    set_mode(camera_module, "absent")
    with pytest.raises(SourceError, match="stopped after 0 frames"):
        collect(camera()[0], lambda seen: seen.frames)


def test_no_camera_at_the_start_is_waited_for_if_asked(camera_module: Path) -> None:
    set_mode(camera_module, "absent")
    source, _ = camera(wait=True)

    def until(seen: Any) -> bool:
        if seen.kinds:
            set_mode(camera_module, "works")
        return bool(seen.frames)

    assert collect(source, until).frames


def test_no_program_is_an_error_that_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="rpicam-apps"):
        collect(camera()[0], lambda seen: seen.frames)


def test_without_the_program_picamera2_is_used_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    class Picamera2:
        """The calls that picamera2 documents, for a machine without a camera module."""

        def create_video_configuration(self, **arguments: Any) -> dict[str, Any]:
            asked.update(arguments)
            return arguments

        def configure(self, configuration: dict[str, Any]) -> None: ...
        def start(self) -> None: ...
        def close(self) -> None:
            asked["closed"] = True

        def capture_array(self, name: str) -> Any:
            return scene(0)

    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "picamera2.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=Picamera2, __spec__=object()))
    seen = collect(camera(CaptureOptions(320, 240, 10))[0], lambda seen: seen.frames)
    assert np.array_equal(seen.frames[0].picture, scene(0))
    assert asked["main"] == {"format": "RGB888", "size": (320, 240)}
    assert asked["controls"] == {"FrameRate": 10}
