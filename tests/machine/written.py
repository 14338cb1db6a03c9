"""What a power cut left of each file that `fedge run` writes, read from a copy of the disk."""

import csv
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2

# A frame, by its number in its run and the moment at which it was captured.
Key = tuple[int, str]


def json_lines(path: Path) -> set[Key]:
    """The frames of a file of JSON lines; only the last line may be cut short."""
    return {_key(line) for line in _lines(path)}


def csv_rows(folder: Path, last_may_be_torn: bool = True) -> set[Key]:
    """The frames of `log.csv` and those it rotated to; the last row of the newest may be cut short, or zeros."""
    keys = set()
    for path in sorted(folder.glob("log.csv*")):
        text = path.read_bytes().decode()
        whole, _, rest = text.rpartition("\n")
        assert not rest or (last_may_be_torn and path.name == "log.csv"), f"{path}: {rest[:200]!r}"
        header, *rows = csv.reader(whole.splitlines()) if whole else [[]]
        for row in rows:
            assert len(row) == len(header), f"{path}: {row}"
            keys.add(_key(dict(zip(header, row, strict=True))))
    return keys


def database_rows(folder: Path) -> set[Key]:
    """The frames of `log.db`, which must be sound."""
    database = sqlite3.connect(folder / "log.db")
    try:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {(int(number), str(time)) for number, time in database.execute("SELECT frame, time FROM answers")}
    finally:
        database.close()


def recorded_frames(folder: Path, known: set[str]) -> set[Key]:
    """The frames of `recording` that have their line and a picture that can be decoded.

    Segments named in `known` are left out; those that are read are added to it.
    """
    keys = set()
    for lines in sorted(folder.glob("recording/segment-*/frames.jsonl")):
        if lines.parent.name in known:
            continue
        known.add(lines.parent.name)
        for line in _lines(lines):
            if line["picture"] is None or cv2.imread(str(lines.with_name(line["picture"]))) is not None:
                keys.add(_key(line))
    return keys


def unsure_pictures(folder: Path) -> int:
    """How many pictures `unsure` holds, each of which must be decodable and have its line."""
    pictures = sorted(folder.glob("unsure/*.jpg"))
    for picture in pictures:
        assert cv2.imread(str(picture)) is not None, f"{picture} cannot be decoded"
        json.loads(picture.with_suffix(".json").read_text())
    return len(pictures)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().split(b"\n")[:-1]:
        yield json.loads(line)


def _key(line: dict[str, Any]) -> Key:
    return int(line["frame"]), str(line["time"])
