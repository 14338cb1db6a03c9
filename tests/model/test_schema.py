from dataclasses import dataclass
from typing import Any, Literal

import pytest

from fedge.model.format.schema import SchemaError, from_json, to_json


@dataclass(frozen=True)
class Inner:
    kind: Literal["a", "b"]
    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("count must not be negative")


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    ratios: tuple[float, ...]
    table: dict[str, str | None]
    note: str | None = None


GOOD: dict[str, Any] = {"name": "x", "inner": {"kind": "a"}, "ratios": [1, 0.5], "table": {"k": None}}


def test_reads_what_it_writes() -> None:
    value = from_json(Outer, GOOD)
    assert value == Outer("x", Inner("a"), (1.0, 0.5), {"k": None})
    assert from_json(Outer, to_json(value)) == value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 3}, "name must be a text, not '3'"),
        ({"inner": {"kind": "c"}}, "inner.kind must be one of a, b, not 'c'"),
        ({"inner": {"kind": "a", "count": True}}, "inner.count must be a whole number"),
        ({"inner": {"kind": "a", "count": 1.5}}, "inner.count must be a whole number"),
        ({"inner": {"kind": "a", "count": -1}}, "inner.count must not be negative"),
        ({"inner": []}, "inner must be an object"),
        ({"ratios": [1, "2"]}, r"ratios\[1\] must be a number"),
        ({"ratios": [float("nan")]}, r"ratios\[0\] must be a finite number"),
        ({"ratios": [-(10**400)]}, r"ratios\[0\] must be a finite number"),
        ({"table": {"k": 1}}, r"table\['k'\] must be a text"),
        ({"foreign": 1}, "'foreign' is not a known field of the top level"),
        ({"inner": {"kind": "a", "foreign": 1}}, "'foreign' is not a known field of inner"),
    ],
)
def test_names_the_field_that_is_wrong(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        from_json(Outer, GOOD | change)


def test_names_a_missing_field() -> None:
    with pytest.raises(SchemaError, match="inner is missing"):
        from_json(Outer, {k: v for k, v in GOOD.items() if k != "inner"})
