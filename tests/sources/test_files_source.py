"""Files as sources: pictures, folders, videos; read ahead, each frame once and in order."""

from collections.abc import Iterator
from pathlib import Path
from threading import enumerate as threads

import cv2
import numpy as np
import pytest
from collecting import collect
from pictures_for_tests import jpeg, scene, write_video
from waiting import eventually

from fedge.errors import SourceError
from fedge.images.preprocess import Recipe
from fedge.options import AS_IT_COMES, CameraOptions, FaultLimits, parse_region
from fedge.runner.health import Health
from fedge.sources.backends.video import VideoSource
from fedge.sources.base import Fault, Frame, Source
from fedge.sources.factory import open_camera, open_source
from fedge.sources.read_ahead import ReadAhead


def opened(source: object, options: CameraOptions = AS_IT_COMES, recipe: Recipe | None = None) -> Source:
    return open_source(str(source), options, Health(), FaultLimits(), recipe)


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


class Counted:
    """A source that counts the frames that it gave."""

    def __init__(self, source: Source) -> None:
        self.live, self.moving = source.live, source.moving
        self._source, self.given = source, 0

    def frames(self) -> Iterator[Frame | Fault | None]:
        for item in self._source.frames():
            self.given += isinstance(item, Frame)
            yield item

    def close(self) -> None:
        self._source.close()


def test_a_slow_reader_of_a_video_misses_nothing(tmp_path: Path) -> None:
    video = Counted(VideoSource(str(write_video(tmp_path / "a.avi", 20)), live=False))
    source, moments = ReadAhead(video), []
    for item in source.frames():
        if isinstance(item, Frame):
            moments.append(item.moment)
            # Reading goes on meanwhile, but not without bound.
            eventually(lambda: video.given > min(len(moments), 19))
            assert video.given < len(moments) + 10
    assert moments == pytest.approx([i / 25 for i in range(20)], abs=1e-3)


def test_a_motion_jpeg_video_is_decoded_gray_and_reduced_for_a_small_gray_model(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.avi", 2)
    assert everything(opened(video, recipe=Recipe(28, 28)))[0].shape == (240, 320)
    assert everything(opened(video, recipe=Recipe(28, 28, "rgb")))[0].shape == (480, 640, 3)


def test_pictures_come_in_order_and_as_the_view_says(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(scene(number)))
    source = opened(tmp_path, CameraOptions(region=parse_region("0,0,100,50")))
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


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "MJPG"), ("a.mp4", "mp4v")])
def test_a_region_outside_a_videos_picture_is_an_error_with_its_own_mend(tmp_path: Path, name: str, codec: str) -> None:
    source = opened(write_video(tmp_path / name, 2, codec), CameraOptions(region=parse_region("0,0,5000,5000")))
    with pytest.raises(SourceError, match="not inside the 640x480 picture; give one that is with --region"):
        everything(source)


