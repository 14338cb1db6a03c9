"""The command line as a whole. Each command is a plain function; what is heavy is imported inside it."""

from typing import Annotated

import typer

from fedge import __version__
from fedge.cli.capture import capture
from fedge.cli.device.doctor import doctor
from fedge.cli.device.models import models_app
from fedge.cli.device.service import service_app
from fedge.cli.model import bench, evaluate, info, replay, samples, verify
from fedge.cli.parsing.optional_values import OptionalAddresses
from fedge.cli.run import run
from fedge.cli.teach import adopt, teach
from fedge.cli.train import average, backbone, quantize, train
from fedge.errors import EXIT_USAGE

app = typer.Typer(
    help="Labelled pictures to an int8 classifier on a Raspberry Pi camera, proved at each step.",
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    # Rich's help would double the time that `--help` takes.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"fedge {__version__}")
        raise typer.Exit


@app.callback()
def fedge(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Labelled pictures to an int8 classifier on a Raspberry Pi camera, proved at each step."""
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(EXIT_USAGE)


app.command()(train)
app.command()(average)
app.command()(quantize)
app.command()(backbone)
app.command()(teach)
app.command()(adopt)
app.command("eval")(evaluate)
app.command(cls=OptionalAddresses)(run)
app.command()(capture)
app.command()(replay)
app.command()(info)
app.command()(verify)
app.command()(bench)
app.command()(samples)
app.command()(doctor)
app.add_typer(models_app, name="models")
app.add_typer(service_app, name="service")
