"""Flat TOML: a line for each key."""

import json
from collections.abc import Mapping
from typing import TypeAlias

from fedge.errors import ConfigError

Value: TypeAlias = "bool | int | float | str | list[Value]"
"""A value of a configuration file."""


def write_text(values: Mapping[str, Value]) -> str:
    """A configuration file's text; raises ConfigError for a text that is not UTF-8, as some files' names are."""
    return "".join(f"{key} = {_toml(_single(value))}\n" for key, value in values.items())


def _single(value: Value) -> Value:
    # A repeatable option that was given once is written, and may be read, like any other.
    return value[0] if isinstance(value, list) and len(value) == 1 else value


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
    # A string of JSON is a basic string of TOML, except that TOML escapes U+007F too.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
