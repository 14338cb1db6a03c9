"""What commands that report something share."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Map = Annotated[Path | None, typer.Option(help="JSON or TOML: folder name to class, several classes, or nothing.")]


def show(report: dict[str, Any], text: str, as_json: bool) -> None:
    """Prints a report: `text` for people, or one JSON object."""
    shown = json.dumps(report, ensure_ascii=False) if as_json else text
    # A file's name need not be UTF-8; JSON has the escape for what it is read as.
    print(shown.encode(errors="backslashreplace").decode())
