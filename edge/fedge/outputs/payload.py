"""An answer as one flat row, for files of rows; a change of the decision as JSON, for messages."""

from fedge.runner.result import Result
from fedge.system.json_types import JsonObject
from fedge.system.timing import stamp

Value = str | int | float | None

COLUMNS = (
    ("frame", "INTEGER"),
    ("time", "TEXT"),
    ("source", "TEXT"),
    ("label", "TEXT"),
    ("score", "REAL"),
    ("decision", "TEXT"),
    ("decision_score", "REAL"),
    ("changed", "INTEGER"),
    ("age_ms", "REAL"),
    ("preprocess_ms", "REAL"),
    ("infer_ms", "REAL"),
    ("model_sha256", "TEXT"),
)
"""Each column's name and its SQLite type; `time` is UTC in ISO 8601, `label` and `decision` are empty when unknown."""


REGION_COLUMN = ("region", "TEXT")
"""The column after `COLUMNS` of a run with named regions."""


def row(result: Result) -> tuple[Value, ...]:
    """The values of `COLUMNS`, in their order; then the region's name where it has one."""
    answer, decision = result.answer, result.decision
    return (
        result.number,
        result.frame.stamp,
        result.frame.source,
        answer.label,
        round(answer.score, 6),
        decision.label,
        round(decision.score, 6),
        int(decision.changed),
        round(result.age_ms, 3),
        round(answer.preprocess_ms, 3),
        round(answer.infer_ms, 3),
        result.model_sha256,
        *((result.region,) if result.region else ()),
    )


def change(result: Result) -> JsonObject:
    """A change of the decision as JSON: what was decided, how surely, since when, on which frame and region."""
    decision = result.decision
    region: JsonObject = {"region": result.region} if result.region else {}
    return region | {
        "label": decision.label,
        "score": round(decision.score, 6),
        "since": stamp(decision.since),
        "frame": result.number,
        "source": result.frame.source,
        "model_sha256": result.model_sha256,
    }
