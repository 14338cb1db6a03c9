"""Reading a recording's segment back, whatever a crash or a power cut left of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fedge.images.picture import Picture
from fedge.runner.segments import END, FACTS, LINES


@dataclass(frozen=True)
class Loss:
    """What a segment lacks.

    Attributes:
        segment: its name.
        lines, pictures: how many are known to be lost.
        cut_off: whether it has no end, so that more may be lost: the run was cut off, or it still runs.
    """

    segment: str
    lines: int
    pictures: int
    cut_off: bool

    def __bool__(self) -> bool:
        return bool(self.lines or self.pictures or self.cut_off)


def read_facts(part: Path) -> Any:
    """The content of the segment's `recording.json`, None where there is none; raises OSError and ValueError."""
    return json.loads((part / FACTS).read_text(encoding="utf-8")) if (part / FACTS).exists() else None


def read_lines(part: Path) -> list[dict[str, Any]]:
    """The segment's lines up to the first that is torn; raises ValueError for one that is damaged in another way.

    A power cut leaves zeros, or a part of the last line; what is behind either cannot be replayed.
    """
    if not (part / LINES).exists():
        return []
    whole = (part / LINES).read_bytes().partition(b"\0")[0]
    return [json.loads(text) for text in whole.split(b"\n")[:-1]]


def read_picture(part: Path, line: dict[str, Any]) -> Picture | None:
    """A line's picture, uint8 [h, w, 3] blue-green-red or [h, w]; None where it has none, or nothing is left of it."""
    if not line["picture"]:
        return None
    picture = cv2.imread(str(part / line["picture"]), cv2.IMREAD_UNCHANGED)
    return None if picture is None else np.asarray(picture, dtype=np.uint8)


def loss(part: Path, lines: list[dict[str, Any]], pictures: int, facts: dict[str, Any] | None) -> Loss:
    """What is lost of a segment of which so many `lines` and `pictures` could be read."""
    named = sum(line["picture"] is not None for line in lines)
    end = _read_end(part)
    if end is not None:
        return Loss(part.name, end["lines"] - len(lines), end["pictures"] - pictures, False)
    content = (part / LINES).read_bytes() if (part / LINES).exists() else b""
    torn = int(not content.endswith(b"\n") and bool(content.strip(b"\0")))
    # A picture is written before its line: one without is that of a line that is lost.
    known = {line["picture"] for line in lines}
    unnamed = sum(path.name not in known for path in part.glob("*.png"))
    cut_off = facts is None or bool(facts.get("has_end")) or not (part / LINES).exists()
    return Loss(part.name, max(torn, unnamed), named - pictures + unnamed, cut_off)


def _read_end(part: Path) -> dict[str, int] | None:
    try:
        end = json.loads((part / END).read_text(encoding="utf-8"))
        return {name: int(end[name]) for name in ("lines", "pictures")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
