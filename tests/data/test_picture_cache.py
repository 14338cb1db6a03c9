import multiprocessing
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from full_disk import no_room_for_more_than
from support import write_class_folders

from fedge.data.dataset import Dataset
from fedge.data.decoded import cache as cache_module
from fedge.data.decoded.array import PictureArray
from fedge.data.decoded.cache import FOLDER_VARIABLE, LIMIT_VARIABLE, PictureCache, user_cache
from fedge.data.decoded.decode import WithNotes
from fedge.data.label_map import LabelMap
from fedge.data.load import load_dataset
from fedge.errors import FedgeError
from fedge.images.picture import read_with_notes
from fedge.images.preprocess import Recipe
from fedge.system import locks

RECIPE = Recipe(16, 16, "rgb")
CLASSES = ["Bag", "Sneaker", "Trouser"]


@dataclass
class Reader:
    """Reads picture files, and remembers which."""

    opened: list[Path] = field(default_factory=list)

    def __call__(self, path: Path) -> WithNotes:
        self.opened.append(path)
        return read_with_notes(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_class_folders(tmp_path / "photos", CLASSES, 20)


@pytest.fixture
def cache(tmp_path: Path) -> PictureCache:
    return PictureCache(tmp_path / "cache")


def load(photos: Path, cache: PictureCache | None, recipe: Recipe = RECIPE) -> tuple[Dataset, int]:
    """The pictures, and how many of them were read from their files."""
    reader = Reader()
    dataset = load_dataset((str(photos),), recipe, LabelMap(), read=reader, cache=cache)
    return dataset, len(reader.opened)


def same(one: Dataset, two: Dataset) -> bool:
    pairs = [(getattr(one, split), getattr(two, split)) for split in ("train", "held_out", "test")]
    equal = [a.names == b.names and np.array_equal(a.images[:], b.images[:]) for a, b in pairs]
    notes = ("skipped", "duplicates", "doubtful", "warnings")
    return all(equal) and one.sha256() == two.sha256() and all(getattr(one, n) == getattr(two, n) for n in notes)


def files(cache: PictureCache) -> list[Path]:
    return sorted(cache.folder.iterdir())


def test_pictures_are_decoded_once_and_are_those_that_are_not_cached(photos: Path, cache: PictureCache) -> None:
    (photos / "Bag" / "broken.jpg").write_bytes(b"\xff\xd8 no jpeg")
    whole = cv2.imencode(".jpg", cv2.imread(str(next((photos / "Bag").glob("*.png")))))[1].tobytes()
    (photos / "Bag" / "damaged.jpg").write_bytes(whole[:-2] + bytes(40) + whole[-2:])
    shutil.copy(next((photos / "Bag").glob("*.png")), photos / "Sneaker" / "twin.png")
    plain, opened = load(photos, None)
    assert plain.skipped and plain.doubtful and not isinstance(plain.train.images, PictureArray)
    first, read_first = load(photos, cache)
    second, read_again = load(photos, cache)
    assert isinstance(first.train.images, PictureArray) and same(first, plain) and same(second, plain)
    # Only what could not be read is looked at again: it may be readable by now.
    assert (read_first, read_again) == (opened, 1)
    assert len(plain.doubtful) == 2
    (stored,) = files(cache)
    assert stored.stat().st_mode & 0o777 == 0o600


def test_another_size_or_another_content_is_decoded_anew(photos: Path, cache: PictureCache) -> None:
    load(photos, cache)
    assert load(photos, cache, replace(RECIPE, height=12, width=12))[1] == 60
    victim = sorted((photos / "Bag").iterdir())[0]
    before = victim.stat()
    other = sorted((photos / "Sneaker").iterdir())[0].read_bytes()
    victim.write_bytes(other[: before.st_size].ljust(before.st_size, b"\0"))
    # What a copying program does: the size and the time of the content are as they were.
    os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
    dataset, opened = load(photos, cache)
    assert opened == 60 and same(dataset, load(photos, None)[0])
    assert len(files(cache)) == 3


def test_a_picture_that_could_not_be_read_is_taken_once_it_can(photos: Path, cache: PictureCache) -> None:
    first = [True]

    def failing(path: Path) -> WithNotes:
        if path.parent.name == "Bag" and first:
            first.clear()
            raise cache_module.DataError(f"{path} cannot be read (Input/output error)", "try again")
        return read_with_notes(path)

    short = load_dataset((str(photos),), RECIPE, LabelMap(), read=failing, cache=cache)
    assert len(short.skipped) == 1
    whole, _ = load(photos, cache)
    assert whole.skipped == () and same(whole, load(photos, None)[0])
    assert load(photos, cache)[1] == 0


def test_no_readable_picture_at_all_is_kept_too(tmp_path: Path, cache: PictureCache) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"no picture")
    for _ in range(2):
        found = cache.decoded([path], [lambda: read_with_notes(path)], RECIPE)
        assert found.images.shape == (0, 16, 16, 3) and found.facts[0].problem


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def untold(content: bytes) -> bytes:
    return content.replace(b"null", b"nul1")


