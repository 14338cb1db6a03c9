"""The empty scene before a still camera."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fedge import cutout
from fedge.background import Background, evidence, learn_background, load_background, save_background
from fedge.cutout import CutOut, Pixels
from fedge.errors import SourceError


def scene(seed: int, brighter: int = 0) -> Pixels:
    """A cluttered but still scene, with a camera's noise."""
    blocks = np.random.default_rng(0).integers(40, 200, (12, 16, 3), dtype=np.uint8)
    still = cv2.resize(blocks, (320, 240), interpolation=cv2.INTER_NEAREST).astype(int)
    return np.clip(still + brighter + np.random.default_rng(seed).normal(0, 3, still.shape), 0, 255).astype(np.uint8)


def with_object(picture: Pixels) -> tuple[Pixels, np.ndarray]:
    inside = np.zeros(picture.shape[:2], np.uint8)
    cv2.ellipse(inside, (160, 120), (50, 80), 0, 0, 360, 1, cv2.FILLED)
    picture = picture.copy()
    picture[inside > 0] = (90, 30, 220)
    return picture, inside > 0


@pytest.fixture
def background() -> Background:
    return learn_background(scene(seed) for seed in range(1, 11))


@pytest.mark.parametrize("brighter", [0, 15])
def test_what_differs_from_the_empty_scene_is_the_object(background: Background, brighter: int) -> None:
    picture, inside = with_object(scene(99, brighter))
    found = cutout.find(CutOut(), picture, background)
    truth = cv2.resize(inside.astype(np.uint8) * 255, found.mask.shape[::-1], interpolation=cv2.INTER_AREA) > 127
    mask = found.mask > 0
    # An ellipse of 30 x 48 of the mask's pixels has a rim of about a tenth of its area: one pixel off gives 0.85.
    assert (mask & truth).sum() / (mask | truth).sum() > 0.85


def test_the_empty_scene_itself_is_no_object(background: Background) -> None:
    found = cutout.find(CutOut(), scene(98), background)
    assert found.quality < CutOut().least_quality


def test_evidence_is_low_where_nothing_changed_and_high_where_something_did(background: Background) -> None:
    picture, inside = with_object(scene(97))
    lab = np.asarray(cv2.cvtColor(cv2.resize(picture, (96, 72), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2LAB))
    small = cv2.resize(inside.astype(np.uint8) * 255, (96, 72), interpolation=cv2.INTER_AREA)
    difference = evidence(background, lab.astype(np.uint8))
    assert difference[small == 255].mean() > 0.9 and difference[small == 0].mean() < -0.5


def test_a_background_is_saved_and_read_again(background: Background, tmp_path: Path) -> None:
    save_background(background, tmp_path / "empty.npz")
    again = load_background(tmp_path / "empty.npz")
    # Stored as float32, whose step at 255 is 1.5e-5.
    assert np.abs(again.lab - background.lab).max() < 1.6e-5
    assert np.abs(again.spread - background.spread).max() < 1.6e-5


def test_too_few_frames_and_frames_of_two_sizes_are_refused() -> None:
    with pytest.raises(SourceError, match="only 2 frames"):
        learn_background([scene(1), scene(2)])
    with pytest.raises(SourceError, match="differ in size"):
        learn_background([scene(1), scene(2), scene(3)[:100]])


def test_a_file_that_is_no_background_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        load_background(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("text")
    with pytest.raises(SourceError, match="not an empty scene"):
        load_background(tmp_path / "text.npz")
    np.savez(tmp_path / "shape.npz", lab=np.zeros((5, 5, 3), np.float32), spread=np.zeros((4, 5), np.float32))
    with pytest.raises(SourceError, match="does not hold"):
        load_background(tmp_path / "shape.npz")
