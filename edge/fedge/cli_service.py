"""The commands `fedge service ...`."""

from typing import Annotated, Any

import typer

service_app = typer.Typer(help="Run fedge as a systemd service.", rich_markup_mode=None)
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]


@service_app.command("install")
def service_install(
    arguments: Annotated[list[str], typer.Argument(metavar="-- RUN ARGS", help="What `fedge run` is to be given.")],
    user: Annotated[str | None, typer.Option(help="Who runs it; you, or under root a user of its own.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Start `fedge run RUN ARGS` now and at each boot, in a hardened unit."""
    from fedge.service import install

    install(arguments, _checked_run(arguments), user, dry_run)


@service_app.command("status")
def service_status() -> None:
    """Show how the service does."""
    from fedge.service import status

    status()


@service_app.command("uninstall")
def service_uninstall(dry_run: DryRun = False) -> None:
    """Stop the service and remove it; what it has written stays."""
    from fedge.service import uninstall

    uninstall(dry_run)


def _checked_run(arguments: list[str]) -> dict[str, Any]:
    """`fedge run`'s parameters by name; a mistake is told now, not at the next boot."""
    from fedge.cli import app

    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    return command.commands["run"].make_context("fedge run", list(arguments)).params
