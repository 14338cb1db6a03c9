"""An answer as one flat row, for files of rows."""

from fedge.runner import Result

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
