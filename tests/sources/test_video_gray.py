"""The brightness plane of a video file stands for its gray."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from collecting import collect
from pictures_for_tests import garment, scene

from fedge.images.cutout import CutOut
from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe, apply
from fedge.options import AS_IT_COMES, CameraOptions, FaultLimits, parse_region
from fedge.runner.health import Health
from fedge.sources.backends.video_gray import brightness_levels
from fedge.sources.factory import open_source

GRAY = Recipe(28, 28)


def video(path: Path, codec: str, *pictures: Picture) -> str:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25.0, (640, 480))
    assert writer.isOpened()
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return str(path)


def frames(path: str, recipe: Recipe | None, options: CameraOptions = AS_IT_COMES) -> list[Picture]:
    source = open_source(path, options, Health(), FaultLimits(), recipe)
    return [frame.picture for frame in collect(source, lambda seen: False).frames]


def in_colour(path: str) -> list[Picture]:
    return frames(path, None)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mp4v"), ("a.avi", "XVID")])
def test_the_network_is_shown_what_the_colours_would_show_it(tmp_path: Path, name: str, codec: str) -> None:
    path = video(tmp_path / name, codec, scene(0), garment(True), scene(1))
    assert brightness_levels(path) is not None
    for seen, colored in zip(frames(path, GRAY), in_colour(path), strict=True):
        assert seen.shape == (240, 320)
        # FFmpeg rounds the colours down, up to one step; averaging in two stages rounds once more.
        assert np.abs(apply(GRAY, seen).astype(int) - apply(GRAY, colored)).max() <= 2


def test_turned_and_cut_like_the_colours(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", "mp4v", scene(0))
    turned = CameraOptions(rotate=90, region=parse_region("0,0,240,320"))
    (seen,), (colored,) = frames(path, GRAY, turned), frames(path, None, turned)
    assert np.abs(apply(GRAY, seen).astype(int) - apply(GRAY, colored)).max() <= 2


def test_a_first_frame_that_fits_any_levels_tells_nothing_and_the_colours_are_decoded(tmp_path: Path) -> None:
    # At 113 the brightness in 16..235 and that in 0..255 are alike.
    path = video(tmp_path / "a.mp4", "mp4v", np.full((480, 640, 3), 113, dtype=np.uint8), garment(True))
    assert brightness_levels(path) is None
    for seen, colored in zip(frames(path, GRAY), in_colour(path), strict=True):
        # Averaging in two stages rounds once more.
        assert np.abs(apply(GRAY, seen).astype(int) - apply(GRAY, colored)).max() <= 1


def test_a_video_of_whole_colours_has_no_brightness_plane(tmp_path: Path) -> None:
    path = video(tmp_path / "a.avi", "HFYU", scene(0))
    assert brightness_levels(path) is None
    assert frames(path, GRAY)[0].shape == (240, 320)


@pytest.mark.parametrize("recipe", [Recipe(28, 28, "rgb"), Recipe(28, 28, cut_out=CutOut())])
def test_colours_stay_where_the_model_or_its_cut_out_needs_them(tmp_path: Path, recipe: Recipe) -> None:
    path = video(tmp_path / "a.mp4", "mp4v", scene(0))
    assert frames(path, recipe)[0].shape == (480, 640, 3)


def test_a_file_that_is_no_video_has_no_levels(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    assert brightness_levels(str(tmp_path / "a.mp4")) is None