def test_a_video_of_which_no_frame_can_be_decoded_is_an_error(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.avi", 3)
    # Their scans are gone: each JPEG ends within its header.
    video.write_bytes(video.read_bytes().replace(b"\xff\xda", b"\xff\xd9"))
    with pytest.raises(SourceError, match=r"a\.avi gives no frame \(a JPEG of \d+ bytes is cut off or damaged\)"):
        everything(opened(video))


def test_raw_h264_as_the_pis_camera_writes_it_is_a_video_whose_frames_have_positions(tmp_path: Path) -> None:
    video = tmp_path / "test.h264"
    video.write_bytes(h264([50, 100, 150]))
    frames = collect(opened(video), lambda seen: False).frames
    # Brightness is kept in 16..235; FFmpeg rounds the colours down, up to one step.
    expected = [(level - 16) * 255 / 219 for level in (50, 100, 150)]
    assert [frame.picture.mean() for frame in frames] == pytest.approx(expected, abs=1)
    # It names no rate; FFmpeg takes 25 frames a second.
    assert [frame.moment for frame in frames] == [0, 1 / 25, 2 / 25]


def h264(levels: list[int]) -> bytes:
    """Raw H.264 of 128x96: gray pictures of these levels, in blocks that are not compressed (I_PCM)."""
    parameters = bytes.fromhex("00000001 6742000af841a2 00000001 68ce3880")
    head, block_head, end = bytes.fromhex("00000001 05888421a0"), bytes.fromhex("0d00"), b"\x80"
    blocks = 8 * 6
    pictures = (block_head.join([bytes([level]) * 256 + bytes([128]) * 128] * blocks) for level in levels)
    return parameters + b"".join(head + picture + end for picture in pictures)


@pytest.mark.parametrize("suffix", ["264", "h265", "HEVC", "3gp", "wmv", "flv", "ogv"])
def test_what_has_the_name_of_a_video_is_taken_for_one(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a.{suffix}").write_bytes(b"no video")
    with pytest.raises(SourceError, match="check that it is a video file"):
        opened(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("name", ["a.MTS", "a.m2ts", "noext", "a.dat", "a.jpg"])
def test_a_video_is_one_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    write_video(tmp_path / "a.avi", 5).rename(tmp_path / name)
    source = opened(tmp_path / name)
    assert source.moving
    assert len(everything(source)) == 5


def test_an_animated_gif_is_a_video_and_another_is_a_picture(tmp_path: Path) -> None:
    animation = cv2.Animation()
    animation.frames = [scene(number, 64, 48) for number in range(4)]
    animation.durations = np.array([100] * 4)
    cv2.imwriteanimation(str(tmp_path / "a.gif"), animation)
    cv2.imwrite(str(tmp_path / "still.gif"), scene(0, 64, 48))
    assert len(everything(opened(tmp_path / "a.gif"))) == 4
    still = opened(tmp_path / "still.gif")
    assert not still.moving
    assert len(everything(still)) == 1


def test_what_is_neither_a_picture_nor_a_video_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(b"neither")
    with pytest.raises(SourceError, match=r"a\.dat is neither a picture nor a video; give a picture such as"):
        opened(tmp_path / "a.dat")


def test_closing_in_the_middle_ends_the_reading(tmp_path: Path) -> None:
    source = opened(write_video(tmp_path / "a.avi", 100))
    collect(source, lambda seen: len(seen.frames) >= 3)
    eventually(lambda: not any(thread.name == "fedge-ahead" for thread in threads()))


@pytest.mark.parametrize("device", ["front door", "/dev/null", "-1"])
def test_what_is_no_camera_is_refused(device: str) -> None:
    with pytest.raises(SourceError, match="is no camera"):
        everything(open_camera(device, AS_IT_COMES, Health(), FaultLimits()))


def test_a_camera_named_by_a_link_is_that_which_the_link_names_each_time_it_is_opened(tmp_path: Path) -> None:
    link = tmp_path / "usb-cam"
    source = open_camera(str(link), AS_IT_COMES, Health(), FaultLimits(wait=True))
    messages: list[str] = []
    for item in source.frames():
        if isinstance(item, Fault):
            messages.append(item.message)
            # Plugged in, and once more where it gets another number.
            link.unlink(missing_ok=True)
            link.symlink_to(f"/dev/video{97 + len(messages)}")
        if len(messages) == 3:
            break
    source.close()
    assert messages == [f"{link} is not there", "camera 98 cannot be opened", "camera 99 cannot be opened"]


@pytest.mark.parametrize("device", ["99", "/dev/video99"])
def test_a_camera_that_is_not_there_is_an_error_that_names_the_mend(device: str) -> None:
    with pytest.raises(SourceError, match=r"camera 99 cannot be opened; .*plugged in"):
        everything(open_camera(device, AS_IT_COMES, Health(), FaultLimits()))


def test_no_camera_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="no camera gives a picture"):
        everything(open_camera(None, AS_IT_COMES, Health(), FaultLimits()))


def test_any_video_is_made_gray_and_reduced_for_a_small_gray_model_but_pictures_are_not(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", 2, "mp4v")
    assert everything(opened(video, recipe=Recipe(28, 28)))[0].shape == (240, 320)
    (tmp_path / "a.jpg").write_bytes(jpeg(scene(0)))
    assert everything(opened(tmp_path / "a.jpg", recipe=Recipe(28, 28)))[0].shape == (480, 640, 3)
