"""The pictures of folders, lists, archives, tables and URLs, and their bytes."""

import gc
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3_server import s3_server

from fedge.bulk.items import Item, Partition, partitions
from fedge.bulk.listing import Listing
from fedge.bulk.reading import contents
from fedge.errors import DataError, SourceError

NAMES = ("cup/a.png", "cup/b.png", "plant/c.png")


def png(gray: int) -> bytes:
    return cv2.imencode(".png", np.full((8, 8), gray, np.uint8))[1].tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two class folders with three pictures, and what is no picture."""
    root = tmp_path / "bucket"
    for i, name in enumerate(NAMES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(i))
    (root / "cup/.hidden.png").write_bytes(png(9))
    (root / "cup/notes.md").write_text("none")
    return root


def listed(*sources: object, labels: str | None = None, column: str | None = None) -> list[Item]:
    return list(Listing(tuple(map(str, sources)), labels, column))


def read(items: list[Item]) -> list[bytes]:
    found = [data for _, data in contents(items)]
    return [data for data in found if isinstance(data, bytes)]


EXPECTED = [png(0), png(1), png(2)]


def test_a_folder_a_pattern_and_a_list_give_the_same(folder: Path) -> None:
    (folder / "list.txt").write_text("".join(f"{folder}/{name}\n" for name in NAMES))
    uris = [f"{folder}/{name}" for name in NAMES]
    for source in (folder, f"{folder}/**/*.png", f"@{folder}/list.txt", folder / "list.txt"):
        items = listed(source)
        assert [item.uri for item in items] == uris
        assert read(items) == EXPECTED


def test_labels_come_from_folders_and_from_lists(folder: Path) -> None:
    assert [item.truth for item in listed(folder, labels="folders")] == ["cup", "cup", "plant"]
    assert [item.truth for item in listed(folder)] == [None] * 3
    (folder / "list.txt").write_text(f"{folder}/{NAMES[0]}\tmug\n")
    assert [item.truth for item in listed(folder / "list.txt", labels="folders")] == ["mug"]


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_archives_are_read_where_they_are(folder: Path, kind: str) -> None:
    path = folder / f"shard.{kind}"
    if kind == "tar":
        with tarfile.open(path, "w") as tar:
            for name in NAMES:
                tar.add(folder / name, name)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name in NAMES:
                archive.write(folder / name, name)
    items = listed(path, labels="folders")
    assert [item.uri for item in items] == [f"{kind}://{name}::{path}" for name in NAMES]
    assert [item.truth for item in items] == ["cup", "cup", "plant"]
    assert read(items) == EXPECTED
    # From the middle, as a later partition is read.
    assert read(items[1:2]) == EXPECTED[1:2]


@pytest.mark.parametrize("as_struct", [False, True])
def test_a_table_has_the_pictures_in_a_column(tmp_path: Path, as_struct: bool) -> None:
    values = [{"bytes": data, "path": "x"} for data in EXPECTED] if as_struct else EXPECTED
    table = pa.table({"image": values, "label": ["cup", "cup", None], "n": [1, 2, 3]})
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, row_group_size=2)
    items = listed(path, labels="folders")
    assert [item.uri for item in items] == [f"{path}#row={i}" for i in range(3)]
    assert [item.truth for item in items] == ["cup", "cup", None]
    assert [item.truth for item in listed(path, labels="n")] == ["1", "2", "3"]
    assert read(items) == EXPECTED and read(items[2:]) == EXPECTED[2:]


def test_a_bucket_is_listed_and_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(folder / "shard.tar", "w") as tar:
        tar.add(folder / NAMES[2], NAMES[2])
    for name, value in (("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_REGION", "us-east-1")):
        monkeypatch.setenv(name, value)
    with s3_server(folder.parent) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        uris = [f"s3://bucket/{name}" for name in NAMES]
        for source in ("s3://bucket", "s3://bucket/**/*.png"):
            items = listed(source)
            assert [item.uri for item in items if item.kind == "file"] == uris
            assert read(items)[:3] == EXPECTED
        assert read(listed("s3://bucket/shard.tar")) == EXPECTED[2:]
        (gone,) = contents([Item("s3://bucket/gone.png", "s3://bucket/gone.png")])
        assert isinstance(gone[1], DataError)
        with pytest.raises(SourceError, match="no file or folder"):
            listed("s3://bucket/nothing")
        # The same server without the protocol: a web server.
        assert read(listed(f"{url}/bucket/{NAMES[0]}?key=secret")) == EXPECTED[:1]
        assert "secret" not in listed(f"{url}/bucket/{NAMES[0]}?key=secret")[0].uri


def test_what_cannot_be_read_is_told_for_each_picture(folder: Path) -> None:
    path = folder / "shard.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder / NAMES[0], NAMES[0])
    items = [*listed(path), Item("gone.png", "gone.png")]
    path.write_bytes(b"no archive")
    assert [type(data) for _, data in contents(items)] == [DataError, DataError]


def test_a_file_that_is_missing_in_a_list_is_a_picture_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# what was there\n/gone/a.png\n\n")
    ((item, error),) = contents(listed(tmp_path / "list.txt"))
    assert item.uri == "/gone/a.png" and isinstance(error, DataError)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nothing", "no file, folder or picture"),
        ("nothing/*.png", "no file, folder or picture"),
        ("@nothing", "cannot be read"),
        ("empty", "has no pictures"),
        ("x.tar.gz", "compressed as a whole"),
        ("bad.tar", "damaged"),
        ("bad.zip", "damaged"),
        ("bad.parquet", "no Parquet file"),
        ("numbers.parquet", "no column of bytes"),
        ("two.parquet", "--column: a, b"),
        ("https://user:word@host/a.png", "a user or a password"),
        ("odd://host/a", "no kind of address"),
    ],
)
def test_what_cannot_be_listed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    for name in ("x.tar.gz", "bad.tar", "bad.zip", "bad.parquet"):
        Path(name).write_bytes(b"this is none" * 100)
    pq.write_table(pa.table({"n": [1]}), "numbers.parquet")
    pq.write_table(pa.table({"a": [b"1"], "b": [b"2"]}), "two.parquet")
    with pytest.raises(SourceError, match=message) as refused:
        listed(source)
    assert "word" not in str(refused.value).replace("a password", "")


def test_columns_that_are_not_there_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [b"1"]}), path)
    for wrong in ({"column": "n"}, {"labels": "n"}):
        with pytest.raises(SourceError, match="n"):
            listed(path, **wrong)


def test_of_a_list_of_any_length_two_partitions_are_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("/gone/a.png\n" * 10_000)
    alive = [
        sum(isinstance(thing, Item) for thing in gc.get_objects()) for _ in partitions(Listing((str(path),)), 1000)
    ]
    assert len(alive) == 10 and 1000 <= max(alive) <= 2000


def test_a_partition_is_known_by_names_and_labels() -> None:
    one, other = Item("a", "a"), Item("a", "a", truth="cup")
    assert Partition(0, (one,)).digest == Partition(3, (one,)).digest != Partition(0, (other,)).digest
