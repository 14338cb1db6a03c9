"""The command line as a whole. Each command is a plain function; what is heavy is imported inside it."""

from typing import Annotated, Literal

import typer

from fedge import __version__
from fedge.cli.device.capture import capture
from fedge.cli.device.deploy import EXAMPLES as DEPLOY_EXAMPLES
from fedge.cli.device.deploy import deploy
from fedge.cli.device.doctor import doctor
from fedge.cli.device.fleet import fleet_app
from fedge.cli.device.models import models_app
from fedge.cli.device.release import release_app
from fedge.cli.device.service import service_app
from fedge.cli.device.update import EXAMPLES as UPDATE_EXAMPLES
from fedge.cli.device.update import update
from fedge.cli.model import bench, evaluate, info, replay, samples, verify
from fedge.cli.parsing.command import Command, Group
from fedge.cli.parsing.optional_values import OptionalAddresses
from fedge.cli.quantize import EXAMPLES as QUANTIZE_EXAMPLES
from fedge.cli.quantize import average, backbone, quantize
from fedge.cli.run import EXAMPLES as RUN_EXAMPLES
from fedge.cli.run import run
from fedge.cli.scale.classify import EXAMPLES as CLASSIFY_EXAMPLES
from fedge.cli.scale.classify import classify
from fedge.cli.scale.tune import EXAMPLES as TUNE_EXAMPLES
from fedge.cli.scale.tune import tune
from fedge.cli.teach import adopt, export, teach
from fedge.cli.train import EXAMPLES as TRAIN_EXAMPLES
from fedge.cli.train import train
from fedge.errors import EXIT_USAGE

app = typer.Typer(
    cls=Group,
    help="Labelled pictures to an int8 classifier on a Raspberry Pi camera, proved at each step.",
    add_completion=True,
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


def schema(
    context: typer.Context,
    command: Annotated[Literal["run", "train"], typer.Argument(help="The command that reads the file.")] = "run",
) -> None:
    """Print the JSON schema of a configuration file, for editors."""
    import json

    from fedge.cli.parsing.schema import schema as schema_of

    group = context.find_root().command
    assert isinstance(group, typer.core.TyperGroup)
    print(json.dumps(schema_of(group.commands[command]), indent=2))  # type: ignore[arg-type]


app.command(cls=Command, epilog=TRAIN_EXAMPLES)(train)
app.command(cls=Command, epilog=TUNE_EXAMPLES)(tune)
app.command(cls=Command)(average)
app.command(cls=Command, epilog=QUANTIZE_EXAMPLES)(quantize)
app.command(cls=Command)(backbone)
app.command(cls=Command)(teach)
app.command(cls=Command)(adopt)
app.command(cls=Command)(export)
app.command("eval", cls=Command)(evaluate)
app.command(cls=OptionalAddresses, epilog=RUN_EXAMPLES)(run)
app.command(cls=Command)(capture)
app.command(cls=Command)(replay)
app.command(cls=Command)(info)
app.command(cls=Command)(verify)
app.command(cls=Command)(bench)
app.command(cls=Command)(samples)
app.command(cls=Command, epilog=CLASSIFY_EXAMPLES)(classify)
app.command(cls=Command, epilog=UPDATE_EXAMPLES)(update)
app.command(cls=Command)(doctor)
app.command(cls=Command, epilog=DEPLOY_EXAMPLES)(deploy)
app.add_typer(fleet_app, name="fleet")
app.add_typer(models_app, name="models")
app.add_typer(release_app, name="release")
app.add_typer(service_app, name="service")
app.command(cls=Command)(schema)
