"""The camera module through `rpicam-vid`: a program of that name on PATH plays its part."""

import os
import stat
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from collecting import Seen, collect
from pictures_for_tests import jpeg, scene, write_video
from waiting import PATIENCE_SECONDS, eventually

from fedge.errors import SourceError
from fedge.images.preprocess import Recipe
from fedge.options import AS_IT_COMES, CameraOptions, FaultLimits, parse_region
from fedge.runner.health import Health
from fedge.sources.backends.picamera import Picamera2Camera
from fedge.sources.backends.video import VideoSource
from fedge.sources.base import Fault, Frame, Source
from fedge.sources.factory import open_camera

PROGRAM = """#!{python}
import os, pathlib, signal, subprocess, sys, time
here = pathlib.Path({folder!r})
if "--list-cameras" in sys.argv:
    cameras = (here / "cameras").read_text()
    if cameras == "hangs":
        signal.pause()
    sys.exit(print(cameras))
with open(here / "arguments", "a") as log:
    print(*sys.argv[1:], file=log)
mode = (here / "mode").read_text()
data = (here / "frame.jpg").read_bytes()
if mode == "absent":
    sys.exit("no cameras available")
for number in range(10**6):
    if mode == "hangs" and number == 5:
        # A child that outlives its parent keeps the pipe open.
        subprocess.run([sys.executable, "-c", "import signal; signal.pause()"])
    if mode == "dies" and number == 5:
        break
    if mode == "cuts":
        # Only the newest is looked at, so it stays that until it was seen: until there is a byte more in a pipe.
        os.read(os.open(here / "seen", os.O_RDONLY), 1)
    if mode == "cuts" and number == 5:
        # Cut off before its Huffman tables: what is missing of the pixels libjpeg fills in without a word. The start of
        # the next one tells that it is over.
        sys.stdout.buffer.write(data[: data.index(bytes([255, 196]))] + bytes([255, 217]) + data[:2])
        sys.stdout.buffer.flush()
        os.read(os.open(here / "seen", os.O_RDONLY), 1)
        sys.stdout.buffer.write(data[2:])
        sys.stdout.buffer.flush()
        continue
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    # A camera's fifty frames a second.
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


def camera(options: CameraOptions = AS_IT_COMES, wait: bool = False, stall_after: float = 1.0) -> tuple[Source, Health]:
    health, limits = Health(), FaultLimits(stall_after=stall_after, frozen_after=0, wait=wait)
    return open_camera("csi", options, health, limits), health


def test_it_gives_the_programs_frames_with_the_options_passed_on(camera_module: Path) -> None:
    options = CameraOptions(1280, 960, 15, rotate=90)
    seen = collect(camera(options)[0], lambda seen: len(seen.frames) >= 3)
    assert seen.frames[0].picture.shape == (640, 480, 3)
    assert seen.frames[0].source == "csi"
    arguments = (camera_module / "arguments").read_text()
    assert "--width 1280 --height 960 --framerate 15" in arguments
    assert "--flush" in arguments.split()


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
    os.mkfifo(camera_module / "seen")
    # Opened for both, it waits for nobody.
    pipe = os.open(camera_module / "seen", os.O_RDWR)
    os.write(pipe, b".")
    told = 0

    def until(seen: Seen) -> bool:
        nonlocal told
        os.write(pipe, b"." * (len(seen.items) - told))
        told = len(seen.items)
        return seen.frames_after("corrupt") >= 3

    seen = collect(camera(stall_after=PATIENCE_SECONDS)[0], until)
    os.close(pipe)
    size = (camera_module / "frame.jpg").read_bytes().index(b"\xff\xc4") + 2
    fault = next(item for item in seen.items if isinstance(item, Fault))
    assert (fault.kind, fault.message) == ("corrupt", f"a JPEG of {size} bytes is cut off or damaged")
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


def test_a_region_outside_the_picture_is_an_error_with_its_own_mend(camera_module: Path) -> None:
    with pytest.raises(SourceError, match="not inside the 640x480 picture; give one that is with --region"):
        collect(camera(CameraOptions(region=parse_region("0,0,5000,5000")))[0], lambda seen: False)


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the /dev/video nodes that were opened, in order: of three, the first gives no picture."""
    devices = tmp_path / "dev"
    devices.mkdir()
    for name in ("video10", "video2", "video0"):
        (devices / name).touch()
    video, opened = str(write_video(tmp_path / "usb.avi", 10)), list[int]()

    def open_node(number: int, live: bool, options: CameraOptions, recipe: Recipe | None) -> VideoSource:
        opened.append(number)
        source = VideoSource(video, live, options, recipe=recipe)
        while number == 0 and source.gives_a_frame():
            pass
        return source

    monkeypatch.setattr("fedge.sources.factory.DEVICES", devices)
    monkeypatch.setattr("fedge.sources.factory.VideoSource", open_node)
    return opened


