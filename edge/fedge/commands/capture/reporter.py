"""What people and programs are told while pictures are collected."""

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fedge.commands.capture.checks import Look, Refusal
from fedge.commands.capture.class_folder import Kept
from fedge.sources.base import Frame
from fedge.system.console import json_text, printable

_REPEAT_SECONDS = 1.0


@dataclass
class Tally:
    """How many pictures were kept, and how many refused for each reason."""

    kept: int = 0
    refusals: Counter[str] = field(default_factory=Counter)

    @property
    def looked_at(self) -> int:
        """All of them."""
        return self.kept + self.refusals.total()


class Guide:
    """Tells on standard output; with `as_json` lines of JSON there, and what is for people on standard error.

    Args:
        label: the class that is collected.
        folder: where, for people.
        wanted: how many pictures.
        as_json: whether a program listens.
    """

    def __init__(self, label: str, folder: str, wanted: int, as_json: bool) -> None:
        self._label, self._folder, self._wanted, self._as_json = label, folder, wanted, as_json
        self._seconds = 0
        self._refused, self._refused_at = "", 0.0

    def countdown(self, seconds: int) -> None:
        """So many seconds are left until the first picture."""
        if seconds != self._seconds:
            self._tell(f"{self._label}: first picture in {seconds}")
        self._seconds = seconds

    def fault(self, message: str) -> None:
        """Something is wrong with the source."""
        self._tell(message)

    def picture(self, frame: Frame, look: Look, outcome: Kept | Refusal, tally: Tally) -> None:
        """A picture was kept or refused; the tally has it already."""
        kept = outcome if isinstance(outcome, Kept) else None
        if isinstance(outcome, Refusal):
            self._refuse(outcome, frame.moment)
        else:
            self._refused = ""
            unseen = ", but no object stands out in it" if outcome.empty else ""
            self._tell(f"{tally.kept} of {self._wanted}: {outcome.file.name}{unseen}")
        self._line(
            {
                "picture": tally.looked_at - 1,
                "source": frame.source,
                "time": frame.stamp,
                "file": str(kept.file) if kept else None,
                "cut_out": str(kept.cut_out) if kept and kept.cut_out else None,
                "refused": outcome.reason if isinstance(outcome, Refusal) else None,
                "sharpness": None if look.sharpness is None else round(look.sharpness, 3),
                "quality": round(kept.quality, 6) if kept and kept.quality is not None else None,
            }
        )

    def end(self, tally: Tally, in_folder: int) -> None:
        """It is over: the counts, and how many pictures the class has now."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in tally.refusals.most_common())
        refused = f"{tally.refusals.total()} refused" + (f" ({reasons})" if reasons else "")
        self._tell(f"{tally.kept} kept, {refused}; {self._folder} has {in_folder} pictures")
        summary = {"label": self._label, "folder": self._folder, "looked_at": tally.looked_at, "kept": tally.kept}
        self._line(summary | {"refusals": dict(tally.refusals), "in_folder": in_folder})

    def _refuse(self, refusal: Refusal, moment: float) -> None:
        # Where each frame is looked at, the same would be said thirty times a second.
        if refusal.reason == self._refused and moment - self._refused_at < _REPEAT_SECONDS:
            return
        self._refused, self._refused_at = refusal.reason, moment
        self._tell(f"refused: {refusal.reason}; {refusal.mend}")

    def _tell(self, text: str) -> None:
        print(printable(text), file=sys.stderr if self._as_json else sys.stdout, flush=True)

    def _line(self, content: dict[str, Any]) -> None:
        if self._as_json:
            print(json_text(content), flush=True)
