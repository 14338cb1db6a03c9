"""`[[camera]]` and `[[camera.region]]` of a configuration file: cameras and parts of their pictures.

A table has a `name` and, under the same keys, what else the file says of one camera; a region has its `area`, too. What
it leaves out is as the rest of the file or the command line says. Values are checked as if they had been typed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from fedge.cli.parsing.config_file import checked, keys, read_text
from fedge.errors import ConfigError, SourceError
from fedge.options import (
    CameraOptions,
    DecisionOptions,
    FaultLimits,
    NamedCamera,
    PartOptions,
    PlaybackOptions,
    Region,
    RunOptions,
    is_name,
    parse_region,
)
from fedge.options.config_text import Value, tables
from fedge.system.console import did_you_mean

Options = TypeVar("Options", CameraOptions, FaultLimits, PlaybackOptions)
NAME, AREA, REGION = "name", "area", "region"
ANSWER_KEYS = ("model", "reject", "when", "smooth", "enter", "leave")
CAMERA_KEYS = (
    *("source", "device", "wait", "loop", "realtime", "width", "height", "fps", "rotate", REGION),
    *ANSWER_KEYS,
    *("max-age", "stall-after", "frozen-after"),
)


def read_cameras(given: list[dict[str, Value]], path: Path, command: Any, context: Any) -> list[dict[str, Any]]:
    """What the tables say, each by the names of the command's parameters, the tables of its regions under `regions`.

    Raises ConfigError, which names the file and the line.
    """
    return _Reader(path, command, context).cameras(given)


def to_cameras(options: RunOptions, read: list[dict[str, Any]]) -> tuple[NamedCamera, ...]:
    """The cameras that the tables ask for, where `options` are those of the rest of the file and the command line."""
    return tuple(_camera(options, table) for table in read)


def _camera(options: RunOptions, table: Mapping[str, Any]) -> NamedCamera:
    parts = [_part(options, table, region) for region in table["regions"]] or [_part(options, table, None)]
    return NamedCamera(
        name=table[NAME],
        source=table.get("source"),
        device=table.get("device"),
        camera=_with(options.camera, table),
        limits=_with(options.limits, table),
        playback=_with(options.playback, table),
        parts=tuple(parts),
    )


def _with(options: Options, table: Mapping[str, Any]) -> Options:
    """The options, those that the table says replaced: its keys are the names of their fields."""
    return replace(options, **{field.name: table[field.name] for field in fields(options) if field.name in table})


def _part(options: RunOptions, camera: Mapping[str, Any], region: Mapping[str, Any] | None) -> PartOptions:
    said = {**camera, **(region or {})}
    name = camera[NAME] if region is None else f"{camera[NAME]}/{region[NAME]}"
    decision = DecisionOptions(
        said.get("smooth", options.decision.window_seconds),
        said.get("enter", options.decision.enter),
        said.get("leave", options.decision.leave),
    )
    if decision.leave > decision.enter:
        raise ConfigError(f"{name}: leave is above enter", "give a leave that is not above enter")
    return PartOptions(
        name=name,
        region=None if region is None else region[AREA],
        model=said.get("model", options.model),
        reject=said.get("reject", options.reject),
        decision=decision,
        when=said.get("when", options.when),
    )


class _Reader:
    def __init__(self, path: Path, command: Any, context: Any) -> None:
        self.path, self.context = path, context
        self.known = keys(command)
        self.lines = read_text(path).splitlines()
        headers = [(number, line) for number, line in enumerate(self.lines, 1) if re.match(r"\s*\[", line)]
        self.headers = [number for number, _ in headers]
        self.starts = {
            kind: [number for number, line in headers if re.match(rf"\s*\[\[\s*{kind}\s*\]\]", line)]
            for kind in (r"camera", r"camera\s*\.\s*region")
        }

    def cameras(self, given: list[dict[str, Value]]) -> list[dict[str, Any]]:
        regions = iter(self.starts[r"camera\s*\.\s*region"])
        read: list[dict[str, Any]] = []
        for number, table in enumerate(given):
            start = self._start(self.starts["camera"], number)
            found = self._table(table, start, CAMERA_KEYS, {each[NAME] for each in read})
            if (found.get("source") is None) == (found.get("device") is None):
                raise self._wrong(start, f"camera {found[NAME]} has no source, or two", "give it a source or a device")
            found["regions"] = list(self._regions(tables(table.get(REGION, [])), regions, start))
            read.append(found)
        return read

    def _regions(self, given: list[dict[str, Value]], starts: Iterator[int], camera: int) -> Iterator[dict[str, Any]]:
        names: set[str] = set()
        for table in given:
            start = next(starts, camera)
            found = self._table({key: value for key, value in table.items() if key != AREA}, start, ANSWER_KEYS, names)
            names.add(found[NAME])
            yield found | {AREA: self._area(table.get(AREA), start)}

    def _whole(self, regions: list[Region], line: int) -> Region:
        if len(regions) > 1 or regions[0].name:
            raise self._wrong(
                line, "region is one part, without a name", "write [[camera.region]] for each that has one"
            )
        return regions[0]

    def _area(self, value: object, start: int) -> Region:
        if not isinstance(value, str):
            raise self._wrong(start, "a region has no area", 'write one like area = "0,0,0.5,1"')
        try:
            return parse_region(value)
        except SourceError as error:
            raise self._wrong(self._line(start, AREA), f"{AREA}: {error.what}", error.mend) from error

    def _table(
        self, table: Mapping[str, Value], start: int, allowed: tuple[str, ...], taken: set[str]
    ) -> dict[str, Any]:
        name = table.get(NAME)
        if not isinstance(name, str) or not is_name(name):
            raise self._wrong(start, f"{name!r} is no name", "give each a name of letters, digits, - and _")
        if name in taken:
            raise self._wrong(start, f"two are called {name}", "give each a name of its own")
        found: dict[str, Any] = {NAME: name}
        for written, value in table.items():
            key = written.replace("_", "-")
            if key == NAME or (key == REGION and tables(value)):
                continue
            line = self._line(start, written)
            if key not in allowed:
                guess = did_you_mean(key, allowed).removeprefix("; ") or f"it may have {', '.join(allowed)}"
                raise self._wrong(line, f"{name} can have no {key}", guess)
            _, parsed = checked(self.known[key], value, f"{self.path}:{line}: {key}", self.context)
            param = str(self.known[key].name)
            found[param] = self._whole(parsed, line) if key == REGION else parsed
        return found

    def _start(self, starts: list[int], number: int) -> int:
        return starts[number] if number < len(starts) else 1

    def _line(self, start: int, key: str) -> int:
        """The line of a key in the table that begins at `start`."""
        end = next((header for header in self.headers if header > start), len(self.lines) + 1)
        at = rf"\s*[\"']?{re.escape(key)}[\"']?\s*="
        return next((n for n in range(start, end) if re.match(at, self.lines[n - 1])), start)

    def _wrong(self, line: int, what: str, mend: str) -> ConfigError:
        return ConfigError(f"{self.path}:{line}: {what}", mend)
