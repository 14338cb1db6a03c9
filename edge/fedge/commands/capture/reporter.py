"""What people and programs are told while pictures are collected."""

import sys
from collections import Counter
from dataclasses import dataclass, field

from fedge.commands.capture.checks import PictureQuality, Refusal
from fedge.commands.capture.class_folder import Kept
from fedge.model.format.schema import to_json
from fedge.sources.base import Frame
from fedge.system.console import json_text, printable
from fedge.system.json_types import JsonObject

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


@dataclass(frozen=True)
class PictureReport:
    """What became of one picture.

    Attributes:
        picture: counts those that were looked at, from 0.
        source, time: where it came from, and when it was taken, in UTC, ISO 8601.
        file, cut_out: where it and the network's input were written; None where not.
        refused: why it was not kept, in a few words; None where it was.
        sharpness: see `PictureQuality`, to three digits.
        quality: of the cut-out, 0..1; None where nothing was cut out.
    """

    picture: int
    source: str
    time: str
    file: str | None
    cut_out: str | None
    refused: str | None
    sharpness: float | None
    quality: float | None


@dataclass(frozen=True)
class CaptureReport:
    """What `fedge capture` did.

    Attributes:
        label, folder: the class, and its folder.
        looked_at, kept: how many pictures were looked at, and kept.
        refusals: how many were refused, by reason, the commonest first.
        in_folder: how many pictures the class has now.
    """

    label: str
    folder: str
    looked_at: int
    kept: int
    refusals: dict[str, int]
    in_folder: int


def as_text(report: CaptureReport) -> str:
    """The report in a line."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in report.refusals.items())
    refused = f"{report.looked_at - report.kept} refused" + (f" ({reasons})" if reasons else "")
    return f"{report.kept} kept, {refused}; {report.folder} has {report.in_folder} pictures"


def as_json(report: PictureReport | CaptureReport) -> JsonObject:
    """The report's fields."""
    return to_json(report)


class CaptureReporter:
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
            self._print(f"{self._label}: first picture in {seconds}")
        self._seconds = seconds

    def fault(self, message: str) -> None:
        """Something is wrong with the source."""
        self._print(message)

    def picture(self, frame: Frame, quality: PictureQuality, outcome: Kept | Refusal, tally: Tally) -> None:
        """A picture was kept or refused; the tally has it already."""
        kept = outcome if isinstance(outcome, Kept) else None
        if isinstance(outcome, Refusal):
            self._refuse(outcome, frame.moment)
        else:
            self._refused = ""
            unseen = ", but no object stands out in it" if outcome.empty else ""
            self._print(f"{tally.kept} of {self._wanted}: {outcome.file.name}{unseen}")
        if self._as_json:
            self._print_json(
                PictureReport(
                    picture=tally.looked_at - 1,
                    source=frame.source,
                    time=frame.stamp,
                    file=str(kept.file) if kept else None,
                    cut_out=str(kept.cut_out) if kept and kept.cut_out else None,
                    refused=outcome.reason if isinstance(outcome, Refusal) else None,
                    sharpness=None if quality.sharpness is None else round(quality.sharpness, 3),
                    quality=round(kept.quality, 6) if kept and kept.quality is not None else None,
                )
            )

    def end(self, tally: Tally, in_folder: int) -> None:
        """It is over: the counts, and how many pictures the class has now."""
        refusals = dict(tally.refusals.most_common())
        report = CaptureReport(self._label, self._folder, tally.looked_at, tally.kept, refusals, in_folder)
        self._print(as_text(report))
        if self._as_json:
            self._print_json(report)

    def _refuse(self, refusal: Refusal, moment: float) -> None:
        # Where each frame is looked at, the same would be said thirty times a second.
        if refusal.reason == self._refused and moment - self._refused_at < _REPEAT_SECONDS:
            return
        self._refused, self._refused_at = refusal.reason, moment
        self._print(f"refused: {refusal.reason}; {refusal.mend}")

    def _print(self, text: str) -> None:
        print(printable(text), file=sys.stderr if self._as_json else sys.stdout, flush=True)

    def _print_json(self, report: PictureReport | CaptureReport) -> None:
        print(json_text(as_json(report)), flush=True)
