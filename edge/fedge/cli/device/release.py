"""The commands `fedge release ...`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from fedge.cli.device.fleet import Authority, Listen, PasswordFile, fleet_report
from fedge.cli.parsing.command import Command
from fedge.cli.parsing.parameters import Json, print_report
from fedge.system.extras import needs_extra

release_app = typer.Typer(
    help="Signed releases of models, in a folder that any static server can show.", rich_markup_mode=None
)
EXAMPLES = """\
Examples:
  fedge release init --repo releases
  fedge release add photos.tflite --repo releases --percent 33
  fedge release promote --repo releases --percent 100 --mqtt mqtt://broker --most-errors 2%
"""
Repo = Annotated[Path, typer.Option(metavar="DIR", help="The folder that the server shows.")]
Keys = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="DIR",
        help="A folder of keys; may be given more than once. New keys are made in the first. "
        "$FEDGE_RELEASE_PASSPHRASE encrypts them.",
        show_default="REPO.keys",
    ),
]
Expires = Annotated[
    int, typer.Option(metavar="DAYS", help="How long devices trust what is signed now.", min=1, max=3650)
]
Channel = Annotated[Literal["stable", "beta"], typer.Option(help="Which devices it is for.")]
Percent = Annotated[int, typer.Option(help="How many devices in 100 may take it.", min=0, max=100)]
NAME = "`fedge release`"


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%"))
    except ValueError:
        share = -1.0
    if not 0 <= share <= 100:
        raise typer.BadParameter(f"{text!r} is no share of devices: give a number from 0 to 100, such as 2%")
    return share


@release_app.command("init", cls=Command, epilog=EXAMPLES)
def release_init(repo: Repo, keys: Keys = None, expires: Expires = 365) -> None:
    """Make an empty repository and the keys that sign for it."""
    with needs_extra("update", NAME):
        from fedge.commands.device import release as work
    opened = work.open_keys(repo, keys)
    root = work.init(repo, opened, expires)
    print(f"{repo} is ready; its keys are in {opened.folders[0]}: keep those of root and targets offline")
    print(f"each device needs {root} once: `fedge update --url URL --root root.json`")


@release_app.command("add", cls=Command)
def release_add(
    file: Annotated[Path, typer.Argument(help="A model file.")],
    repo: Repo,
    channel: Channel = "stable",
    percent: Percent = 100,
    notes: Annotated[str, typer.Option(metavar="TEXT", help="What is new.")] = "",
    version: Annotated[
        str | None, typer.Option(help="Its version's name.", show_default="the first digits of its SHA-256")
    ] = None,
    keys: Keys = None,
    expires: Expires = 365,
) -> None:
    """Release a model file that passes its self-test here."""
    with needs_extra("update", NAME):
        from fedge.commands.device import release as work
    made = work.add(repo, work.open_keys(repo, keys), expires, file, channel, percent, notes, version)
    print(f"{made.model} {made.version} is release {made.number} in {channel}, for {made.percent}% of the devices")


@release_app.command("promote", cls=Command)
def release_promote(
    repo: Repo,
    channel: Channel = "stable",
    percent: Percent = 100,
    mqtt: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Look at the devices first: mqtt://[USER@]HOST[/TOPIC]."),
    ] = None,
    most_errors: Annotated[
        float | None,
        typer.Option(
            metavar="PERCENT",
            help="With --mqtt: refuse where more devices than that are in error, such as 2%.",
            parser=_share,
            show_default="0%",
        ),
    ] = None,
    mqtt_ca: Authority = None,
    mqtt_password_file: PasswordFile = None,
    seconds: Listen = 2.0,
    keys: Keys = None,
    expires: Expires = 365,
) -> None:
    """Offer the newest release of a channel to more devices; exit code 3 where too many are in error."""
    if most_errors is not None and mqtt is None:
        raise typer.BadParameter("--most-errors needs --mqtt, where the devices publish their status")
    with needs_extra("update", NAME):
        from fedge.commands.device import release as work
    if mqtt is not None:
        report = fleet_report(mqtt, seconds, mqtt_password_file, mqtt_ca)
        from fedge.commands.device.fleet import require_healthy

        require_healthy(report, most_errors or 0.0)
    made = work.promote(repo, work.open_keys(repo, keys), expires, channel, percent)
    print(f"{made.model} {made.version} is for {made.percent}% of the devices in {channel}")


@release_app.command("withdraw", cls=Command)
def release_withdraw(repo: Repo, channel: Channel = "stable", keys: Keys = None, expires: Expires = 365) -> None:
    """Take the newest release of a channel back: a new one names the file of the one before."""
    with needs_extra("update", NAME):
        from fedge.commands.device import release as work
    made = work.withdraw(repo, work.open_keys(repo, keys), expires, channel)
    print(f"{made.model} {made.version} is release {made.number} in {channel} again: {made.notes}")


@release_app.command("rotate", cls=Command)
def release_rotate(
    repo: Repo,
    role: Annotated[
        Literal["root", "targets", "snapshot", "timestamp", "online"],
        typer.Argument(help="Whose key is replaced; online is snapshot and timestamp."),
    ] = "online",
    keys: Keys = None,
    expires: Expires = 365,
) -> None:
    """Replace a key; devices follow by themselves, as the root key signs for it."""
    with needs_extra("update", NAME):
        from fedge.commands.device import release as work
    opened = work.open_keys(repo, keys)
    roles = work.rotate(repo, opened, expires, role)
    print(f"{' and '.join(roles)} have new keys in {opened.folders[0]}; the old ones are no longer trusted")


@release_app.command("renew", cls=Command)
def release_renew(repo: Repo, keys: Keys = None, expires: Expires = 365) -> None:
    """Sign the same releases anew before they expire; the online keys are enough."""
    with needs_extra("update", NAME):
        from fedge.commands.device import release as work
    work.renew(repo, work.open_keys(repo, keys), expires)
    print(f"{repo} is signed for {expires} days more")


@release_app.command("status", cls=Command)
def release_status(repo: Repo, as_json: Json = False) -> None:
    """Show the releases, and when what is signed expires."""
    with needs_extra("update", NAME):
        from fedge.commands.device import release as work
    report = work.status(repo)
    print_report(work.as_json(report) if as_json else work.as_text(report))
