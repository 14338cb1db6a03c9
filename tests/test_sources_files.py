"""Files as sources: pictures, folders, videos; read ahead, each frame once and in order."""

from pathlib import Path

import numpy as np
import pytest

from collecting import collect
from fedge.errors import SourceError
from fedge.health import Health
from fedge.options import FaultLimits
from fedge.preprocess import Recipe
from fedge.sources.choose import open_camera, open_source
from fedge.sources.frame import Source
from fedge.sources.video import CaptureOptions
from fedge.sources.view import View, parse_region
from pictures_for_tests import jpeg, scene, write_video


def opened(source: object, view: View | None = None) -> Source:
    return open_source(str(source), CaptureOptions(view=view or View()), Health(), FaultLimits())


def everything(source: Source) -> list[np.ndarray]:
    return [frame.picture for frame in collect(source, lambda seen: False).frames]


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "MJPG"), ("a.mp4", "mp4v")])
def test_every_frame_of_a_video_comes_once_in_order_with_its_position(tmp_path: Path, name: str, codec: str) -> None:
    source = opened(write_video(tmp_path / name, 30, codec))
    assert (source.live, source.moving) == (False, True)
    frames = collect(source, lambda seen: False).frames
    assert len(frames) == 30
    # 25 frames a second; containers keep times in units of at most a millisecond.
    assert [frame.moment for frame in frames] == pytest.approx([i / 25 for i in range(30)], abs=1e-3)
    assert not np.array_equal(frames[0].picture, frames[1].picture)


def test_a_slow_reader_of_a_video_misses_nothing(tmp_path: Path) -> None:
    from time import sleep

    source = opened(write_video(tmp_path / "a.avi", 20))
    count = 0
    for item in source.frames():
        count += item is not None
        sleep(0.01)
    assert count == 20


def test_a_motion_jpeg_video_is_decoded_gray_and_reduced_for_a_small_gray_model(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.avi", 2)
    assert everything(opened(video, View(recipe=Recipe(28, 28))))[0].shape == (240, 320)
    assert everything(opened(video, View(recipe=Recipe(28, 28, "rgb"))))[0].shape == (480, 640, 3)


def test_pictures_come_in_order_and_as_the_view_says(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(scene(number)))
    source = opened(tmp_path, View(region=parse_region("0,0,100,50")))
    assert (source.live, source.moving) == (False, False)
    seen = collect(source, lambda seen: False)
    assert [Path(frame.source).name for frame in seen.frames] == ["0.jpg", "1.jpg", "2.jpg"]
    assert {frame.picture.shape for frame in seen.frames} == {(50, 100, 3)}


def test_hidden_folders_are_not_looked_into(tmp_path: Path) -> None:
    for name in ("seen", ".hidden", "seen/.hidden"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "a.jpg").write_bytes(jpeg(scene(0, 64, 48)))
    frames = collect(opened(tmp_path), lambda seen: False).frames
    assert [frame.source for frame in frames] == [str(tmp_path / "seen" / "a.jpg")]
    # But one that is named is.
    assert len(everything(opened(tmp_path / ".hidden"))) == 1


def test_a_picture_that_cannot_be_read_is_skipped_among_others_and_an_error_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    with pytest.raises(SourceError, match="cannot be decoded"):
        everything(opened(tmp_path / "bad.jpg"))
    (tmp_path / "good.jpg").write_bytes(jpeg(scene(0)))
    assert len(everything(opened(tmp_path))) == 1
    assert "skipped" in capsys.readouterr().err


def test_a_video_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(SourceError, match="cannot be opened"):
        opened(tmp_path / "a.mp4")


def test_closing_in_the_middle_ends_the_reading(tmp_path: Path) -> None:
    from threading import enumerate as threads
    from time import sleep

    source = opened(write_video(tmp_path / "a.avi", 100))
    collect(source, lambda seen: len(seen.frames) >= 3)
    while any(thread.name == "fedge-ahead" for thread in threads()):
        sleep(0.01)


@pytest.mark.parametrize("device", ["front door", "/dev/null", "-1"])
def test_what_is_no_camera_is_refused(device: str) -> None:
    with pytest.raises(SourceError, match="is no camera"):
        open_camera(device, CaptureOptions(), Health(), FaultLimits())


@pytest.mark.parametrize("device", ["99", "/dev/video99"])
def test_a_camera_that_is_not_there_is_an_error_that_names_the_mend(device: str) -> None:
    with pytest.raises(SourceError, match=r"camera 99 cannot be opened; .*plugged in"):
        everything(open_camera(device, CaptureOptions(), Health(), FaultLimits()))


def test_no_camera_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="no camera gives a picture"):
        everything(open_camera(None, CaptureOptions(), Health(), FaultLimits()))


def test_any_video_is_made_gray_and_reduced_for_a_small_gray_model_but_pictures_are_not(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", 2, "mp4v")
    assert everything(opened(video, View(recipe=Recipe(28, 28))))[0].shape == (240, 320)
    (tmp_path / "a.jpg").write_bytes(jpeg(scene(0)))
    assert everything(opened(tmp_path / "a.jpg", View(recipe=Recipe(28, 28))))[0].shape == (480, 640, 3)
