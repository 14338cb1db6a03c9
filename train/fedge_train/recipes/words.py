"""The words of a recipe's steps: options of the commands, under the names of their flags without dashes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fedge.options import MAX_DROP_PP, QAT_EPOCHS

_TRAIN = (
    *("arch", "data", "weight", "test-share", "fit", "subject", "size", "color", "epochs", "patience", "from"),
    *("teacher", "seed", "batch", "learning-rate", "camera-like", "variants", "outliers", "skip", "mix", "dtype"),
    "final-fit",
)
WORDS = {"train": _TRAIN, "average": ("runs",), "quantize": ("run", "method", "max-drop", "qat-epochs")}
"""The options that each command has in a recipe."""
TAKES = {"train": ("from", "teacher", "final-fit"), "average": ("runs",), "quantize": ("run",)}
"""Those of them that name earlier steps."""
_FIELDS = {"arch": "architecture", "from": "start", "teacher": "teachers", "weight": "weights"}
_LISTS = ("data", "weight", "teacher")


@dataclass(frozen=True)
class Quantizing:
    """What a recipe asks of `fedge quantize`; `run` is the name of a step."""

    run: str
    method: Literal["auto", "ptq", "qat"] = "auto"
    max_drop: float = MAX_DROP_PP
    qat_epochs: int = QAT_EPOCHS


def as_fields(words: Mapping[str, Any]) -> dict[str, Any]:
    """A step's words as fields of the options of its command; a single value of a list may stand alone."""
    return {_FIELDS.get(key, key.replace("-", "_")): _as_typed(key, value) for key, value in words.items()}


def _as_typed(key: str, value: Any) -> Any:
    if key == "mix" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return [value] if key in _LISTS and not isinstance(value, list) else value
