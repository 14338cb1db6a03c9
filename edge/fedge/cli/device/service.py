"""The commands `fedge service ...`."""

from typing import Annotated, Literal

import typer

from fedge.cli.parsing.command import GIVEN
from fedge.options import RunOptions
from fedge.options.config_text import Value

service_app = typer.Typer(help="Run fedge as a systemd service.", rich_markup_mode=None)
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]


@service_app.command("install")
def service_install(
    context: typer.Context,
    arguments: Annotated[list[str], typer.Argument(metavar="-- RUN ARGS", help="The arguments of `fedge run`.")],
    user: Annotated[
        str | None, typer.Option(help="The user that it runs as; you, or under root a user of its own.")
    ] = None,
    update: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Take models from signed releases: an http or https address, or a folder."),
    ] = None,
    channel: Annotated[Literal["stable", "beta"], typer.Option(help="With --update: which releases.")] = "stable",
    watch: Annotated[int, typer.Option(metavar="SECONDS", help="With --update: how often to look.", min=1)] = 3600,
    dry_run: DryRun = False,
) -> None:
    """Start `fedge run RUN ARGS` now and at each boot, in a hardened unit; with --update another one beside it."""
    from fedge.commands.device.service.manage import install
    from fedge.commands.device.service.update_unit import Updates

    options, given = _asked(context, arguments)
    install(options, given, user, dry_run, None if update is None else Updates(update, channel, watch))


@service_app.command("status")
def service_status() -> None:
    """Show whether the service runs."""
    from fedge.commands.device.service.manage import status

    status()


@service_app.command("uninstall")
def service_uninstall(dry_run: DryRun = False) -> None:
    """Stop the service and remove it, and its updates; what it has written stays."""
    from fedge.commands.device.service.manage import uninstall

    uninstall(dry_run)


def run_arguments(context: typer.Context, arguments: list[str]) -> list[str]:
    """The same arguments, once `fedge run` takes them; a mistake is a usage error."""
    _asked(context, arguments)
    return arguments


def _asked(context: typer.Context, arguments: list[str]) -> tuple[RunOptions, dict[str, Value]]:
    """What `fedge run` makes of the arguments, and the same by keys; a mistake is told now, not at the next boot."""
    command = context.find_root().command
    assert isinstance(command, typer.core.TyperGroup)
    asked = command.commands["run"].make_context("fedge run", list(arguments))
    with asked:
        return command.commands["run"].invoke(asked), asked.meta[GIVEN]
