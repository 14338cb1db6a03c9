"""The reference of all commands, as Markdown, from the command line's own declarations."""

from collections.abc import Iterator
from typing import Any

import typer.main

from fedge.cli.app import app

INTRODUCTION = """# Commands

Made from the command line itself when this site is built. `fedge COMMAND --help` says the same. What a command prints
with `--json` is on the page [JSON](json.md), and what its exit code means on the page [Exit codes](exit-codes.md).
"""
ARGUMENTS, OPTIONS = "Arguments", "Options"


def leaves(command: Any = None, name: str = "fedge") -> Iterator[tuple[str, Any]]:
    """Each command that does something, with its whole name: `fedge run`, `fedge service install`."""
    command = command or typer.main.get_command(app)
    for part, inner in getattr(command, "commands", {}).items():
        if getattr(inner, "commands", None):
            yield from leaves(inner, f"{name} {part}")
        else:
            yield f"{name} {part}", inner


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(_command(name, command) for name, command in leaves())])


def _command(name: str, command: Any) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"## {name}", command.help or "", f"```text\n{usage}\n```"]
    for title, rows in _groups(command, context).items():
        heading = "argument" if title == ARGUMENTS else "option"
        parts.append(f"**{title}**\n\n| {heading} | |\n|---|---|\n" + "\n".join(rows))
    if command.epilog:
        parts.append(f"```text\n{command.epilog.strip()}\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def _groups(command: Any, context: Any) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for parameter in command.get_params(context):
        # What `--help` keeps short, the reference has.
        parameter.hidden = False
        record = parameter.get_help_record(context)
        if record is not None:
            default = ARGUMENTS if parameter.param_type_name == "argument" else OPTIONS
            title = getattr(parameter, "rich_help_panel", None) or default
            groups.setdefault(title, []).append(f"| `{_cell(record[0])}` | {_cell(record[1])} |")
    return groups


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