def first_frame() -> Frame:
    source = open_camera(None, AS_IT_COMES, Health(), FaultLimits())
    return collect(source, lambda seen: seen.frames).frames[0]


def test_the_camera_module_comes_first_where_it_is_listed(camera_module: Path, nodes: list[int]) -> None:
    listed = (
        "Available cameras\n-----------------\n0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)"
    )
    (camera_module / "cameras").write_text(listed)
    assert first_frame().source == "csi"
    assert nodes == []


@pytest.mark.parametrize("cameras", ["No cameras available!", "hangs"])
def test_where_no_camera_module_is_listed_the_first_node_that_gives_a_picture_is_taken(
    camera_module: Path, nodes: list[int], monkeypatch: pytest.MonkeyPatch, cameras: str
) -> None:
    monkeypatch.setattr("fedge.sources.backends.csi.LIST_SECONDS", 0.5)
    (camera_module / "cameras").write_text(cameras)
    assert first_frame().source.endswith("usb.avi")
    assert nodes == [0, 2]


def test_no_program_is_an_error_that_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="rpicam-apps"):
        collect(camera()[0], lambda seen: seen.frames)


class FakePicamera2:
    """The calls that picamera2 documents, for a machine without a camera module; its class remembers them.

    Attributes:
        asked: what the configuration was made of.
        taken: whether the camera is.
        broken: whether it cannot be configured.
    """

    asked: ClassVar[dict[str, Any]]
    taken: ClassVar[bool]
    broken: ClassVar[bool]

    def __init__(self) -> None:
        assert not self.taken
        type(self).taken = True

    def create_video_configuration(self, **arguments: Any) -> dict[str, Any]:
        self.asked.update(arguments)
        return arguments

    def configure(self, configuration: dict[str, Any]) -> None:
        if self.broken:
            raise RuntimeError("no such mode")

    def start(self) -> None: ...
    def close(self) -> None:
        type(self).taken = False

    def capture_array(self, name: str) -> Any:
        assert self.taken
        return scene(0)


@pytest.fixture
def picamera2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[FakePicamera2]:
    FakePicamera2.asked, FakePicamera2.taken, FakePicamera2.broken = {}, False, False
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=FakePicamera2, __spec__=object()))
    return FakePicamera2


def test_without_the_program_picamera2_is_used_where_it_is(picamera2: type[FakePicamera2]) -> None:
    seen = collect(camera(CameraOptions(320, 240, 10))[0], lambda seen: seen.frames)
    assert np.array_equal(seen.frames[0].picture, scene(0))
    assert picamera2.asked["main"] == {"format": "RGB888", "size": (320, 240)}
    assert picamera2.asked["controls"] == {"FrameRate": 10}
    # By the thread that reads it.
    eventually(lambda: not picamera2.taken)


def test_picamera2_lets_go_of_a_camera_that_it_could_not_configure(picamera2: type[FakePicamera2]) -> None:
    picamera2.broken = True
    with pytest.raises(RuntimeError, match="no such mode"):
        Picamera2Camera(AS_IT_COMES)
    assert not picamera2.taken


def test_picamera2_lets_go_of_a_camera_whose_frames_nobody_asked_for(picamera2: type[FakePicamera2]) -> None:
    opened = Picamera2Camera(AS_IT_COMES)
    assert picamera2.taken
    opened.close()
    assert not picamera2.taken
    another = Picamera2Camera(AS_IT_COMES)
    # Neither closing again nor asking now touches the camera, which is another's.
    opened.close()
    assert list(opened.frames()) == []
    assert picamera2.taken
    another.close()
