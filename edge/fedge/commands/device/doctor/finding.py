"""What one check of `fedge doctor` found."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One check's result.

    Attributes:
        check: what was looked at, in one or two words.
        level: `ok`; `note`: works, but somebody may want to know; `wrong`: has to be mended.
        found: what was found, in words.
        mend: the command or step that mends it; empty where nothing has to be.
    """

    check: str
    level: Level
    found: str
    mend: str = ""
