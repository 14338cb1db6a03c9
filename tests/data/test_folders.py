import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from support import write_class_folders

from fedge.data.label_map import LabelMap, read_label_map
from fedge.data.load import default_recipe, load_dataset, load_for_evaluation
from fedge.errors import DataError
from fedge.images.preprocess import Recipe

RECIPE = Recipe(16, 16)
NO_MAP = LabelMap()
CLASSES = ["Bag", "Sneaker", "Trouser"]


def test_a_folder_without_splits_is_split_stratified_and_seeded(tmp_path: Path) -> None:
    write_class_folders(tmp_path, CLASSES, 50)
    dataset = load_dataset((str(tmp_path),), RECIPE, NO_MAP)
    assert dataset.labels == tuple(CLASSES)
    # 20% of 150 are for the test, 10% of the remaining 120 are held out, each class in equal shares.
    assert [np.bincount(s.labels).tolist() for s in (dataset.train, dataset.held_out, dataset.test)] == [
        [36, 36, 36],
        [4, 4, 4],
        [10, 10, 10],
    ]
    again = load_dataset((str(tmp_path),), RECIPE, NO_MAP)
    assert again.test.names == dataset.test.names and again.sha256() == dataset.sha256()
    names = [set(s.names) for s in (dataset.train, dataset.held_out, dataset.test)]
    assert not (names[0] & names[1] or names[0] & names[2] or names[1] & names[2])


def test_given_splits_are_kept(tmp_path: Path) -> None:
    for start, (split, count) in enumerate((("train", 30), ("validation", 5), ("test", 7))):
        write_class_folders(tmp_path / split, CLASSES, count, start=100 * start)
    dataset = load_dataset((str(tmp_path),), RECIPE, NO_MAP)
    assert [len(s) for s in (dataset.train, dataset.held_out, dataset.test)] == [90, 15, 21]
    split, _ = load_for_evaluation(str(tmp_path), RECIPE, NO_MAP, dataset.labels)
    assert split.names == dataset.test.names


def test_the_hash_notices_a_changed_pixel_and_a_renamed_class(tmp_path: Path) -> None:
    write_class_folders(tmp_path, CLASSES, 20)
    before = load_dataset((str(tmp_path),), RECIPE, NO_MAP).sha256()
    assert load_dataset((str(tmp_path),), RECIPE, LabelMap({"Bag": ("Sack",)})).sha256() != before
    victim = next((tmp_path / "Bag").iterdir())
    picture = cv2.imread(str(victim))
    picture[0, 0] = 255 - picture[0, 0]
    cv2.imwrite(str(victim), picture)
    assert load_dataset((str(tmp_path),), RECIPE, NO_MAP).sha256() != before


def test_unreadable_pictures_are_skipped_and_listed(tmp_path: Path) -> None:
    write_class_folders(tmp_path, CLASSES, 20)
    (tmp_path / "Bag" / "broken.jpg").write_bytes(b"\xff\xd8 no jpeg")
    (tmp_path / "Bag" / "empty.png").write_bytes(b"")
    (tmp_path / "Bag" / "notes.txt").write_text("not a picture, and mentioned")
    dataset = load_dataset((str(tmp_path),), RECIPE, NO_MAP)
    assert sorted(Path(line.split()[0]).name for line in dataset.skipped) == ["broken.jpg", "empty.png", "notes.txt"]
    assert len(dataset.train) + len(dataset.held_out) + len(dataset.test) == 60


def test_a_picture_bomb_is_skipped(tmp_path: Path) -> None:
    write_class_folders(tmp_path, CLASSES, 20)
    # 30,000 x 30,000 pixels in a header; OpenCV would allocate 2.7 GB before it reads a row.
    png = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    (tmp_path / "Bag" / "bomb.png").write_bytes(png[:16] + (30000).to_bytes(4) * 2 + png[24:])
    dataset = load_dataset((str(tmp_path),), RECIPE, NO_MAP)
    assert len(dataset.skipped) == 1 and "bomb.png" in dataset.skipped[0]


