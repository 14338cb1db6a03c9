"""What `fedge train --recipe` reports: a row for each model, as text for people and as JSON."""

from dataclasses import dataclass

from fedge.data.dataset import JudgedOn
from fedge.errors import RecipeMissed
from fedge.model.description import PICTURES_OF
from fedge.model.format.schema import to_json
from fedge.system.json_types import JsonObject


@dataclass(frozen=True)
class ModelRow:
    """A model that a recipe made.

    Attributes:
        name, model: the recipe's name, and the model file.
        bytes, most_bytes: the network's size, and the most that the recipe allows.
        int8_accuracy, n, judged_on: the file's accuracy, 0..1, on how many pictures of which split.
        drop_pp, drop_upper95_pp: float less int8 in points, and what it is at most with 95% confidence.
        accepted: whether the gate let it pass; a trial with few pictures proves nothing.
        hours: of training and quantizing, the teacher's too, each time it was needed counted once.
    """

    name: str
    model: str
    bytes: int
    most_bytes: int
    int8_accuracy: float
    n: int
    judged_on: JudgedOn
    drop_pp: float
    drop_upper95_pp: float
    accepted: bool
    hours: float


@dataclass(frozen=True)
class RecipesReport:
    """The models that were made, in the order asked for."""

    models: tuple[ModelRow, ...]


def as_text(report: RecipesReport) -> str:
    """The table for people."""
    head = ("model", "bytes", "at most", "int8", "of", "drop", "bound", "hours", "gate")
    rows = [
        (
            row.name,
            f"{row.bytes:,}",
            f"{row.most_bytes:,}" + ("" if row.bytes <= row.most_bytes else " EXCEEDED"),
            f"{row.int8_accuracy:.2%}",
            f"{row.n:,} {PICTURES_OF[row.judged_on]}",
            f"{row.drop_pp:.2f}",
            f"{row.drop_upper95_pp:.2f}",
            f"{row.hours:.2f}",
            "passed" if row.accepted else "UNPROVED",
        )
        for row in report.models
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]
    return "\n".join([*lines, f"next: fedge info {report.models[-1].model}"])


def as_json(report: RecipesReport) -> JsonObject:
    """`models`, a list of rows."""
    return {"models": [to_json(row) for row in report.models]}


def require_kept(report: RecipesReport) -> None:
    """Raises RecipeMissed where a model is larger than its recipe promises."""
    missed = [row for row in report.models if row.bytes > row.most_bytes]
    if missed:
        sizes = ", ".join(f"{row.name} has {row.bytes:,} bytes of {row.most_bytes:,}" for row in missed)
        raise RecipeMissed(
            f"more than the recipe promises: {sizes}", "give the recipe a smaller arch, or raise its bytes"
        )
