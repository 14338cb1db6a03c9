"""Difference hashes: what a camera does to a picture of one scene is alike, another scene or pose is not."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from pictures_for_tests import jpeg, room, scene

from fedge.images.near_duplicates import MAX_DISTANCE, NearDuplicates, difference_hash, distance
from fedge.images.picture import Picture

NUMBERS = range(10)


def noisy(picture: Picture) -> Picture:
    noise = np.random.default_rng(1).normal(0, 5, picture.shape)
    return np.asarray(np.clip(picture + noise, 0, 255), dtype=np.uint8)


def compressed(picture: Picture) -> Picture:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg(picture), np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)


def darker(picture: Picture) -> Picture:
    return np.asarray(picture * 0.85, dtype=np.uint8)


def gray(picture: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


@pytest.mark.parametrize("change", [noisy, compressed, darker, gray])
@pytest.mark.parametrize("make", [scene, room])
def test_the_same_scene_looks_alike(make: Callable[[int], Picture], change: Callable[[Picture], Picture]) -> None:
    for number in NUMBERS:
        picture = make(number)
        assert distance(difference_hash(picture), difference_hash(change(picture))) < MAX_DISTANCE


def moved(picture: Picture) -> Picture:
    return np.roll(picture, picture.shape[1] // 16, axis=1)


def turned(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 15, 1)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height)), dtype=np.uint8)


@pytest.mark.parametrize("change", [moved, turned])
@pytest.mark.parametrize("make", [scene, room])
def test_another_pose_does_not(make: Callable[[int], Picture], change: Callable[[Picture], Picture]) -> None:
    for number in NUMBERS:
        picture = make(number)
        assert distance(difference_hash(picture), difference_hash(change(picture))) > MAX_DISTANCE


def test_another_scene_does_not() -> None:
    known = NearDuplicates()
    for number in NUMBERS:
        assert not known.has_near_duplicate(difference_hash(room(number)))
        known.add(difference_hash(room(number)))
    assert all(known.has_near_duplicate(difference_hash(noisy(room(number)))) for number in NUMBERS)


def test_only_the_last_so_many_are_remembered_where_that_is_asked() -> None:
    known = NearDuplicates(most=3)
    for number in NUMBERS:
        known.add(difference_hash(room(number)))
    assert [known.has_near_duplicate(difference_hash(room(number))) for number in NUMBERS] == [False] * 7 + [True] * 3


def test_empty_scenes_are_alike_whatever_their_noise() -> None:
    plain = np.full((480, 640, 3), 120, np.uint8)
    assert distance(difference_hash(plain), difference_hash(noisy(plain))) < MAX_DISTANCE
    # But a thing in one of them counts: half a picture wide, it has edges in eight of sixteen rows.
    filled = plain.copy()
    filled[120:360, 160:480] = 30
    assert distance(difference_hash(plain), difference_hash(filled)) > MAX_DISTANCE


def test_small_pictures_have_hashes_too() -> None:
    assert difference_hash(np.zeros((3, 2), np.uint8)).shape == (512,)