@pytest.mark.parametrize("damage", [cut, flipped, untold, lambda content: b"", lambda content: content[:-1]])
def test_a_damaged_file_is_decoded_again(
    photos: Path, cache: PictureCache, damage: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    plain, _ = load(photos, cache)
    (stored,) = files(cache)
    content = stored.read_bytes()
    stored.unlink()
    stored.write_bytes(damage(content))
    again, opened = load(photos, cache)
    assert opened == 60 and same(again, plain)
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{stored} is damaged" in line
    assert load(photos, cache)[1] == 0 and files(cache) == [stored]


def test_a_file_of_other_pictures_is_not_taken(photos: Path, cache: PictureCache) -> None:
    load(photos, cache)
    (stored,) = files(cache)
    load(write_class_folders(photos.parent / "more", CLASSES, 21), cache)
    (other,) = set(files(cache)) - {stored}
    shutil.copy(other, stored)
    assert load(photos, cache)[1] == 60


def test_the_longest_unused_is_removed_first(tmp_path: Path, photos: Path) -> None:
    one = 60 * 16 * 16 * 3
    cache = PictureCache(tmp_path / "cache", limit_bytes=3 * one)
    load(photos, cache)
    (first,) = files(cache)
    load(write_class_folders(tmp_path / "b", CLASSES, 20), cache)
    (second,) = set(files(cache)) - {first}
    os.utime(second, (1, 1))
    load(photos, cache)
    load(write_class_folders(tmp_path / "c", CLASSES, 20), cache)
    left = files(cache)
    assert first in left and second not in left and len(left) == 2
    assert sum(path.stat().st_size for path in left) <= cache.limit_bytes


def test_what_others_put_there_and_what_a_killed_training_left(photos: Path, cache: PictureCache) -> None:
    cache.folder.mkdir()
    (cache.folder / "letter.txt").write_text("mine")
    (cache.folder / ".left.pictures").write_bytes(b"half")
    load(photos, replace(cache, limit_bytes=60 * 16 * 16 * 3))
    names = [path.name for path in files(cache)]
    assert "letter.txt" in names and ".left.pictures" not in names and len(names) == 2


def test_pictures_that_are_removed_while_they_are_used_stay_readable(photos: Path, cache: PictureCache) -> None:
    dataset, _ = load(photos, cache)
    shutil.rmtree(cache.folder)
    assert same(dataset, load(photos, None)[0])


def refused(photos: Path, cache: PictureCache, capsys: pytest.CaptureFixture[str], why: str) -> None:
    """It goes on in memory, says why in one line, and leaves nothing half-written."""
    before = files(cache) if cache.folder.is_dir() else []
    dataset, _ = load(photos, cache)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"fedge: decoded pictures are kept in memory, not in {cache.folder}: ") and why in line
    assert same(dataset, load(photos, None)[0])
    assert (files(cache) if cache.folder.is_dir() else []) == before


def test_a_full_disk(photos: Path, cache: PictureCache, capsys: pytest.CaptureFixture[str]) -> None:
    with no_room_for_more_than(10_000):
        refused(photos, cache, capsys, "File too large")


def test_a_disk_that_fills_up_while_pictures_are_decoded(
    photos: Path, cache: PictureCache, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on file systems that do not keep the room that was asked for.
    monkeypatch.setattr(cache_module.file, "os", SimpleNamespace(**vars(os) | {"posix_fallocate": lambda *_: None}))
    with no_room_for_more_than(10_000):
        refused(photos, cache, capsys, "File too large")


def test_more_pictures_than_the_limit(photos: Path, cache: PictureCache, capsys: pytest.CaptureFixture[str]) -> None:
    refused(photos, replace(cache, limit_bytes=60 * 16 * 16 * 3 - 1), capsys, LIMIT_VARIABLE)


def test_a_folder_that_cannot_be_made(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    refused(photos, PictureCache(tmp_path / "file" / "cache"), capsys, "Not a directory")


def test_a_limit_of_nothing_keeps_nothing(photos: Path, cache: PictureCache) -> None:
    dataset, _ = load(photos, replace(cache, limit_bytes=0))
    assert not isinstance(dataset.train.images, PictureArray) and not cache.folder.exists()


def test_the_environment_says_where_and_how_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert user_cache() == PictureCache(tmp_path / "fedge" / "pictures", None)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "here"))
    monkeypatch.setenv(LIMIT_VARIABLE, "1.5")
    assert user_cache() == PictureCache(tmp_path / "here", 1_500_000_000)
    for wrong in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv(LIMIT_VARIABLE, wrong)
        with pytest.raises(FedgeError, match="no number of gigabytes"):
            user_cache()


def load_slowly(photos: Path, cache: PictureCache, started: multiprocessing.Event, go: multiprocessing.Event) -> None:
    def read(path: Path) -> WithNotes:
        started.set()
        assert go.wait(60)
        return read_with_notes(path)

    load_dataset((str(photos),), RECIPE, LabelMap(), read=read, cache=cache)


def test_a_second_training_waits_and_decodes_nothing(
    photos: Path, cache: PictureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = multiprocessing.get_context("spawn")
    started, go = context.Event(), context.Event()
    first = context.Process(target=load_slowly, args=(photos, cache, started, go))
    first.start()
    try:
        assert started.wait(60)
        said: list[str] = []

        def echo(text: str) -> None:
            said.append(text)
            go.set()

        for module in (cache_module, locks):
            monkeypatch.setattr(module, "echo", echo)
        dataset, opened = load(photos, cache)
    finally:
        go.set()
        first.join(60)
    assert first.exitcode == 0 and opened == 0 and len(said) == 1 and "waiting for it" in said[0]
    assert same(dataset, load(photos, None)[0])
