"""The object of a picture, cut out: on drawn scenes and Fashion-MNIST garments laid on drawn backgrounds."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fedge.data import fashion_mnist
from fedge.images import cutout
from fedge.images.cutout import CutOut, Pixels
from fedge.images.preprocess import Recipe, apply, prepare
from fedge.model.format.schema import SchemaError, from_json, to_json

RECIPE = Recipe(28, 28, polarity="dark-background", cut_out=CutOut())
PARAMETERS = CutOut()


def laid_down(
    garment: Pixels, ground: Pixels, color: tuple[int, int, int] = (150, 60, 40), side: int = 160
) -> tuple[Pixels, np.ndarray]:
    """A garment of one colour, shaded as in its picture, in the middle of a ground; and where it is, bool [h, w]."""
    height, width = ground.shape[:2]
    large = cv2.resize(garment, (side, side), interpolation=cv2.INTER_CUBIC).astype(float) / 255
    # A hard edge at the outermost bright pixel, holes such as a white print filled: a garment is not transparent.
    contours, _ = cv2.findContours((large > 0.1).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    shape = cv2.drawContours(np.zeros((side, side), np.uint8), contours, -1, 1, cv2.FILLED) > 0
    inside = np.zeros((height, width), dtype=bool)
    top, left = (height - side) // 2, (width - side) // 2
    inside[top : top + side, left : left + side] = shape
    picture = ground.copy()
    shade = np.zeros((height, width, 1))
    shade[top : top + side, left : left + side, 0] = 0.7 + 0.3 * large
    picture[inside] = (shade * color)[inside].clip(0, 255).astype(np.uint8)
    return picture, inside


def plain_ground(color: tuple[int, int, int] = (190, 200, 205), noise: float = 4) -> Pixels:
    generator = np.random.default_rng(1)
    return np.clip(np.array(color) + generator.normal(0, noise, (240, 320, 3)), 0, 255).astype(np.uint8)


def planks() -> Pixels:
    """A wooden floor: planks of different browns with dark joints and grain."""
    generator = np.random.default_rng(2)
    ground = np.zeros((240, 320, 3))
    for top in range(0, 240, 40):
        ground[top : top + 40] = np.array((110, 160, 195)) * generator.uniform(0.8, 1.1)
        ground[top : top + 2] *= 0.6
    grain = cv2.resize(generator.normal(0, 12, (240, 12)), (320, 240))[:, :, np.newaxis]
    return np.clip(ground + grain + generator.normal(0, 4, ground.shape), 0, 255).astype(np.uint8)


def overlap(mask: Pixels, truth: np.ndarray) -> float:
    """Intersection over union at the mask's size."""
    small = cv2.resize(truth.astype(np.uint8) * 255, mask.shape[::-1], interpolation=cv2.INTER_AREA) > 127
    return float(((mask > 0) & small).sum() / ((mask > 0) | small).sum())


def garments(label: str, count: int) -> list[Pixels]:
    pictures, labels = fashion_mnist.load("test")
    return list(pictures[labels == fashion_mnist.LABELS.index(label)][:count])


# A border pixel is an edge of the mask's: at 96 pixels a garment of 64 has a rim of some 200 of its 2,500 pixels, so
# an answer that is off by one pixel all around overlaps by 0.85.
ONE_PIXEL_OFF = 0.85


@pytest.mark.parametrize("label", ["T-shirt/top", "Trouser", "Dress", "Pullover"])
@pytest.mark.parametrize(
    "ground", [plain_ground(), plain_ground((40, 40, 190)), planks()], ids=["plain", "red", "wood"]
)
def test_the_mask_is_the_garment(label: str, ground: Pixels) -> None:
    for garment in garments(label, 5):
        picture, truth = laid_down(garment, ground)
        found = cutout.find(PARAMETERS, picture)
        assert overlap(found.mask, truth) > ONE_PIXEL_OFF
        assert found.quality > PARAMETERS.least_quality


def test_a_garment_as_bright_as_its_ground_is_found_by_its_colour() -> None:
    # (200, 90, 90) and (60, 144, 100) have the same gray value, 104 of 255, shading aside: only the colour tells.
    picture, truth = laid_down(garments("Dress", 1)[0], plain_ground((60, 120, 90)), (200, 90, 90))
    assert overlap(cutout.find(PARAMETERS, picture).mask, truth) > ONE_PIXEL_OFF


def test_fashion_mnist_passes_unchanged() -> None:
    pictures, _ = fashion_mnist.load("test")
    for picture in pictures:
        assert np.array_equal(apply(RECIPE, picture)[:, :, 0], picture)


def test_the_same_picture_as_a_colour_file_or_a_negative_gives_the_same_input() -> None:
    pictures, _ = fashion_mnist.load("test")
    for picture in pictures[:300]:
        assert np.array_equal(apply(RECIPE, np.dstack([picture] * 3))[:, :, 0], picture)
        assert np.array_equal(apply(RECIPE, 255 - picture)[:, :, 0], picture)


