"""Checkpoints: all that a training needs to go on as if it had not stopped."""

import io
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedge.system.files import replacing, sha256, sha256_file
from fedge_train.runs.history import Epoch

KEEP = 3
Arrays = dict[str, "np.ndarray[Any, Any]"]


@dataclass(frozen=True)
class BestEpoch:
    """The best epoch so far: its number from 1, and its accuracy and loss on the held-out pictures."""

    epoch: int
    accuracy: float
    loss: float


@dataclass(frozen=True)
class Facts:
    """What a checkpoint holds besides arrays: every epoch's figures, and the best epoch's."""

    history: tuple[Epoch, ...]
    best: BestEpoch


def save(folder: Path, epoch: int, arrays: Arrays, facts: Facts) -> None:
    """Saves the state after `epoch` epochs; the file's name carries its hash, and the last three are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / "staged.npz"
    with replacing(staged) as temporary, temporary.open("wb") as file:
        text = np.frombuffer(json.dumps(asdict(facts)).encode(), dtype=np.uint8)
        np.savez(file, allow_pickle=False, **arrays, facts=text)
    staged.replace(folder / f"epoch-{epoch:04d}-{sha256_file(staged)[:16]}.npz")
    for old in _newest_first(folder)[KEEP:]:
        old.unlink()


def load_latest(folder: Path) -> tuple[Arrays, Facts] | None:
    """The newest checkpoint whose hash is right, or None; a damaged one is passed over."""
    content = latest(folder)
    return read(content) if content else None


def latest(folder: Path) -> bytes:
    """The content of the newest checkpoint that is whole; empty where there is none."""
    for path in _newest_first(folder):
        content = path.read_bytes()
        if sha256(content)[:16] != path.stem.rsplit("-", 1)[1]:
            continue
        try:
            read(content)
        except (OSError, ValueError, zipfile.BadZipFile):
            continue
        return content
    return b""


def read(content: bytes) -> tuple[Arrays, Facts]:
    """A checkpoint's arrays and facts; raises OSError, ValueError or BadZipFile where it is damaged."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    facts = json.loads(arrays.pop("facts").tobytes())
    return arrays, Facts(tuple(Epoch(**epoch) for epoch in facts["history"]), BestEpoch(**facts["best"]))


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("epoch-*-*.npz"), key=lambda path: int(path.name.split("-")[1]), reverse=True)
