"""A command whose help is in groups, and whose options may stand in a configuration file."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from fedge.cli.parsing.camera_tables import read_cameras
from fedge.cli.parsing.config_file import CAMERA, read_config, to_write
from fedge.options.config_text import Value, tables
from fedge.system.console import did_you_mean

# Where a command's context keeps what was given to it: what `--save-config` writes.
GIVEN = "fedge.given"
# Where it keeps what the file's tables say of each of several cameras.
CAMERAS = "fedge.cameras"
HELP_ALL = "--help-all"
# A source of frames on the command line replaces the one in the file, of whatever kind.
_INSTEAD = {"source": ("camera", "device"), "camera": ("source",), "device": ("source",)}


class Group(TyperGroup):
    """The commands together. Its own flags are False where they are not given: for None, Typer loads pydantic."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, each flag with a value."""
        params = super().get_params(ctx)
        for param in params:
            if getattr(param, "is_flag", False) and param.default is None:
                param.default = False
        return params


class Command(TyperCommand):
    """A command with a heading for each panel of options, `--help-all`, and `--config` where it has that option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads the arguments, and what they do not say from the configuration file."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        if HELP_ALL in args:
            for param in self.params:
                param.hidden = False  # type: ignore[attr-defined]
            print(self.get_help(ctx))
            ctx.exit()
        options, too_many, _ = self.make_parser(ctx).parse_args(list(args))
        typed = {name: value for name, value in options.items() if value is not None}
        if "help" not in typed:
            self._require_no_more(ctx, too_many)
        from_file: dict[str, Any] = {}
        cameras: list[dict[str, Value]] = []
        if "config" in typed and "help" not in typed:
            from_file = read_config(Path(typed["config"]), self, ctx)
            cameras = tables(from_file.get(CAMERA, False))
            if cameras:
                del from_file[CAMERA]
            if typed.keys() & _INSTEAD.keys():
                cameras = []
            if cameras:
                ctx.meta[CAMERAS] = read_cameras(cameras, Path(typed["config"]), self, ctx)
            for name in typed:
                for other in _INSTEAD.get(name, ()):
                    from_file.pop(other, None)
            ctx.default_map = from_file
        try:
            rest = super().parse_args(ctx, args)
        except typer.BadParameter as error:
            _suggest(error, typed)
            raise
        ctx.meta[GIVEN] = to_write(self, ctx, from_file | typed) | ({CAMERA: cameras} if cameras else {})
        return rest

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes arguments and options, those of a panel under its heading."""
        groups: dict[str, list[tuple[str, str]]] = {}
        params = self.get_params(ctx)
        for param in sorted(params, key=lambda param: not getattr(param, "rich_help_panel", None)):
            record = param.get_help_record(ctx)
            if record is not None:
                usual = "Arguments" if param.param_type_name == "argument" else "Options"
                heading = getattr(param, "rich_help_panel", None) or usual
                words = record[0] if usual == "Options" else re.sub(r" <.*>$", "", record[0])
                groups.setdefault(heading, []).append((words, _plain_default(record[1])))
        if rare := sum(getattr(param, "hidden", False) for param in params):
            groups.setdefault("Options", []).append((HELP_ALL, f"Show {rare} more options, which are rarely needed."))
        if arguments := groups.pop("Arguments", None):
            groups = {"Arguments": arguments} | groups
        for heading, rows in groups.items():
            with formatter.section(heading):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Writes the examples as they are."""
        if self.epilog:
            formatter.write_paragraph()
            formatter.write(self.epilog)

    def _require_no_more(self, ctx: Any, words: list[str]) -> None:
        if not words:
            return
        if any(param.name == "source" for param in self.params):
            ctx.fail(f"{words[0]} is one argument too many; to give it as the source write --source {words[0]}")
        ctx.fail(f"{words[0]} is one argument too many")


def _plain_default(text: str) -> str:
    # Typer puts a default that is told in words into brackets of its own.
    return re.sub(r"\[default: \((.*?)\)(; |\])", r"[default: \1\2", text)


def _suggest(error: typer.BadParameter, typed: Mapping[str, Any]) -> None:
    choices = error.param.type_descriptor.choices if error.param is not None else None
    value = typed.get(error.param.name) if error.param is not None else None
    if choices and isinstance(value, str):
        error.message = error.message.rstrip(".") + did_you_mean(value, map(str, choices))