def test_a_dark_garment_comes_out_bright_and_a_bright_one_dark() -> None:
    garment = garments("Pullover", 1)[0]
    means = []
    for color, ground in (((30, 30, 30), plain_ground()), ((240, 240, 240), plain_ground((60, 90, 60)))):
        image = apply(RECIPE, laid_down(garment, ground, color)[0])[:, :, 0]
        corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert corners.max() < 10
        means.append(float(image[8:20, 10:18].mean()))
    # The shading is at least 0.7: 255 - 30 and at least 255 - 240, at most 255 - 0.7 * 240.
    assert means[0] > 220 and 10 < means[1] < 90


def test_keeping_the_polarity_keeps_the_garments_colours() -> None:
    picture, _ = laid_down(garments("Pullover", 1)[0], plain_ground(), (200, 60, 20))
    image = apply(Recipe(64, 64, "rgb", cut_out=CutOut()), picture)
    red, green, blue = image[24:40, 24:40].reshape(-1, 3).mean(axis=0)
    assert blue > 130 > 65 > green > red
    assert image[[0, 0, -1, -1], [0, -1, 0, -1]].max() < 10


def test_the_longer_side_fills_the_input_and_the_garment_is_centred() -> None:
    picture = plain_ground()
    cv2.rectangle(picture, (60, 60), (90, 179), (120, 40, 30), cv2.FILLED)  # 31 x 120, left of the middle
    rows, columns = np.nonzero(apply(RECIPE, picture)[:, :, 0] > 100)
    # One pixel of the 96-pixel mask is 3.3 of the picture's, less than one of the input's, at either end.
    assert rows.min() <= 1 and rows.max() >= 26
    assert abs((columns.min() + columns.max()) / 2 - 13.5) <= 1
    assert abs((columns.max() - columns.min() + 1) - 28 * 31 / 120) <= 2


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (7, 9), (480, 640), (28, 27), (12, 96)])
def test_any_size_gives_the_inputs_shape(fit: str, size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    for shape in (picture, picture[:, :, 0], picture[:, :, :1]):
        image = apply(replace(RECIPE, fit=fit), shape)  # type: ignore[arg-type]
        assert image.shape == (28, 28, 1) and image.dtype == np.uint8


def test_an_empty_scene_is_no_object() -> None:
    generator = np.random.default_rng(3)
    slope = np.broadcast_to(np.linspace(90, 160, 320)[np.newaxis, :, np.newaxis], (240, 320, 3)).astype(np.uint8)
    rough = cv2.resize(generator.integers(80, 170, (30, 40, 3), dtype=np.uint8), (320, 240))
    for scene in (plain_ground(noise=0), plain_ground(noise=10), planks(), slope, rough, np.zeros_like(slope)):
        seen = prepare(RECIPE, scene)
        assert seen.empty and seen.quality is not None and seen.quality < PARAMETERS.least_quality


def test_a_speck_and_a_scatter_of_specks_are_worth_less_than_a_garment() -> None:
    garment = cutout.find(PARAMETERS, laid_down(garments("Dress", 1)[0], plain_ground())[0]).quality
    speck, scatter = plain_ground(), plain_ground()
    cv2.circle(speck, (160, 120), 6, (20, 20, 160), cv2.FILLED)
    for x, y in np.random.default_rng(4).integers(0, 240, (60, 2)):
        cv2.circle(scatter, (int(x) + 40, int(y)), 4, (20, 20, 160), cv2.FILLED)
    assert cutout.find(PARAMETERS, speck).quality < garment / 2
    assert cutout.find(PARAMETERS, scatter).quality < garment / 2


def test_the_same_frame_gives_the_same_input() -> None:
    picture, _ = laid_down(garments("Coat", 1)[0], planks())
    first = apply(RECIPE, picture)
    cv2.setRNGSeed(99)
    np.random.default_rng(99).random(7)
    assert np.array_equal(apply(RECIPE, picture.copy()), first)


def test_another_processors_rounding_moves_no_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    # Kernels of two processors differ by some units in the last place of a float64, 2.2e-16 of the value. A thousand
    # times that much is put on what comes out of the guided filter in every round.
    pictures = [laid_down(garment, planks())[0] for garment in garments("Coat", 10)]
    exact = [apply(RECIPE, picture) for picture in pictures]
    generator = np.random.default_rng(5)
    smooth = cutout.GuidedFilter.__call__

    def rounded(self: cutout.GuidedFilter, values: np.ndarray) -> np.ndarray:
        result = smooth(self, values)
        return np.asarray(result * (1 + generator.normal(0, 2.2e-13, result.shape)))

    monkeypatch.setattr(cutout.GuidedFilter, "__call__", rounded)
    for picture, expected in zip(pictures, exact, strict=True):
        assert np.array_equal(apply(RECIPE, picture), expected)


def test_the_parameters_travel_as_json_and_a_foreign_or_absurd_one_is_refused() -> None:
    recipe = replace(RECIPE, cut_out=CutOut(side=128, rounds=3))
    value = to_json(recipe)
    assert from_json(Recipe, value) == recipe
    assert from_json(Recipe, to_json(Recipe(28, 28))).cut_out is None
    for name, wrong in (("rounds", 0), ("side", 4000), ("sharpness", -1), ("colour", 1)):
        with pytest.raises(SchemaError, match=name):
            from_json(Recipe, value | {"cut_out": value["cut_out"] | {name: wrong}})
