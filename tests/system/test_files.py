"""Hashes of files and bytes."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from fedge.system.files import replacing, sha256, sha256_file, write_bytes, write_json


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
