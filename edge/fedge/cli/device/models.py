"""The commands `fedge models ...`."""

from pathlib import Path
from typing import Annotated

import typer

from fedge.cli.parsing.parameters import Json, print_report

models_app = typer.Typer(
    help="The models of this device: which runs, which ran before, and going back.", rich_markup_mode=None
)
StoreFolder = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="The store's folder; $FEDGE_STORE, /var/lib/fedge/models for root and the service, or your state folder.",
    ),
]
Name = Annotated[str, typer.Argument(help="A name, a version, or the first digits of a SHA-256.")]


@models_app.command("list")
def models_list(store: StoreFolder = None, as_json: Json = False) -> None:
    """Show the models, the current and the previous one, and what was done."""
    from fedge.commands.device import models as work

    report = work.store_report(work.open_store(store))
    print_report(work.as_json(report) if as_json else work.as_text(report))


@models_app.command("add")
def models_add(
    file: Annotated[Path, typer.Argument(help="A model file.")],
    version: Annotated[
        str | None, typer.Option(help="Its version's name; the first digits of its SHA-256 if left out.")
    ] = None,
    store: StoreFolder = None,
) -> None:
    """Copy a model file into the store; it does not run yet."""
    from fedge.commands.device.models import add_model, open_store

    entry = add_model(open_store(store), file, version)
    print(f"{entry.name} {entry.sha256[:12]} is in the store; run it with `fedge models use {entry.sha256[:12]}`")


@models_app.command("use")
def models_use(name: Name, store: StoreFolder = None) -> None:
    """Make a model the current one, once it gives its golden answers here."""
    from fedge.commands.device.models import open_store, use_model

    entry = use_model(open_store(store), name)
    print(f"{entry.name} {entry.sha256[:12]} is current; `fedge run` without MODEL takes it")


@models_app.command("rollback")
def models_rollback(
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "", store: StoreFolder = None
) -> None:
    """Make the previous model the current one again."""
    from fedge.commands.device.models import open_store

    entry = open_store(store).rollback(reason)
    print(f"{entry.name} {entry.sha256[:12]} is current again")


@models_app.command("remove")
def models_remove(name: Name, store: StoreFolder = None) -> None:
    """Remove a model that is neither current nor previous."""
    from fedge.commands.device.models import open_store

    opened = open_store(store)
    entry = opened.find(name)
    opened.remove(entry)
    print(f"{entry.name} {entry.sha256[:12]} is removed")
