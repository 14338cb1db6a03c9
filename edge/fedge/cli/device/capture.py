"""The command `fedge capture`."""

from pathlib import Path
from typing import Annotated

import typer

from fedge.cli.parsing.parameters import (
    Area,
    Camera,
    Device,
    Height,
    Rate,
    Source,
    Turn,
    Wait,
    Width,
    require_one_source,
)
from fedge.options import (
    COLLECT_COUNT,
    COLLECT_COUNTDOWN,
    COLLECT_MEGABYTES,
    COLLECT_SECONDS,
    LEAST_SHARPNESS,
    MEGABYTE,
    CameraOptions,
    CollectOptions,
)


def capture(
    label: Annotated[str, typer.Argument(help="The class: the name of its folder.", show_default=False)],
    camera: Camera = False,
    device: Device = None,
    source: Source = None,
    wait: Wait = False,
    out: Annotated[Path, typer.Option(help="The folder of class folders.")] = Path("photos"),
    count: Annotated[int, typer.Option(help="How many pictures.", min=1)] = COLLECT_COUNT,
    every: Annotated[float, typer.Option(help="Seconds between two pictures.", min=0)] = COLLECT_SECONDS,
    countdown: Annotated[float, typer.Option(help="Seconds before the first.", min=0)] = COLLECT_COUNTDOWN,
    max_mb: Annotated[int, typer.Option(help="How many megabytes the class may hold.", min=1)] = COLLECT_MEGABYTES,
    least_sharpness: Annotated[
        float, typer.Option(help="Pictures below it are refused as blurred; 0: none.", min=0)
    ] = LEAST_SHARPNESS,
    model: Annotated[
        str | None, typer.Option(help="The model whose recipe cuts the object out; the default model if left out.")
    ] = None,
    width: Width = None,
    height: Height = None,
    fps: Rate = None,
    rotate: Turn = 0,
    region: Area = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line per picture, and one of the counts.")] = False,
) -> int:
    """Collect pictures of a class, each one checked: sharp, well lit, and not like one before."""
    require_one_source(camera, source, device)
    from fedge.commands.capture.session import capture as work

    return work(
        CollectOptions(
            label=label,
            out=out,
            source=source,
            device=device,
            count=count,
            every=every,
            countdown=countdown,
            limit_bytes=max_mb * MEGABYTE,
            least_sharpness=least_sharpness,
            model=model,
            as_json=as_json,
            camera=CameraOptions(width, height, fps, rotate, region),
            wait=wait,
        )
    )