def test_doubles_across_splits_are_kept_out_of_training(tmp_path: Path) -> None:
    for start, split in enumerate(("train", "validation", "test")):
        write_class_folders(tmp_path / split, CLASSES, 20, start=100 * start)
    double = next((tmp_path / "test" / "Bag").iterdir())
    (tmp_path / "train" / "Bag" / "copy.png").write_bytes(double.read_bytes())
    (tmp_path / "validation" / "Bag" / "copy.png").write_bytes(double.read_bytes())
    dataset = load_dataset((str(tmp_path),), RECIPE, NO_MAP)
    assert [len(s) for s in (dataset.train, dataset.held_out, dataset.test)] == [60, 60, 60]
    assert [Path(name).name for name in dataset.duplicates] == ["copy.png", "copy.png"]


def test_a_copy_within_the_test_or_held_out_pictures_proves_nothing_more(tmp_path: Path) -> None:
    for start, split in enumerate(("train", "validation", "test")):
        folder = write_class_folders(tmp_path / split, CLASSES, 20, start=100 * start)
        picture = next((folder / "Bag").iterdir())
        (folder / "Bag" / "copy.png").write_bytes(picture.read_bytes())
    dataset = load_dataset((str(tmp_path),), RECIPE, NO_MAP)
    assert [len(s) for s in (dataset.train, dataset.held_out, dataset.test)] == [61, 60, 60]
    assert len(dataset.duplicates) == 2
    one = load_dataset((str(tmp_path / "train"),), RECIPE, NO_MAP)
    twice = load_dataset((str(tmp_path / "train"),) * 2, RECIPE, NO_MAP)
    assert (len(twice.held_out), len(twice.test)) == (len(one.held_out), len(one.test))


def test_hidden_folders_are_not_learned_from(tmp_path: Path) -> None:
    write_class_folders(tmp_path, CLASSES, 20)
    hidden = tmp_path / "Bag" / ".ipynb_checkpoints"
    hidden.mkdir()
    shutil.copy(next((tmp_path / "Bag").glob("*.png")), hidden / "0-checkpoint.png")
    dataset = load_dataset((str(tmp_path),), RECIPE, NO_MAP)
    assert len(dataset.train) + len(dataset.held_out) + len(dataset.test) == 60 and not dataset.duplicates


def test_two_folders_for_one_split_are_refused(tmp_path: Path) -> None:
    for start, split in enumerate(("train", "validation", "val")):
        write_class_folders(tmp_path / split, CLASSES, 5, start=100 * start)
    with pytest.raises(DataError, match="has validation and val, which mean the same split; join them"):
        load_dataset((str(tmp_path),), RECIPE, NO_MAP)


@pytest.mark.parametrize(
    ("name", "problem"), [(b"two\xc2\x85lines", "on a line of its own"), (b"caf\xe9", "is not UTF-8")]
)
def test_a_class_name_that_no_model_file_could_hold_is_refused(name: bytes, problem: str, tmp_path: Path) -> None:
    write_class_folders(tmp_path, CLASSES, 5)
    (tmp_path / "Bag").rename(tmp_path / os.fsdecode(name))
    with pytest.raises(DataError, match=problem):
        load_dataset((str(tmp_path),), RECIPE, NO_MAP)


def test_a_map_renames_joins_and_leaves_out(tmp_path: Path) -> None:
    write_class_folders(tmp_path, CLASSES, 20)
    dataset = load_dataset((str(tmp_path),), RECIPE, LabelMap({"Sneaker": ("Thing",), "Bag": ("Thing",)}))
    assert dataset.labels == ("Thing", "Trouser")
    assert np.bincount(dataset.test.labels).tolist() == [8, 4]
    with pytest.raises(DataError, match="only one class"):
        load_dataset((str(tmp_path),), RECIPE, LabelMap({"Sneaker": (), "Bag": ()}))


def test_any_of_several_classes_may_be_right(tmp_path: Path) -> None:
    write_class_folders(tmp_path, CLASSES, 20)
    either = LabelMap({"Sneaker": ("Trouser", "Bag")})
    dataset = load_dataset((str(tmp_path),), RECIPE, either)
    assert dataset.labels == ("Bag", "Trouser")
    everything = (dataset.train, dataset.held_out, dataset.test)
    assert sum(np.bincount(split.right.sum(axis=1), minlength=3) for split in everything).tolist() == [0, 40, 20]
    assert dataset.sha256() != load_dataset((str(tmp_path),), RECIPE, LabelMap({"Sneaker": ("Trouser",)})).sha256()
    # Where several are right, the predicted one is the truth; otherwise the first that the map names.
    train = dataset.train
    assert (train.truth(np.zeros(len(train), dtype=np.int64)) == np.where(train.right[:, 0], 0, 1)).all()
    assert set(train.labels[train.right.all(axis=1)]) == {1}


