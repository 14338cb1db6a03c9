"""Frames that the network was not sure of, to label later: a ring of files, the oldest removed first.

    DIR/000042-20261122T101500250Z.jpg    the frame, in colour
    DIR/000042-20261122T101500250Z.json   its line of `fedge run --json`, and the scores of all classes

A picture that is moved away, into a class folder say, leaves its JSON behind, which goes when its turn comes.
"""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from fedge.errors import OutputError
from fedge.images.near_duplicates import NearDuplicates, difference_hash, hashes_of
from fedge.images.picture import as_jpeg
from fedge.outputs.base import NeverTaken, Output
from fedge.runner.result import Result
from fedge.system.files import BoundedFolder, write_bytes

MARGIN = 0.2
# A run of a year must not remember each of its scenes.
REMEMBERED = 500
# A scene that stands would otherwise be compared with all of these thirty times a second.
LOOK_SECONDS = 0.25
_NAME = re.compile(r"(\d{6,})-\w+\.json")


class UnsureFrames(Output):
    """Keeps rejected frames, and those whose two best scores are less than 0.2 apart.

    One that looks like any of the last 500, of this run or an earlier one, is left out. Raises OutputError where the
    folder cannot be written to.

    Args:
        folder: made if need be; what a run before left there counts.
        limit_bytes: how much it may hold.
        seconds: the least time between two frames that are kept, so that one bad scene does not drive out all others.
        labels: the class names, in output order.
    """

    name, backlog, wants_pictures = "unsure", 4, True

    def __init__(self, folder: Path, limit_bytes: int, seconds: float, labels: Sequence[str]) -> None:
        self._folder, self._seconds, self._labels = folder, seconds, labels
        self._looked_at: float | None = None
        self._kept_at: float | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # In the order of their numbers, not times: a machine without a clock battery may start with an earlier
            # time.
            found = sorted((int(m[1]), path) for path in folder.iterdir() if (m := _NAME.fullmatch(path.name)))
            self._kept = BoundedFolder(limit_bytes, [(path, _size(path)) for _, path in found], _remove)
        except OSError as error:
            raise OutputError(f"{folder} cannot be used ({error.strerror})", "give --unsure another folder") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"{folder} may not be written to", "give --unsure another folder")
        self._number = found[-1][0] if found else 0
        pictures = (path.with_suffix(".jpg") for _, path in found[-REMEMBERED:])
        self._known = NearDuplicates(hashes_of(filter(Path.exists, pictures)), REMEMBERED)

    def wants(self, result: Result) -> bool:
        """Whether the answer is unsure, the last frame was kept long enough ago, and one was looked at not just now."""
        moment = result.frame.moment
        if self._has_just_kept(moment) or _soon_after(self._looked_at, moment, min(self._seconds, LOOK_SECONDS)):
            return False
        if not is_unsure(result):
            return False
        self._looked_at = moment
        return True

    def show(self, result: Result) -> None:
        """Keeps a frame of a new scene, whole or not at all.

        Raises OSError, and NeverTaken for one that is larger than the ring.
        """
        picture, moment = result.frame.picture, result.frame.moment
        # It may have waited in the queue while the one before it was found to be new.
        if self._has_just_kept(moment):
            return
        fingerprint = difference_hash(picture)
        if self._known.has_near_duplicate(fingerprint):
            return
        scores = dict(zip(self._labels, (round(p, 6) for p in result.answer.probabilities), strict=True))
        text = json.dumps(result.to_json() | {"scores": scores}, ensure_ascii=False).encode() + b"\n"
        data = as_jpeg(picture)
        if len(text) + len(data) > self._kept.limit_bytes:
            # Its scene counts as known, so that it is not encoded again and again.
            self._known.add(fingerprint)
            raise NeverTaken(
                f"a frame has more than the {self._kept.limit_bytes / 1e6:g} MB of --unsure-mb", "allow more"
            )
        # Set before the frame is written, so that no more frames queue up while the disk is slow; if writing fails, the
        # hub gives this frame again.
        self._kept_at = moment
        self._kept.make_room(len(text) + len(data))
        time = result.frame.stamp.translate(str.maketrans("", "", "-:."))
        line = self._folder / f"{self._number + 1:06}-{time}.json"
        # The picture is written last: where there is a picture, there is its line.
        write_bytes(line, text)
        try:
            write_bytes(line.with_suffix(".jpg"), data)
        except OSError:
            line.unlink(missing_ok=True)
            raise
        self._number += 1
        self._kept.grow(line, len(text) + len(data))
        self._known.add(fingerprint)

    def _has_just_kept(self, moment: float) -> bool:
        return _soon_after(self._kept_at, moment, self._seconds)


def is_unsure(result: Result) -> bool:
    """Whether an answer is "unknown", or its two best scores are close."""
    top = result.answer.top
    return result.answer.rejected or (len(top) > 1 and top[0][1] - top[1][1] < MARGIN)


def _soon_after(earlier: float | None, moment: float, seconds: float) -> bool:
    # A video that begins anew goes back in time.
    return earlier is not None and 0 < moment - earlier < seconds


def _remove(line: Path) -> None:
    line.with_suffix(".jpg").unlink(missing_ok=True)
    line.unlink(missing_ok=True)


def _size(line: Path) -> int:
    picture = line.with_suffix(".jpg")
    return line.stat().st_size + (picture.stat().st_size if picture.exists() else 0)
