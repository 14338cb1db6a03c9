"""Files that are written whole, synced, bounded and hashed."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from waiting import eventually

from fedge.system.files import (
    BoundedFolder,
    PeriodicSync,
    is_hidden,
    replacing,
    sha256,
    sha256_file,
    sync_filesystem,
    write_bytes,
    write_json,
)


def test_hashes_are_hashlibs(tmp_path: Path) -> None:
    # Longer than a block that is read at once, and not a multiple of it.
    data = np.random.default_rng(0).bytes(2_500_001)
    (tmp_path / "data").write_bytes(data)
    assert (
        sha256_file(tmp_path / "data") == sha256(data) == sha256(memoryview(data)) == hashlib.sha256(data).hexdigest()
    )
    assert sha256(b"") == hashlib.sha256().hexdigest()


def test_a_name_that_is_not_utf_8_stands_in_json(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xe9t\xe9.jpg")
    write_json(tmp_path / "report.json", {"skipped": [name]})
    assert json.loads((tmp_path / "report.json").read_text()) == {"skipped": [name]}


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    write_bytes(path, b"first")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_bytes(b"sec")
        raise RuntimeError
    assert path.read_bytes() == b"first" and list(path.parent.iterdir()) == [path]


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "below", tmp_path / "folder"):
        with pytest.raises(OSError) as raised:
            write_bytes(path, b"")
        assert raised.value.filename == str(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_what_is_written_is_synced_once_and_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("fedge.system.files.sync_filesystem", synced.append)
    sync = PeriodicSync(tmp_path, seconds=0.01)
    sync.note()
    eventually(lambda: synced == [tmp_path])
    sync.note()
    sync.close()
    # Nothing was written besides: whether the second note was seen before the end or at it, there are two calls.
    assert synced == [tmp_path] * 2


def test_a_file_system_that_cannot_be_synced_is_an_error_of_the_system(tmp_path: Path) -> None:
    sync_filesystem(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_filesystem(tmp_path / "nothing")


def test_a_bounded_folder_drops_the_oldest_and_spares_what_is_being_written() -> None:
    removed: list[str] = []
    folder = BoundedFolder(100, [(Path("a"), 40), (Path("b"), 40)], lambda path: removed.append(path.name))
    folder.make_room(20)
    assert removed == []
    folder.grow(Path("c"), 20)
    folder.make_room(30)
    assert removed == ["a"] and Path("a") not in folder and len(folder) == 2
    folder.make_room(100, sparing=Path("b"))
    assert removed == ["a", "c"] and folder.size(Path("b")) == 40


def test_hidden_files_and_what_is_in_hidden_folders() -> None:
    assert is_hidden(Path("/a/.b")) and not is_hidden(Path("/.a/b"))
    assert is_hidden(Path("/x/.a/b"), Path("/x")) and not is_hidden(Path("/.x/a/b"), Path("/.x"))
