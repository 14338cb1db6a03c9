"""What people call their folders and files: taken, or named, but never passed over in silence."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fedge.data.folders import list_folder
from fedge.data.label_map import read_label_map
from fedge.data.load import load_dataset
from fedge.errors import DataError
from fedge.images.preprocess import Recipe

MAP, RECIPE = read_label_map(None), Recipe(8, 8, "rgb")


def fill(folder: Path, count: int, suffix: str = ".png", seed: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng([seed, *os.fsencode(folder.name)])
    for i in range(count):
        picture = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        assert cv2.imwrite(str(folder / f"{seed}-{i}{suffix}"), picture)


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [("Train", "Val", "Test"), ("training", "VALID", "testing"), ("TRAIN", "Validation", "Testing")],
)
def test_splits_are_known_in_any_case(tmp_path: Path, train: str, validation: str, test: str) -> None:
    for seed, split in enumerate((train, validation, test)):
        for label in ("cup", "plant"):
            fill(tmp_path / split / label, 4, seed=seed)
    dataset = load_dataset((str(tmp_path),), RECIPE, MAP)
    assert dataset.labels == ("cup", "plant")
    assert [len(part) for part in (dataset.train, dataset.held_out, dataset.test)] == [8, 8, 8]


def test_a_class_may_be_called_as_a_split_is(tmp_path: Path) -> None:
    fill(tmp_path / "test", 4)
    fill(tmp_path / "rest", 4)
    assert load_dataset((str(tmp_path),), RECIPE, MAP).labels == ("rest", "test")


def test_two_folders_of_one_split_are_refused(tmp_path: Path) -> None:
    for split in ("train", "Training"):
        fill(tmp_path / split / "cup", 3)
    with pytest.raises(DataError, match="same split"):
        list_folder(tmp_path, MAP)


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label in ("cup", "plant"):
            fill(tmp_path / split / label, 4, seed=len(split))
    fill(tmp_path / "extra", 3)
    (tmp_path / "train" / "notes.txt").write_text("x")
    (tmp_path / "train" / "cup" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    left_out = "\n".join(load_dataset((str(tmp_path),), RECIPE, MAP).skipped)
    assert all(name in left_out for name in ("extra", "notes.txt", "phone.heic"))
    assert len(left_out.splitlines()) == 3


def test_what_opencv_decodes_is_learned_whatever_it_is_called(tmp_path: Path) -> None:
    fill(tmp_path / "cup", 4)
    fill(tmp_path / "plant", 4, suffix=".jpg")
    for i, name in enumerate(("a.jfif", "b.JPE", "c", "d.data")):
        (tmp_path / "plant" / f"0-{i}.jpg").rename(tmp_path / "plant" / name)
    dataset = load_dataset((str(tmp_path),), RECIPE, MAP)
    names = {Path(name).name for part in (dataset.train, dataset.held_out, dataset.test) for name in part.names}
    assert names >= {"a.jfif", "b.JPE", "c", "d.data"} and not dataset.skipped


def test_links_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere", 3)
    fill(tmp_path / "data" / "cup", 3, seed=1)
    fill(tmp_path / "data" / "plant", 3, seed=2)
    (tmp_path / "data" / "cup" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "cup" / "circle").symlink_to(tmp_path / "data")
    items = list_folder(tmp_path / "data", MAP).splits["all"]
    assert sum(right == ("cup",) and path.parent.name in ("cup", "more") for path, right in items) == 6


def test_a_folder_that_may_not_be_read_is_an_error_that_says_so(tmp_path: Path) -> None:
    fill(tmp_path / "cup", 3)
    fill(tmp_path / "plant", 3)
    (tmp_path / "cup").chmod(0)
    os.chmod(tmp_path, 0o755)
    code = (
        "import os, sys; from pathlib import Path; from fedge.data.folders import list_folder; "
        "from fedge.data.label_map import read_label_map; import fedge.errors\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: list_folder(Path(sys.argv[1]), read_label_map(None))\n"
        "except fedge.errors.DataError as error: print(error)"
    )
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.getuid() and not parent.stat().st_mode & 1:
            parent.chmod(parent.stat().st_mode | 0o111)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    (tmp_path / "cup").chmod(0o755)
    assert "cup cannot be read (Permission denied)" in done.stdout, done.stderr


@pytest.mark.parametrize("count", [3, 5, 10, 12])
def test_few_pictures_give_each_split_one_of_each_class(tmp_path: Path, count: int) -> None:
    labels = [f"class {i}" for i in range(40)]
    for i, label in enumerate(labels):
        fill(tmp_path / label, count, seed=i)
    dataset = load_dataset((str(tmp_path),), RECIPE, MAP)
    for part in (dataset.train, dataset.held_out, dataset.test):
        assert set(part.labels) == set(range(40))


def test_too_few_pictures_are_told_with_the_number_and_the_class(tmp_path: Path) -> None:
    fill(tmp_path / "cup", 2)
    fill(tmp_path / "plant", 9)
    with pytest.raises(DataError, match="cup has 2 readable pictures") as error:
        load_dataset((str(tmp_path),), RECIPE, MAP)
    assert error.value.mend == "give each class 3 or more"
