"""The command `fedge deploy`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from fedge.cli.device.service import run_arguments
from fedge.cli.parsing.parameters import Json, print_report

EXAMPLES = """\
Examples:
  fedge deploy pi@raspberrypi.local
  fedge deploy pi@raspberrypi.local my.tflite -- --camera --csv answers.csv
  fedge deploy pi@raspberrypi.local --dry-run
"""


def deploy(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="USER@HOST", help="A machine that takes your SSH key.")],
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL", help="A model file.", show_default="the one that comes along")
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- RUN ARGS", help="The arguments of `fedge run`.", show_default="--camera"),
    ] = None,
    port: Annotated[int | None, typer.Option(metavar="N", help="Of its SSH server.", min=1, max=65535)] = None,
    identity: Annotated[Path | None, typer.Option(metavar="FILE", help="A private key.", exists=True)] = None,
    extra: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="An extra of fedge; repeatable.", show_default="web, mqtt")
    ] = None,
    no_service: Annotated[bool, typer.Option("--no-service", help="Install fedge and the model only.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Bring fedge, a model and the service onto a device over SSH; what is there already stays."""
    from fedge.commands.device.deploy import deploy as work
    from fedge.commands.device.deploy.remote import Target

    model, given = _split(model, arguments)
    wanted = run_arguments(context, given or ["--camera"])
    asked = work.plan(model, extra if extra is not None else work.EXTRAS, None if no_service else wanted)

    def say(step: work.Step) -> None:
        if not as_json:
            print_report(work.as_text(step))
            sys.stdout.flush()

    steps = work.deploy(Target(target, port, identity), asked, dry_run, say)
    if as_json:
        print_report(work.as_json(steps))


def _split(model: Path | None, arguments: list[str] | None) -> tuple[Path | None, list[str]]:
    """Model and arguments; without a model the first argument behind `--` is taken for one."""
    given = list(arguments or [])
    if model is not None and str(model).startswith("-"):
        return None, [str(model), *given]
    return model, given
