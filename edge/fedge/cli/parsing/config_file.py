"""Configuration files: TOML with the options of a command, under the names of its flags without dashes.

A value is checked as if it had been typed. Paths are taken from the current folder, as on the command line.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperOption

from fedge.errors import ConfigError, FedgeError
from fedge.options import DEFAULT_ADDRESSES
from fedge.options.config_text import Value, tables
from fedge.system.console import did_you_mean

# These say which file is read or written; none may hold them.
_OUTSIDE = ("config", "save-config")
MOST_BYTES = 1_000_000
# Tables under this key say of each of several cameras what the command line says of one.
CAMERA = "camera"


def keys(command: TyperCommand) -> dict[str, Any]:
    """A command's parameters by their keys: an option's flag without dashes, an argument's name."""
    named = {
        param.opts[0].lstrip("-") if isinstance(param, TyperOption) else str(param.name): param
        for param in command.params
    }
    return {key: param for key, param in named.items() if key not in _OUTSIDE}


def read_config(path: Path, command: TyperCommand, context: Any) -> dict[str, Any]:
    """What a file gives to a command, by the names of its parameters, as text that could have been typed.

    Under `camera` there may be tables, which are given as they are. Raises ConfigError, which names the file and the
    line.
    """
    import tomllib

    text = read_text(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        why, _, where = str(error).removesuffix(")").partition(" (at ")
        number = re.search(r"line (\d+)", where)
        place = f"{path}:{number[1] if number else text.count(chr(10)) or 1}"
        raise ConfigError(
            f"{place}: {why}", 'write each option as a line like frames = 5 or csv = "log.csv"'
        ) from error
    known = keys(command)
    values: dict[str, Any] = {}
    for written, value in document.items():
        key = written.replace("_", "-")
        place = f"{path}:{_line(text, written)}"
        if key not in known:
            raise _unknown(place, written, command, known)
        name = str(known[key].name)
        if name in values:
            raise ConfigError(f"{place}: {key} is there twice", "leave one of them out")
        if key == CAMERA and tables(value):
            values[name] = value
        else:
            values[name], _ = checked(known[key], value, f"{place}: {key}", context)
    return values


def checked(param: Any, value: Any, place: str, context: Any) -> tuple[Any, Any]:
    """A value as it could have been typed, and what the command makes of it. Raises ConfigError, which begins with
    `place`."""
    see = f"see `{context.command_path} --help-all`"
    typed = None
    try:
        typed = _as_typed(param, value)
        return typed, param.process_value(context, typed)
    except typer.BadParameter as error:
        why = plain(error.message).rstrip(".") + _suggestion(param, typed)
        raise ConfigError(f"{place}: {why}", see) from error
    except FedgeError as error:
        raise ConfigError(f"{place}: {error.what}", error.mend) from error
    except ValueError as error:
        raise ConfigError(f"{place} {error}", see) from error


def to_write(command: TyperCommand, context: Any, given: Mapping[str, Any]) -> dict[str, Value]:
    """What was given to a command, by keys: numbers and flags as such, everything else as it was typed."""
    return {
        key: _value(context.params.get(param.name), given[param.name])
        for key, param in keys(command).items()
        if param.name in given
    }


def plain(message: str) -> str:
    """A message of Typer's without what pydantic puts before it."""
    return message.replace("Value error, ", "")


def read_text(path: Path) -> str:
    """A configuration file's text. Raises ConfigError."""
    mend = "give a text file of lines like camera = true"
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ConfigError(f"{path} is larger than {MOST_BYTES:,} bytes", mend)
        return data.decode()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})", mend) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8", mend) from error


def _line(text: str, key: str) -> int:
    found = re.search(rf"^\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else 1


def _unknown(place: str, key: str, command: TyperCommand, known: Mapping[str, Any]) -> ConfigError:
    for name, param in known.items():
        if f"--{key.replace('_', '-')}" in getattr(param, "secondary_opts", ()):
            return ConfigError(f"{place}: {key} is the opposite of {name}", f"write {name} = false")
    guess = did_you_mean(key, known).removeprefix("; ")
    return ConfigError(
        f"{place}: fedge {command.name} has no option {key}", guess or f"see `fedge {command.name} --help-all`"
    )


def _as_typed(param: Any, value: Any) -> Any:
    """A value of TOML as a command line would give it; raises ValueError for one that could not be typed."""
    if getattr(param, "is_flag", False):
        if not isinstance(value, bool):
            raise ValueError("is either true or false")
        return value
    if param.multiple or param.nargs == -1:
        return [_text(each) for each in (value if isinstance(value, list) else [value])]
    if value is True and param.opts[0] in DEFAULT_ADDRESSES:
        return str(DEFAULT_ADDRESSES[param.opts[0]])
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("is neither a text nor a number")
    return str(value)


def _suggestion(param: Any, value: Any) -> str:
    choices = param.type_descriptor.choices
    return did_you_mean(str(value), map(str, choices)) if choices else ""


def _value(parsed: Any, typed: Any) -> Value:
    if isinstance(parsed, (bool, int, float)):
        return parsed
    if isinstance(parsed, list):
        return [_value(*pair) for pair in zip(parsed, typed, strict=True)]
    return str(typed)
