"""Checkpoints: all that a training needs to go on as if it had not stopped."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from fedge.system.files import replacing, sha256_file

KEEP = 3
Arrays = dict[str, "np.ndarray[Any, Any]"]


def save(folder: Path, epoch: int, arrays: Arrays, facts: dict[str, Any]) -> None:
    """Saves the state after `epoch` epochs; the file's name carries its hash, and the last three are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / "staged.npz"
    with replacing(staged) as temporary, temporary.open("wb") as file:
        text = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
        np.savez(file, allow_pickle=False, **arrays, facts=text)
    staged.replace(folder / f"epoch-{epoch:04d}-{sha256_file(staged)[:16]}.npz")
    for old in _newest_first(folder)[KEEP:]:
        old.unlink()


def load_latest(folder: Path) -> tuple[Arrays, dict[str, Any]] | None:
    """The newest checkpoint whose hash is right, or None; a damaged one is passed over."""
    for path in _newest_first(folder):
        if sha256_file(path)[:16] != path.stem.rsplit("-", 1)[1]:
            continue
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (OSError, ValueError, zipfile.BadZipFile):
            continue
        return arrays, json.loads(arrays.pop("facts").tobytes())
    return None


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("epoch-*-*.npz"), key=lambda path: int(path.name.split("-")[1]), reverse=True)
