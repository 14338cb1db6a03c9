from pathlib import Path

import numpy as np
import pytest
from support import fedge, write_class_folders

from fedge.data.dataset import Dataset, Split
from fedge.data.label_map import LabelMap
from fedge.data.load import load_dataset
from fedge.data.picture_files import PictureFiles
from fedge.images.preprocess import Recipe
from fedge_train.augmentation.photographs import augment_photographs
from fedge_train.augmentation.variants import vary
from fedge_train.networks.plans import Plan

CLASSES = ["Bag", "Trouser"]


def with_variants(dataset: Dataset, count: int, seed: int) -> Split:
    return augment_photographs(dataset, PictureFiles(), count, False, seed).split


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = write_class_folders(tmp_path_factory.mktemp("data"), CLASSES, 20)
    return load_dataset((str(folder),), Recipe(28, 28, polarity="dark-background"), LabelMap())


def test_each_file_gets_variants_of_its_own_class(dataset: Dataset) -> None:
    varied = with_variants(dataset, 3, seed=0)
    n = len(dataset.train)
    assert len(varied) == 4 * n
    assert np.array_equal(varied.images[:n], dataset.train.images)
    assert np.array_equal(varied.right[n:], np.repeat(dataset.train.right, 3, axis=0))
    assert np.array_equal(varied.sources, np.zeros(4 * n))
    assert len({image.tobytes() for image in varied.images}) == 4 * n
    assert np.array_equal(varied.images, with_variants(dataset, 3, seed=0).images)
    assert not np.array_equal(varied.images, with_variants(dataset, 3, seed=1).images)


def test_without_variants_and_for_packaged_pictures_nothing_is_added(dataset: Dataset) -> None:
    assert with_variants(dataset, 0, seed=0) is dataset.train
    packaged = load_dataset(("fashion-mnist",), Recipe(28, 28, polarity="dark-background"), LabelMap())
    assert len(with_variants(packaged, 1, seed=0)) == len(packaged.train)


@pytest.mark.parametrize("shape", [(60, 40, 3), (40, 60)])
def test_a_variant_is_the_same_thing_seen_again(shape: tuple[int, ...]) -> None:
    picture = np.full(shape, 40, np.uint8)
    picture[15:25, 15:25] = 220
    generator = np.random.default_rng(0)
    for _ in range(50):
        again = vary(picture, generator)
        assert again.shape == shape and again.dtype == np.uint8
        gray = again if again.ndim == 2 else again.max(axis=2)
        # A zoom of 0.85 to 1.2, once each way, and corners moved by 5% of 60 pixels change an area of 100 pixels at
        # most by a factor of 1.2 ** 2 * 1.2 ** 2; turns of up to four deviations do not.
        assert 100 / 2.1 < (gray > 130).sum() < 100 * 2.1


def test_too_many_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="variants"):
        Plan(epochs=1, variants=101)
    folder = write_class_folders(tmp_path / "data", CLASSES, 20)
    done = fedge("train", "--data", folder, "--variants", 101, "--epochs", 1, "--out", tmp_path / "run")
    assert done.code == 1 and "variants must be from 0 to 100" in done.err
    assert not (tmp_path / "run").exists()
