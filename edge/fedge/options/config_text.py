"""TOML: a line for each key, then the arrays of tables."""

import json
from collections.abc import Mapping
from typing import TypeAlias

from fedge.errors import ConfigError

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value]"
"""A value of a configuration file."""


def write_text(values: Mapping[str, Value]) -> str:
    """A configuration file's text; raises ConfigError for a text that is not UTF-8, as some files' names are."""
    return _text(values, "")


def tables(value: Value) -> list[dict[str, Value]]:
    """The tables of an array of tables; none for any other value."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(values: Mapping[str, Value], within: str) -> str:
    plain = {key: value for key, value in values.items() if not tables(value)}
    lines = [f"{key} = {_toml(_single(value))}\n" for key, value in plain.items()]
    for key, value in values.items():
        for table in tables(value):
            lines.append(f"\n[[{within}{key}]]\n{_text(table, f'{within}{key}.')}")
    return "".join(lines)


def _single(value: Value) -> Value:
    # A repeatable option that was given once is written, and may be read, like any other.
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        raise ConfigError("a table stands in a list of values", "write it as [[camera]]")
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(f"{value!r} is not UTF-8, and cannot stand in TOML", "rename the file") from error
    # A string of JSON is a basic string of TOML, except that TOML escapes U+007F too.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
