"""Hashes of files and bytes."""

import hashlib
from pathlib import Path

import numpy as np

from fedge.files import sha256, sha256_file


def test_hashes_are_hashlibs(tmp_path: Path) -> None:
    # Longer than a block that is read at once, and not a multiple of it.
    data = np.random.default_rng(0).bytes(2_500_001)
    (tmp_path / "data").write_bytes(data)
    assert (
        sha256_file(tmp_path / "data") == sha256(data) == sha256(memoryview(data)) == hashlib.sha256(data).hexdigest()
    )
    assert sha256(b"") == hashlib.sha256().hexdigest()
