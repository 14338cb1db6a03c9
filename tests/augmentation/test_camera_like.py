"""Training pictures that look as if a camera had taken them."""

import numpy as np

from fedge.data import fashion_mnist
from fedge_train.augmentation.batch import augment
from fedge_train.augmentation.camera_like import camera_like
from fedge_train.networks.plans import Plan


def pictures(count: int) -> np.ndarray:
    return fashion_mnist.load("test")[0][:count, :, :, np.newaxis]


def test_shape_and_type_stay_and_some_pictures_change_but_not_all() -> None:
    generator = np.random.default_rng(0)
    originals = pictures(400)
    changed = [camera_like(image, generator) for image in originals]
    assert all(image.shape == (28, 28, 1) and image.dtype == np.uint8 for image in changed)
    same = sum(np.array_equal(a, b) for a, b in zip(originals, changed, strict=True))
    # 70% of 400 are left alone: 280, with a standard deviation of 9.2; five of them are 46.
    assert 234 <= same <= 326


def test_the_object_stays_in_the_picture_and_large() -> None:
    generator = np.random.default_rng(1)
    originals = pictures(1000)
    changed = np.stack([camera_like(image, generator) for image in originals])
    changed = changed[(changed != originals).any(axis=(1, 2, 3))]
    lit = (changed > 4).any(axis=3)
    spans = np.maximum(lit.any(axis=2).sum(axis=1), lit.any(axis=1).sum(axis=1))
    assert np.median(spans) >= 24 and (spans > 10).mean() > 0.97


def test_colour_and_black_pictures_are_taken_too() -> None:
    generator = np.random.default_rng(2)
    color = np.repeat(pictures(20), 3, axis=3)
    assert all(camera_like(image, generator).shape == (28, 28, 3) for image in color)
    black = np.zeros((28, 28, 1), np.uint8)
    assert not any(camera_like(black, generator).any() for _ in range(20))


def test_a_plan_asks_for_it_and_the_generator_decides() -> None:
    images = pictures(20)
    assert np.array_equal(augment(images, Plan(epochs=1), np.random.default_rng(3)), images)
    plan = Plan(epochs=1, camera=True)
    once, again = (augment(images, plan, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(once, again) and not np.array_equal(once, images)
