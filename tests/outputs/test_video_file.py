"""`--save`: a video of what was seen."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from full_disk import no_room_for_more_than
from pictures_for_tests import room
from results import result
from web_helpers import RECIPE

from fedge.errors import OutputError
from fedge.options.outputs import VideoOptions
from fedge.outputs.base import NeverTaken
from fedge.outputs.files.video_file import VideoFile
from fedge.runner.result import Result

PICTURE = room(240, 320)


def at(number: int, seconds: float, height: int = 240) -> Result:
    """The answer to a frame that was taken at `seconds`."""
    answer = result(number, picture=cv2.resize(PICTURE, (height * 4 // 3, height)))
    return replace(answer, frame=replace(answer.frame, position=seconds))


def read(path: Path) -> tuple[list[np.ndarray], float]:
    """A video's frames and rate."""
    video = cv2.VideoCapture(str(path))
    frames = []
    while (read := video.read())[0]:
        frames.append(np.asarray(read[1]))
    return frames, video.get(cv2.CAP_PROP_FPS)


@pytest.mark.parametrize("name", ["seen.mp4", "seen.mkv", "seen.avi"])
def test_the_video_has_each_frame_and_their_rate(tmp_path: Path, name: str) -> None:
    output = VideoFile(tmp_path / name, 10**9, RECIPE, moving=True)
    for number in range(40):
        output.show(at(number, number / 25))
    output.close()
    frames, rate = read(tmp_path / name)
    assert len(frames) == 40
    assert rate == pytest.approx(25, abs=0.1)
    assert frames[0].shape[0] == 240
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_frames_that_were_left_out_do_not_shorten_it(tmp_path: Path) -> None:
    output = VideoFile(tmp_path / "seen.avi", 10**9, RECIPE, moving=True)
    for number in [*range(10), *range(30, 40)]:
        output.show(at(number, number / 10))
    output.close()
    assert len(read(tmp_path / "seen.avi")[0]) == 40


def test_pictures_stand_for_a_second_each_in_one_size(tmp_path: Path) -> None:
    output = VideoFile(tmp_path / "seen.avi", 10**9, RECIPE, moving=False)
    for number, height in enumerate((240, 480, 120)):
        output.show(at(number, number / 1000, height))
    output.close()
    frames, rate = read(tmp_path / "seen.avi")
    assert (len(frames), rate) == (3, 1.0)
    assert {frame.shape for frame in frames} == {frames[0].shape}


def test_a_video_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "seen.mp4"
    path.write_bytes(b"dear to somebody")
    with pytest.raises(OutputError, match="is there already"):
        VideoFile(path, 10**9, RECIPE, moving=True)
    assert path.read_bytes() == b"dear to somebody"


def test_another_suffix_is_refused() -> None:
    with pytest.raises(OutputError, match="no name of a video"):
        VideoOptions(Path("seen.gif"), 1)


def test_it_ends_where_it_is_full_and_can_be_played(tmp_path: Path) -> None:
    output = VideoFile(tmp_path / "seen.avi", 100_000, RECIPE, moving=True)
    with pytest.raises(NeverTaken, match=r"has 0\.1 MB"):
        for number in range(10_000):
            output.show(at(number, number / 25))
    assert not output.wants(at(0, 0))
    output.close()
    assert read(tmp_path / "seen.avi")[0]


def test_without_a_frame_there_is_no_video(tmp_path: Path) -> None:
    VideoFile(tmp_path / "seen.mp4", 10**9, RECIPE, moving=True).close()
    assert not [*tmp_path.iterdir()]


def test_on_a_full_disk_that_is_said_and_nothing_half_written_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = VideoFile(tmp_path / "seen.mp4", 10**9, RECIPE, moving=True)
    with no_room_for_more_than(1000):
        for number in range(100):
            output.show(at(number, number / 25))
        output.close()
    assert "the disk did not take all of it" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]
