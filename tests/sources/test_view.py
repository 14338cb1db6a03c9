"""Rotation, region, and gray reduced decoding that stays within what the recipe gives."""

from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from collecting import collect
from pictures_for_tests import garment, jpeg, scene

from fedge.commands.replay import score_tolerance
from fedge.errors import SourceError
from fedge.images.cutout import CutOut
from fedge.images.preprocess import Recipe, apply
from fedge.model.classifier import load
from fedge.options import CameraOptions, FaultLimits, Region, Rotation, parse_region
from fedge.runner.health import Health
from fedge.sources.factory import open_asked
from fedge.sources.view import View

GRAY = Recipe(28, 28, "gray", "pad", "dark-background")


def test_rotation_is_clockwise() -> None:
    picture = np.zeros((2, 3, 3), dtype=np.uint8)
    picture[0, 0] = 255
    assert View(90).apply(picture)[0, 1].all()
    assert View(180).apply(picture)[1, 2].all()
    assert View(270).apply(picture)[2, 0].all()


def test_the_region_is_of_the_turned_picture() -> None:
    picture = scene(0)
    seen = View(90, parse_region("10,20,30,40")).apply(picture)
    assert np.array_equal(seen, np.rot90(picture, -1)[20:60, 10:40])


def test_fractions_are_of_the_picture() -> None:
    assert parse_region("0.25,0,0.5,1").pixels(640, 480) == (160, 0, 480, 480)
    assert parse_region("0,0,1,1").pixels(640, 480) == (0, 0, 640, 480)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "a,b,c,d", "-1,0,5,5", "1,2,3,4,5", "nan,0,1,1", "0.5,0,0.6,1", "0,0,0,9"]
)
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(SourceError):
        parse_region(text)


@pytest.mark.parametrize("rotation", get_args(Rotation))
def test_each_rotation_of_the_command_line_is_that_of_the_picture(tmp_path: Path, rotation: Rotation) -> None:
    picture = scene(0)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    asked = CameraOptions(rotate=rotation)
    source = open_asked(str(tmp_path / "a.png"), None, asked, None, Health(), FaultLimits())
    (frame,) = collect(source, lambda seen: False).frames
    assert np.array_equal(frame.picture, np.rot90(picture, -rotation // 90))


@pytest.mark.parametrize("region", [Region(600, 0, 41, 10), Region(0, 470, 10, 11), Region(0, 0, 0.4, 10)])
def test_a_region_outside_or_empty_is_refused(region: Region) -> None:
    with pytest.raises(SourceError):
        View(region=region).apply(scene(0))


@pytest.mark.parametrize("rotate", [0, 90])
@pytest.mark.parametrize("region", [None, "160,80,320,320", "0.25,0.25,0.5,0.5", "13,17,301,299"])
def test_gray_reduced_decoding_gives_the_models_input_of_colour_decoding(rotate: int, region: str | None) -> None:
    cut = parse_region(region) if region else None
    plain, reduced = View(rotate, cut), View(rotate, cut, GRAY)
    pictures = [scene(i) for i in range(4)] + [garment(True, i) for i in range(4)]
    differences = []
    for data in map(jpeg, pictures):
        in_colour, in_gray = plain.decode(data, 640, 480), reduced.decode(data, 640, 480)
        assert in_colour is not None and in_gray is not None
        assert in_gray.ndim == 2
        decoded = View().decode(data, 640, 480)
        assert decoded is not None
        for smaller in (in_gray, reduced.reduce(decoded)):
            assert smaller.shape == in_gray.shape
            differences.append(np.abs(apply(GRAY, in_colour).astype(int) - apply(GRAY, smaller).astype(int)))
    # A cell has four sides. Along each, one reduced pixel of at least 8 to the cell belongs to two cells; an edge of
    # the picture inside it puts at most a quarter of its light into the wrong one. At the shapes' contrast of 205:
    assert np.max(differences) <= 4 * 205 / 4 / 8
    # Light put into the wrong cell is missing in its neighbour, so the average is kept but for rounding, half a step.
    assert np.mean(differences) <= 0.5


def test_gray_reduced_decoding_gives_the_answer_of_colour_decoding(quantized: tuple[Path, object]) -> None:
    classifier = load(quantized[0])
    plain, reduced = View(), View(recipe=classifier.model.manifest.preprocessing)
    assert reduced.reduction(640, 480) == 2
    for number in range(20):
        data = jpeg(scene(number))
        in_colour, in_gray = plain.decode(data, 640, 480), reduced.decode(data, 640, 480)
        assert in_colour is not None and in_gray is not None
        expected, got = classifier.classify(in_colour), classifier.classify(in_gray)
        # Two machines that are both right may differ by as much; see `score_tolerance`.
        differences = np.abs(np.subtract(expected.probabilities, got.probabilities))
        assert differences.max() <= score_tolerance(classifier)


def test_how_far_a_jpeg_is_reduced() -> None:
    assert View(recipe=GRAY).reduction(640, 480) == 2
    assert View(recipe=GRAY).reduction(1280, 960) == 4
    assert View(recipe=GRAY).reduction(2560, 1920) == 8
    assert View(recipe=GRAY).reduction(120, 90) == 1
    assert View(recipe=GRAY, region=parse_region("1,1,320,320")).reduction(640, 480) == 1
    assert View(recipe=GRAY, region=parse_region("2,4,480,460")).reduction(640, 480) == 2
    assert View(recipe=Recipe(224, 224, "gray")).reduction(640, 480) == 1
    assert View(recipe=Recipe(28, 28, "rgb")).reduction(640, 480) == 0
    assert View().reduction(640, 480) == 0


@pytest.mark.parametrize("recipe", [Recipe(28, 28, "rgb"), Recipe(28, 28, "gray", cut_out=CutOut())])
def test_a_model_of_colours_or_that_cuts_out_gets_colours_whole(recipe: Recipe) -> None:
    data = jpeg(scene(0))
    view = View(recipe=recipe)
    assert not view.gray
    assert view.reduce(scene(0)).shape == (480, 640, 3)
    seen = view.decode(data, 640, 480)
    assert seen is not None
    assert np.array_equal(seen, cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
