"""Flat TOML: a line for each key."""

import json
from collections.abc import Mapping
from typing import TypeAlias

from fedge.errors import ConfigError

Value: TypeAlias = "bool | int | float | str | list[Value]"
"""A value of a configuration file."""


def write_text(values: Mapping[str, Value]) -> str:
    """A configuration file's text; raises ConfigError for a text that is not UTF-8, as some files' names are."""
    return "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(f"{value!r} is not UTF-8, and cannot stand in TOML", "rename the file") from error
    # A basic string of TOML is one of JSON, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
