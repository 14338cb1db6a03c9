"""The command `fedge update`."""

import sys
from pathlib import Path
from time import sleep
from typing import Annotated, Literal

import typer

from fedge.cli.device.models import StoreFolder
from fedge.cli.parsing.parameters import RARE, Json, print_report
from fedge.errors import FedgeError
from fedge.system.console import printable
from fedge.system.extras import needs_extra

EXAMPLES = """\
Examples:
  fedge update --url https://example.org/releases --root root.json
  fedge update --url https://example.org/releases --watch 3600
  fedge update --url /media/stick/releases --channel beta
"""


def update(
    url: Annotated[str, typer.Option(metavar="URL", help="The releases: an http or https address, or a folder.")],
    channel: Annotated[Literal["stable", "beta"], typer.Option(help="Which releases to take.")] = "stable",
    once: Annotated[bool, typer.Option("--once", help="Look once; this is the default.")] = False,
    watch: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Look again and again, this often.", min=1)
    ] = None,
    root: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The root.json of whoever releases; needed once.")
    ] = None,
    store: StoreFolder = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="What tells this device from others in a rollout.", show_default="this machine", **RARE
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long the server may take to answer.", min=0.1, **RARE)
    ] = 30,
    as_json: Json = False,
) -> int:
    """Take a new model from signed releases; a running `fedge run` proves it and swaps it in."""
    if once and watch is not None:
        raise typer.BadParameter("give either --once or --watch")
    with needs_extra("update", "`fedge update`"):
        from fedge.commands.device import update as work
    from fedge.commands.device.models import open_store
    from fedge.updates.rollout import device_id

    opened = open_store(store)
    options = work.UpdateOptions(url, channel, device or device_id(), root, timeout)
    while True:
        try:
            report = work.update(opened, options)
            print_report(work.as_json(report) if as_json else work.as_text(report))
            sys.stdout.flush()
        except FedgeError as error:
            if watch is None:
                raise
            print(f"fedge: {printable(str(error))}", file=sys.stderr, flush=True)
        if watch is None:
            return 0
        sleep(watch)
