"""What `fedge export` reports, as text for people and as JSON."""

from dataclasses import dataclass

from fedge.model.format.schema import to_json
from fedge.system.json_types import JsonObject


@dataclass(frozen=True)
class ExportReport:
    """Files for another tool, and what proved them.

    Attributes:
        tool: `labels`, `frigate` or `mediapipe`.
        files: the paths of what was written.
        labels: the classes, in output order.
        input: height, width and channels of the exported network's input; None where none was exported.
        pictures: on how many pictures, prepared as the tool does it, it was held against the packed file.
        agreement: the share of them with the same likeliest class, 0..1; None where no network was exported.
        max_score_difference: the largest difference of a score on the golden inputs; None likewise.
        notes: what to heed.
    """

    tool: str
    files: tuple[str, ...]
    labels: tuple[str, ...]
    input: tuple[int, int, int] | None = None
    pictures: int = 0
    agreement: float | None = None
    max_score_difference: float | None = None
    notes: tuple[str, ...] = ()


def as_text(report: ExportReport) -> str:
    """The report for people: the files, what proved them, and what to heed."""
    lines = [f"wrote {path}" for path in report.files]
    if report.input is not None and report.agreement is not None:
        height, width, _ = report.input
        lines += [
            f"takes {width}x{height} red-green-blue pictures, uint8; gives scores that sum to one",
            f"the same likeliest class as the packed file on {report.agreement:.1%} of {report.pictures:,} pictures",
        ]
    return "\n".join([*lines, *report.notes])


def as_json(report: ExportReport) -> JsonObject:
    """The report's fields."""
    return to_json(report)
