"""The systemd unit that takes models from signed releases, beside the one that runs fedge; see systemd.unit(5)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fedge.commands.device.service.unit import CONFINED, NAME, quote, quote_argument, quote_value

UPDATE_NAME = "fedge-update.service"
_RESTART_SECONDS = 60
_MEMORY_MAX = "256M"


@dataclass(frozen=True)
class Updates:
    """Where models come from: the address of the releases, which of them, and how many seconds between two looks."""

    url: str
    channel: str
    seconds: int


def update_unit(program: Sequence[str], updates: Updates, user: str | None) -> str:
    """The unit file.

    Args:
        program: the absolute path of what runs fedge, and its first arguments.
        updates: where `fedge update` looks for models.
        user: who runs it, which must be who runs fedge.service; None for the user that exists only while that runs.
    """
    asked = ["update", "--url", updates.url, "--channel", updates.channel, "--watch", str(updates.seconds)]
    words = [quote(program[0]), *map(quote_argument, [*program[1:], *asked])]
    # A dynamic user is named after its unit: this one shares that of the other, and so the folder of the models.
    shared = f"User={NAME.removesuffix('.service')}\nDynamicUser=yes"
    who = f"User={quote_value(user)}" if user else shared
    return f"""\
[Unit]
Description=fedge: takes models from signed releases
Wants=network-online.target
After=network-online.target time-sync.target {NAME}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={" ".join(words)}
Restart=always
RestartSec={_RESTART_SECONDS}

{who}
StateDirectory=fedge
WorkingDirectory=%S/fedge
UMask=0027
MemoryMax={_MEMORY_MAX}
TasksMax=64

DevicePolicy=closed
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=read-only
{CONFINED}
[Install]
WantedBy=multi-user.target
"""
