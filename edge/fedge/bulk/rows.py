"""The rows of the results, and a partition of them as a Parquet file."""

import hashlib
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fedge.bulk.items import Item
from fedge.errors import FedgeError
from fedge.model.classifier import Answer
from fedge.system.json_types import JsonObject

DIGEST = b"fedge.items"
_TOP = pa.list_(pa.struct([("label", pa.string()), ("score", pa.float64())]))
_FIELDS = [
    ("uri", pa.string()),
    ("sha256", pa.string()),
    ("label", pa.string()),
    ("score", pa.float64()),
    ("top", _TOP),
    ("rejected", pa.bool_()),
    ("empty", pa.bool_()),
    ("quality", pa.float64()),
    ("threshold", pa.float64()),
    ("model_sha256", pa.string()),
    ("error", pa.string()),
]
TRUTH = "truth"


def schema(labelled: bool) -> Any:
    """The columns; with `truth`, the known label, where labels were asked for."""
    return pa.schema([*_FIELDS, (TRUTH, pa.string())] if labelled else _FIELDS)


def row(item: Item, data: bytes | None, answer: Answer | FedgeError, threshold: float, model: str) -> JsonObject:
    """A row: the answer rounded as `fedge run --json` prints it, or why there is none."""
    found: JsonObject = {
        "uri": item.uri.encode(errors="backslashreplace").decode(),
        # OpenSSL's, several times as fast as the one that the runner takes to save memory.
        "sha256": None if data is None else hashlib.sha256(data).hexdigest(),
        "threshold": threshold,
        "model_sha256": model,
        "truth": item.truth and item.truth.encode(errors="backslashreplace").decode(),
    }
    if isinstance(answer, FedgeError):
        return found | {"error": str(answer).encode(errors="backslashreplace").decode()}
    return found | {
        "label": answer.label,
        "score": round(answer.score, 6),
        "top": [{"label": label, "score": round(score, 6)} for label, score in answer.top],
        "rejected": answer.rejected,
        "empty": answer.empty,
        "quality": None if answer.quality is None else round(answer.quality, 6),
    }


def as_parquet(rows: list[JsonObject], digest: str, labelled: bool) -> bytes:
    """A partition as the content of a Parquet file, with the digest of its items in the metadata."""
    columns = schema(labelled).with_metadata({DIGEST: digest.encode()})
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=columns), written, compression="zstd")
    return written.getvalue()
