"""An answer as one flat row, for files of rows; a change of the decision as JSON, for messages."""

from typing import Any

from fedge.runner.result import Result
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
)
"""Each column's name and its SQLite type; `time` is UTC in ISO 8601, `label` and `decision` are empty when unknown."""


def row(result: Result) -> tuple[Value, ...]:
    """The values of `COLUMNS`, in their order."""
    line = result.to_json() | {
        "decision": result.decision.label,
        "decision_score": round(result.decision.score, 6),
        "changed": int(result.decision.changed),
    }
    return tuple(line[name] for name, _ in COLUMNS)


def change(result: Result) -> dict[str, Any]:
    """A change of the decision as JSON: what was decided, how surely, since when, on which frame of what."""
    decision = result.decision
    return {
        "label": decision.label,
        "score": round(decision.score, 6),
        "since": stamp(decision.since),
        "frame": result.number,
        "source": result.frame.source,
    }
