"""Arguments and options that several commands share."""

import json
from pathlib import Path
from typing import Annotated

import typer

from fedge.options import Rotation
from fedge.system.json_types import JsonObject

Model = Annotated[str | None, typer.Argument(help="A model file, or the name of a shipped model.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Map = Annotated[Path | None, typer.Option(help="JSON or TOML: folder name to class, several classes, or nothing.")]

Device = Annotated[
    str | None, typer.Option(help="An index, a /dev path, csi or a URL; the first camera that works if left out.")
]
Pixels = Annotated[int | None, typer.Option(help="The camera's picture, in pixels.", min=1)]
Rate = Annotated[float | None, typer.Option(help="The camera's frames a second.", min=0.1)]
Turn = Annotated[Rotation, typer.Option(help="Degrees, clockwise.")]
Area = Annotated[
    str | None, typer.Option(help="X,Y,WIDTH,HEIGHT of the turned picture to look at: pixels, or each 0 to 1.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for a camera that is not there yet.")]


def require_one(camera: bool, source: str | None, device: str | None) -> None:
    """Raises a usage error unless there is exactly one source of frames."""
    if camera == (source is not None):
        raise typer.BadParameter("give either --camera or --source")
    if device is not None and not camera:
        raise typer.BadParameter("--device goes with --camera")


def print_report(report: str | JsonObject) -> None:
    """Prints a report: text for people, or one JSON object on one line."""
    text = report if isinstance(report, str) else json.dumps(report, ensure_ascii=False)
    # A file's name need not be UTF-8; JSON has the escape for what it is read as.
    print(text.encode(errors="backslashreplace").decode())
