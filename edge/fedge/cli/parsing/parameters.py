"""Arguments and options that several commands share."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from fedge.cli.parsing.command import GIVEN
from fedge.options import Region, Rotation, parse_device, parse_perhaps_named_region, parse_region
from fedge.options.config_text import write_text
from fedge.system.console import json_text
from fedge.system.files import write_bytes
from fedge.system.json_types import JsonObject


def panel(name: str) -> Callable[..., Any]:
    """`typer.Option` for the options that help shows under this heading; bounds stand in `min` and `max`."""
    return partial(typer.Option, rich_help_panel=name)


SOURCE, CAMERA = panel("Source"), panel("Camera")
# Shown by `--help-all` only.
RARE = {"hidden": True}

Model = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL", help="A model file, a run folder, or the name of a shipped model.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
TrainingData = Annotated[
    list[str] | None,
    panel("Pictures")(
        "--data",
        metavar="FOLDER",
        help="A folder with a folder per class, or fashion-mnist; repeatable.",
        show_default="fashion-mnist",
    ),
]
Map = Annotated[
    Path | None,
    panel("Pictures")(metavar="FILE", help="JSON or TOML: folder name to class, several classes, or nothing."),
]

Camera = Annotated[bool, SOURCE("--camera", help="Take frames from a camera.")]
Device = Annotated[
    str | None,
    SOURCE(
        metavar="DEVICE",
        help="Which camera: an index, a /dev path, csi or a URL. Implies --camera.",
        show_default="the first that gives a picture",
        parser=parse_device,
    ),
]
Source = Annotated[
    str | None,
    SOURCE(metavar="WHAT", help="Instead of a camera: a picture, a folder, a glob pattern, a video or a URL."),
]
Wait = Annotated[bool, SOURCE("--wait", help="Wait for a camera that is not there yet.")]

Width = Annotated[
    int | None, CAMERA(metavar="PIXELS", help="Of the camera's picture.", min=1, show_default="the camera's own")
]
Height = Width

Rate = Annotated[float | None, CAMERA(metavar="N", help="Frames a second.", min=0.1, show_default="the camera's own")]
Turn = Annotated[Rotation, CAMERA(help="Degrees, clockwise.")]
Area = Annotated[
    Region | None,
    CAMERA(
        metavar="X,Y,WIDTH,HEIGHT",
        help="The part of the turned picture to use: in pixels, or each from 0 to 1.",
        show_default="all of it",
        parser=parse_region,
    ),
]
Areas = Annotated[
    list[Region] | None,
    CAMERA(
        "--region",
        metavar="[NAME=]X,Y,WIDTH,HEIGHT",
        help="The part of the turned picture to use: in pixels, or each from 0 to 1. With names: several parts, each "
        "with answers of its own.",
        show_default="all of it",
        parser=parse_perhaps_named_region,
    ),
]


Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Take options from this TOML file; those given here win.", show_default=False
    ),
]
SaveConfig = Annotated[
    Path | None,
    typer.Option("--save-config", metavar="FILE", help="Write the options given into this TOML file, and go on."),
]


def save_config(context: typer.Context, path: Path | None) -> None:
    """Writes what was given to the command into a file that only its owner may read: an address may hold a password."""
    if path is not None:
        write_bytes(path, write_text(context.meta[GIVEN]).encode(), mode=0o600)


def require_one_source(camera: bool, source: str | None, device: str | None) -> None:
    """Raises a usage error unless there is exactly one source of frames; a device is a camera."""
    if source is not None and device is not None:
        raise typer.BadParameter("--device goes with --camera, not with --source")
    if (camera or device is not None) == (source is not None):
        raise typer.BadParameter("give either --camera or --source")


def print_report(report: str | JsonObject) -> None:
    """Prints a report: text for people, or one JSON object on one line."""
    text = report if isinstance(report, str) else json_text(report)
    # A file's name need not be UTF-8: Python reads its other bytes as surrogates, for which JSON has an escape.
    print(text.encode(errors="backslashreplace").decode())
