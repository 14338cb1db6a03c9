"""JSON to frozen dataclasses and back, with each field's type checked and each error naming its field."""

import dataclasses
import sys
import types
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from fedge.system.json_types import Json, JsonObject

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


class SchemaError(ValueError):
    """A value does not fit its schema; the message names the field."""


def from_json(cls: type[T], value: Any, where: str = "") -> T:
    """Builds the dataclass `cls` from a JSON object.

    Raises SchemaError for a missing field, a foreign field, a value of another type, or what the class refuses itself
    with a ValueError in `__post_init__`.
    """
    result = _convert(cls, value, where or "the top level")
    assert isinstance(result, cls)
    return result


def to_json(value: "DataclassInstance") -> JsonObject:
    """A dataclass as the JSON object that `from_json` reads back: its fields in their order."""
    return {field.name: _json(getattr(value, field.name)) for field in dataclasses.fields(value)}


def _json(value: Any) -> Json:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_json(value)
    if isinstance(value, tuple | list):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    assert value is None or isinstance(value, bool | int | float | str), type(value)
    return value


def _convert(kind: Any, value: Any, where: str) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _convert_object(kind, value, where)
    if origin is Literal:
        if value not in get_args(kind) or isinstance(value, bool):
            raise SchemaError(f"{where} must be one of {', '.join(map(str, get_args(kind)))}, not {value!r}")
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else _convert(next(a for a in get_args(kind) if a is not type(None)), value, where)
    if origin is tuple:
        _require(isinstance(value, list), where, "a list", value)
        return tuple(_convert(get_args(kind)[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict:
        _require(isinstance(value, dict), where, "an object", value)
        return {key: _convert(get_args(kind)[1], item, f"{where}[{key[:60]!r}]") for key, item in value.items()}
    return _convert_plain(kind, value, where)


def _convert_object(cls: Any, value: Any, where: str) -> Any:
    _require(isinstance(value, dict), where, "an object", value)
    hints = get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    prefix = "" if where == "the top level" else f"{where}."
    for name in value:
        if name not in fields:
            # A foreign name may hold anything, line breaks too.
            raise SchemaError(f"{name[:60]!r} is not a known field of {where}")
    arguments = {}
    for name, field in fields.items():
        if name in value:
            arguments[name] = _convert(hints[name], value[name], f"{prefix}{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise SchemaError(f"{prefix}{name} is missing")
    try:
        return cls(**arguments)
    except SchemaError:
        raise
    except ValueError as error:
        raise SchemaError(f"{prefix}{error}") from error


def _convert_plain(kind: Any, value: Any, where: str) -> Any:
    if kind is float:
        _require(isinstance(value, int | float) and not isinstance(value, bool), where, "a number", value)
        # A whole number of JSON may be larger than any float.
        _require(abs(value) <= sys.float_info.max, where, "a finite number", value)
        return float(value)
    if kind is int:
        _require(isinstance(value, int) and not isinstance(value, bool), where, "a whole number", value)
    elif kind is bool:
        _require(isinstance(value, bool), where, "true or false", value)
    elif kind is str:
        _require(isinstance(value, str), where, "a text", value)
    else:
        raise TypeError(f"no rule reads {kind!r} from JSON")
    return value


def _require(condition: bool, where: str, what: str, value: Any) -> None:
    if not condition:
        raise SchemaError(f"{where} must be {what}, not {str(value)[:60]!r}")


def require_within(name: str, value: float, limits: tuple[float, float]) -> None:
    """Raises ValueError unless the value lies within the limits, both included; `name` is the field's."""
    if not limits[0] <= value <= limits[1]:
        raise ValueError(f"{name} must be from {limits[0]:g} to {limits[1]:g}")
