"""Photographs are read once for all that is made of them, and what is made is what separate passes would make."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fedge.data.dataset import Dataset
from fedge.data.decoded.cache import FOLDER_VARIABLE
from fedge.data.label_map import LabelMap
from fedge.data.load import load_dataset
from fedge.data.picture_files import PictureFiles
from fedge.errors import DataError
from fedge.images import picture as picture_module
from fedge.images.cutout import CutOut
from fedge.images.preprocess import Recipe, apply, prepare
from fedge.images.resize import resize_longest
from fedge_train.augmentation.crops import PER_PHOTOGRAPH, SHARE
from fedge_train.augmentation.photographs import augment_photographs
from fedge_train.augmentation.variants import SIDE, vary
from fedge_train.commands.train_settings import TrainOptions, start_run
from fedge_train.networks.plans import Plan
from fedge_train.training.batches import make_loader

RECIPE = Recipe(28, 28, polarity="dark-background", cut_out=CutOut())
COUNT = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bright rectangle on a gray floor, eight PNG files of 320x240 pixels of each of two classes."""
    root = tmp_path_factory.mktemp("photographs")
    for name, seed in (("a", 0), ("b", 1)):
        (root / name).mkdir()
        generator = np.random.default_rng(seed)
        for number in range(COUNT // 2):
            picture = np.full((240, 320, 3), 120, np.uint8)
            picture[60:180, 80 : 200 + 40 * seed] = (30, 60, 200)
            picture[60:180:12, 80 : 200 + 40 * seed] = 250
            noisy = picture + generator.normal(0, 3, picture.shape)
            cv2.imwrite(str(root / name / f"{number}.png"), noisy.clip(0, 255).astype(np.uint8))
    return root


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Counter[Path]:
    """How often each picture file was opened to be read; none has been decoded before."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    counted: Counter[Path] = Counter()
    read_bytes = Path.read_bytes

    def counting(path: Path) -> bytes:
        counted[path] += path.suffix == ".png"
        return read_bytes(path)

    monkeypatch.setattr(picture_module.Path, "read_bytes", counting)
    return counted


def loaded(folder: Path, files: PictureFiles) -> Dataset:
    return load_dataset((str(folder),), RECIPE, LabelMap(), read=files.read_with_notes)


def variants_in_a_pass_of_their_own(dataset: Dataset, count: int, seed: int) -> np.ndarray:
    split = dataset.train
    generator = np.random.default_rng([seed, len(split)])
    images = []
    for i in range(len(split)):
        reduced = resize_longest(split.raw_picture(i), SIDE)
        images += [apply(dataset.recipe, vary(reduced, generator)) for _ in range(count)]
    return np.stack(images)


def crops_in_a_pass_of_their_own(dataset: Dataset, seed: int) -> np.ndarray:
    split = dataset.train
    generator = np.random.default_rng([seed, len(split)])
    images = []
    for i in range(len(split)):
        picture = split.raw_picture(i)
        for _ in range(PER_PHOTOGRAPH):
            shares = generator.uniform(*SHARE, 2)
            rows, columns = (max(1, round(n * s)) for n, s in zip(picture.shape[:2], shares, strict=True))
            top = generator.integers(picture.shape[0] - rows + 1)
            left = generator.integers(picture.shape[1] - columns + 1)
            prepared = prepare(dataset.recipe, np.ascontiguousarray(picture[top : top + rows, left : left + columns]))
            images += [] if prepared.empty else [prepared.image]
    return np.stack(images)


@pytest.mark.parametrize("limit_bytes", [0, 10**9])
def test_one_pass_makes_what_a_pass_for_each_makes(folder: Path, limit_bytes: int) -> None:
    files = PictureFiles(limit_bytes)
    dataset = loaded(folder, files)
    n = len(dataset.train)
    made = augment_photographs(dataset, files, 3, True, seed=5)
    assert np.array_equal(made.split.images[:n], dataset.train.images)
    assert np.array_equal(made.split.images[n:], variants_in_a_pass_of_their_own(dataset, 3, seed=5))
    assert np.array_equal(made.crops, crops_in_a_pass_of_their_own(dataset, seed=5))
    assert made.split.labels.tolist() == [*dataset.train.labels, *np.repeat(dataset.train.labels, 3)]
    assert made.crops.dtype == made.split.images.dtype == np.uint8
    assert np.array_equal(augment_photographs(dataset, files, 0, True, seed=5).crops, made.crops)
    assert np.array_equal(augment_photographs(dataset, files, 3, False, seed=5).split.images, made.split.images)


def test_a_training_with_variants_and_outliers_reads_each_file_once(folder: Path, reads: Counter[Path]) -> None:
    options = TrainOptions(data=(str(folder),), architecture="nano", size=16, variants=2, outliers=0.2)
    start = start_run(options)
    loader = make_loader(start.config, start.dataset, start.files)
    assert len(loader.split) == 3 * len(start.dataset.train) and loader.crops is not None and len(loader.crops)
    assert len(reads) == COUNT and set(reads.values()) == {1}
    start.files.release()
    make_loader(start.config, start.dataset, start.files)
    assert sorted(set(reads.values())) == [1, 2]


def test_without_kept_files_variants_and_outliers_read_each_once_more(folder: Path, reads: Counter[Path]) -> None:
    start = start_run(TrainOptions(data=(str(folder),), architecture="nano", size=16))
    plan = replace(start.config.plan, variants=2, outliers=0.2)
    make_loader(replace(start.config, plan=plan), start.dataset)
    learned = set(start.dataset.train.names)
    assert len(reads) == COUNT and all(count == 1 + (str(path) in learned) for path, count in reads.items())


def test_no_file_is_read_again_where_nothing_is_made_of_it(folder: Path, reads: Counter[Path]) -> None:
    dataset = loaded(folder, PictureFiles(limit_bytes=0))
    made = augment_photographs(dataset, PictureFiles(), 0, False, seed=0)
    assert made.split is dataset.train and len(made.crops) == 0
    assert set(reads.values()) == {1} and not Plan(epochs=1).open_set


def test_no_more_bytes_are_kept_than_the_limit(folder: Path, reads: Counter[Path]) -> None:
    first, second = sorted((folder / "a").iterdir())[:2]
    files = PictureFiles(limit_bytes=first.stat().st_size + second.stat().st_size - 1)
    for _ in range(3):
        assert np.array_equal(files.read(first), files.read_with_notes(first)[0])
        files.read(second)
    assert (reads[first], reads[second]) == (1, 3)
    # What is let go makes room for another.
    files.release()
    for path in (second, second, first):
        files.read(path)
    assert (reads[first], reads[second]) == (2, 4)


def test_a_file_that_cannot_be_read_is_named_and_not_kept(tmp_path: Path, folder: Path) -> None:
    files = PictureFiles()
    path = tmp_path / "late.png"
    with pytest.raises(DataError, match=r"late\.png cannot be read"):
        files.read(path)
    path.write_bytes((folder / "a" / "0.png").read_bytes())
    assert files.read(path).shape == (240, 320, 3)
