from pathlib import Path

import cv2
import numpy as np
import pytest
from support import write_class_folders

from fedge.data.dataset import Dataset
from fedge.data.label_map import LabelMap
from fedge.data.load import load_dataset
from fedge.data.picture_files import PictureFiles
from fedge.images.cutout import CutOut
from fedge.images.preprocess import Recipe
from fedge_train.augmentation.crops import PER_PHOTOGRAPH
from fedge_train.augmentation.photographs import augment_photographs


def loaded(folder: Path) -> Dataset:
    recipe = Recipe(28, 28, polarity="dark-background", cut_out=CutOut())
    return load_dataset((str(folder),), recipe, LabelMap())


def crops_of(dataset: Dataset, seed: int) -> np.ndarray:
    return augment_photographs(dataset, PictureFiles(), 0, True, seed).crops


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A striped cloth on a gray floor, 20 pictures of each of two classes."""
    folder = tmp_path_factory.mktemp("photographs")
    for name, seed in (("a", 0), ("b", 1)):
        (folder / name).mkdir()
        generator = np.random.default_rng(seed)
        for number in range(20):
            picture = np.full((240, 320, 3), 120, np.uint8)
            picture[60:180, 80:240] = (30, 60, 200)
            picture[60:180:12, 80:240] = 250
            noisy = picture + generator.normal(0, 3, picture.shape)
            cv2.imwrite(str(folder / name / f"{number}.png"), noisy.clip(0, 255).astype(np.uint8))
    return folder


def test_crops_are_cut_out_as_the_camera_cuts_out(photographs: Path) -> None:
    dataset = loaded(photographs)
    found = crops_of(dataset, seed=0)
    assert found.shape[1:] == (28, 28, 1) and found.dtype == np.uint8
    assert 10 <= len(found) <= PER_PHOTOGRAPH * len(dataset.train)
    # Where nothing was found there is nothing to learn from: no piece is black all over.
    assert found.max(axis=(1, 2, 3)).min() > 0
    whole = {image.tobytes() for image in dataset.train.images}
    assert not whole & {piece.tobytes() for piece in found}
    assert np.array_equal(found, crops_of(dataset, seed=0))
    assert not np.array_equal(found[:10], crops_of(dataset, seed=1)[:10])


def test_packaged_pictures_have_none() -> None:
    dataset = load_dataset(("fashion-mnist",), Recipe(28, 28, polarity="dark-background"), LabelMap())
    assert crops_of(dataset, seed=0).shape == (0, 28, 28, 1)


def test_a_picture_of_a_few_pixels_has_crops_too(tmp_path: Path) -> None:
    dataset = load_dataset(
        (str(write_class_folders(tmp_path / "data", ["Bag", "Trouser"], 20)),),
        Recipe(28, 28, polarity="dark-background"),
        LabelMap(),
    )
    assert crops_of(dataset, seed=0).shape == (PER_PHOTOGRAPH * len(dataset.train), 28, 28, 1)
