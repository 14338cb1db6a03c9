"""What in a data set is allowed but seldom meant is told: damage, contradictions, names, imbalance."""

from pathlib import Path

import pytest
from pictures_for_tests import jpeg, scene

from fedge.data.dataset import Dataset
from fedge.data.label_map import LabelMap, read_label_map
from fedge.data.load import load_dataset
from fedge.errors import DataError
from fedge.images.preprocess import Recipe


def folders(root: Path, **counts: int) -> Path:
    """A folder per class with so many small pictures, each another one."""
    number = 0
    for name, count in counts.items():
        (root / name).mkdir()
        for _ in range(count):
            (root / name / f"{number:03}.jpg").write_bytes(jpeg(scene(number, 64, 48)))
            number += 1
    return root


def load(root: Path) -> Dataset:
    return load_dataset((str(root),), Recipe(16, 16), LabelMap())


def test_a_data_set_without_anything_odd_gives_no_word(tmp_path: Path) -> None:
    dataset = load(folders(tmp_path, cup=30, plate=10))
    assert (dataset.doubtful, dataset.warnings, dataset.skipped) == ((), (), ())


def test_a_damaged_jpeg_is_counted_and_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root = folders(tmp_path, cup=10, plate=10)
    data = jpeg(scene(99))
    (root / "cup" / "damaged.jpg").write_bytes(data[:9000] + data[-2:])
    (root / "cup" / "gone.jpg").write_bytes(b"")
    dataset = load(root)
    assert [note.partition(" (")[0] for note in dataset.doubtful] == [f"{root}/cup/damaged.jpg is damaged"]
    assert dataset.skipped == (f"{root}/cup/gone.jpg cannot be decoded",)
    assert "Corrupt" not in capfd.readouterr().err


def test_the_same_picture_in_two_classes_is_named_with_both(tmp_path: Path) -> None:
    root = folders(tmp_path, cup=10, plate=10)
    (root / "plate" / "again.jpg").write_bytes((root / "cup" / "003.jpg").read_bytes())
    (root / "cup" / "copy.jpg").write_bytes((root / "cup" / "004.jpg").read_bytes())
    (doubt,) = load(root).doubtful
    assert all(name in doubt for name in ("again.jpg", "003.jpg", "in cup", "in plate", "the same picture"))


@pytest.mark.parametrize("other", ["cup ", "Cup", "CU P"])
def test_classes_whose_names_hardly_differ_are_told(tmp_path: Path, other: str) -> None:
    (warning,) = load(folders(tmp_path, **{"cup": 10, other: 10, "plate": 10})).warnings
    assert repr(other) in warning
    assert "'cup'" in warning
    assert "join them" in warning


def test_a_class_of_far_fewer_pictures_is_told(tmp_path: Path) -> None:
    (warning,) = load(folders(tmp_path, cup=120, plate=8)).warnings
    assert warning.startswith("cup has ")
    assert "plate only " in warning
    assert "add pictures of it" in warning


@pytest.mark.parametrize(("name", "text"), [("m.toml", 'cup = "Tür"\n'), ("m.json", '{"cup": "Tür"}')])
def test_a_label_map_may_begin_with_a_byte_order_mark(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_label_map(tmp_path / name).classes == {"cup": ("Tür",)}


def test_a_label_map_in_another_encoding_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_bytes('{"cup": "Tür"}'.encode("latin-1"))
    with pytest.raises(DataError, match=r"m\.json is not UTF-8; save it as UTF-8"):
        read_label_map(tmp_path / "m.json")