def test_the_test_share_can_be_made_smaller(tmp_path: Path) -> None:
    write_class_folders(tmp_path, CLASSES, 20)
    dataset = load_dataset((str(tmp_path),), RECIPE, NO_MAP, test_share=0.05)
    assert [len(s) for s in (dataset.train, dataset.held_out, dataset.test)] == [51, 6, 3]


def test_several_sources_share_their_classes(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "a", ["Bag", "Sneaker"], 20)
    write_class_folders(tmp_path / "b", ["Trouser", "Bag"], 20, start=50)
    dataset = load_dataset((str(tmp_path / "a"), str(tmp_path / "b")), RECIPE, NO_MAP)
    assert dataset.labels == ("Bag", "Sneaker", "Trouser") and dataset.name == "a+b"
    assert np.bincount(dataset.test.labels).tolist() == [8, 4, 4]
    assert dataset.test.sources.tolist() == [0] * 8 + [1] * 8


def test_reads_maps_in_json_and_toml(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text('{"pants": "Trouser", "shoes": ["Sandal", "Sneaker"], "hat": null}')
    (tmp_path / "m.toml").write_text('pants = "Trouser"\nshoes = ["Sandal", "Sneaker"]\nhat = ""\n')
    expected = LabelMap({"pants": ("Trouser",), "shoes": ("Sandal", "Sneaker"), "hat": ()})
    assert read_label_map(tmp_path / "m.json") == read_label_map(tmp_path / "m.toml") == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.json", "{", "cannot be parsed"),
        ("m.toml", "a = ", "cannot be parsed"),
        ("m.json", '{"a": 1}', "must give"),
        ("m.json", '{"a": []}', "must give"),
        ("m.json", '{"a": ["B", "B"]}', "must give"),
        ("m.json", '{"a": ["B", null]}', "must give"),
    ],
)
def test_refuses_a_map_that_is_none(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_label_map(tmp_path / name)


def test_refuses_a_map_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_label_map(tmp_path / "m.json")


def test_refuses_folders_that_cannot_be_learned_from(tmp_path: Path) -> None:
    def refused(message: str) -> None:
        with pytest.raises(DataError, match=message):
            load_dataset((str(tmp_path / "d"),), RECIPE, NO_MAP)

    refused("there is no folder")
    (tmp_path / "d").mkdir()
    refused("has no class folders")
    write_class_folders(tmp_path / "d", ["Bag"], 20)
    refused(r"only one class \(Bag\)")
    (tmp_path / "d" / "Sneaker").mkdir()
    refused("Sneaker has no pictures")
    write_class_folders(tmp_path / "d", ["Trouser"], 2)
    (tmp_path / "d" / "Sneaker").rmdir()
    refused("Trouser has 2 readable pictures")


def test_refuses_splits_with_differing_classes(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "train", CLASSES, 20)
    write_class_folders(tmp_path / "test", CLASSES[:2], 5, start=50)
    with pytest.raises(DataError, match=r"differing classes \(Trouser\)"):
        load_dataset((str(tmp_path),), RECIPE, NO_MAP)


def test_refuses_a_test_folder_without_a_train_folder(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "test", CLASSES, 5)
    with pytest.raises(DataError, match="no train folder"):
        load_dataset((str(tmp_path),), RECIPE, NO_MAP)


def test_evaluation_refuses_a_class_that_the_model_does_not_have(tmp_path: Path) -> None:
    write_class_folders(tmp_path, CLASSES, 5)
    with pytest.raises(DataError, match="the model has no class Trouser"):
        load_for_evaluation(str(tmp_path), RECIPE, NO_MAP, ("Bag", "Sneaker"))
    split, _ = load_for_evaluation(str(tmp_path), RECIPE, LabelMap({"Trouser": ()}), ("Bag", "Sneaker"))
    assert len(split) == 10


def test_recipes_follow_the_data() -> None:
    assert default_recipe(("fashion-mnist",)).shape == (28, 28, 1)
    assert default_recipe(("photos",)).shape == (64, 64, 3)
