import cv2
import numpy as np
import pytest

from fedge.data import fashion_mnist
from fedge.images.preprocess import Recipe, apply

GRAY = Recipe(28, 28, polarity="dark-background")
COLOR = Recipe(64, 64, "rgb")


def test_a_fashion_picture_is_its_own_input() -> None:
    pictures, _ = fashion_mnist.load("test")
    for picture in pictures[:500]:
        assert np.array_equal(apply(GRAY, picture)[:, :, 0], picture)


def test_a_negative_gives_the_same_input() -> None:
    pictures, _ = fashion_mnist.load("test")
    for picture in pictures[:200]:
        assert np.array_equal(apply(GRAY, 255 - picture)[:, :, 0], picture)


def test_color_comes_out_red_first() -> None:
    picture = np.zeros((64, 64, 3), dtype=np.uint8)
    picture[:, :, 0] = 200  # blue, in OpenCV's order
    assert apply(COLOR, picture)[0, 0].tolist() == [0, 0, 200]


def test_gray_pictures_serve_a_color_model_and_color_pictures_a_gray_one() -> None:
    gray = np.full((64, 64), 77, dtype=np.uint8)
    assert apply(COLOR, gray)[5, 5].tolist() == [77, 77, 77]
    assert apply(COLOR, gray[:, :, np.newaxis])[5, 5].tolist() == [77, 77, 77]
    assert apply(Recipe(28, 28), np.full((90, 60, 3), 77, dtype=np.uint8)).tolist() == np.full((28, 28, 1), 77).tolist()


def test_pad_keeps_the_whole_picture_and_its_shape() -> None:
    # A white square in the middle of a wide gray picture stays a square, between bands of the border's gray.
    picture = np.full((100, 200), 50, dtype=np.uint8)
    picture[25:75, 75:125] = 250
    image = apply(Recipe(40, 40), picture)[:, :, 0]
    assert image.shape == (40, 40)
    assert np.unique(image[:10]).tolist() == [50]
    bright = np.argwhere(image > 150)
    assert (bright.max(axis=0) - bright.min(axis=0)).tolist() == [9, 9]


def test_crop_cuts_the_sides_off_and_stretch_squeezes_them_in() -> None:
    picture = np.zeros((100, 200), dtype=np.uint8)
    picture[:, :40] = 255
    assert apply(Recipe(50, 50, fit="crop"), picture).max() == 0
    stretched = apply(Recipe(50, 50, fit="stretch"), picture)[:, :, 0]
    assert (stretched[25] > 127).sum() == 10


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (7, 9), (480, 640), (28, 27)])
def test_any_size_gives_the_inputs_shape(fit: str, size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    image = apply(Recipe(28, 28, fit=fit), picture)  # type: ignore[arg-type]
    assert image.shape == (28, 28, 1) and image.dtype == np.uint8


def test_shrinking_averages_rather_than_skips() -> None:
    # A checkerboard of single pixels has no large shapes: averaging gives gray, skipping would give black or white.
    board = (np.indices((280, 280)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = apply(Recipe(28, 28), board)
    # Each output pixel is the mean of 100 pixels, half of them 255: 127.5, rounded either way.
    assert image.min() >= 127 and image.max() <= 128


@pytest.mark.parametrize("size", [(0, 28), (28, 513)])
def test_a_recipe_refuses_a_size_out_of_range(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must be from 1 to 512"):
        Recipe(*size)


def test_a_jpeg_photograph_gives_a_garment_bright_on_black() -> None:
    pictures, _ = fashion_mnist.load("test")
    large = cv2.resize(255 - pictures[0], (300, 300), interpolation=cv2.INTER_CUBIC)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", large)[1], cv2.IMREAD_COLOR)
    image = apply(GRAY, np.asarray(jpeg, dtype=np.uint8))[:, :, 0]
    # Cubic enlarging, JPEG and averaging blur edges; the mean error stays within 4% of the range.
    assert np.abs(image.astype(int) - pictures[0].astype(int)).mean() < 0.04 * 255
