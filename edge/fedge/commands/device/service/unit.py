"""The systemd unit that runs fedge, and quoting for it (see systemd.unit(5), systemd.exec(5))."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NAME = "fedge.service"
WATCHDOG_SECONDS = 30
START_SECONDS = 120
RESTART_SECONDS = 5
MEMORY_MAX = "512M"
ENVIRONMENT_FILE = "/etc/fedge.env"
CONFIG_FILE = "/etc/fedge.toml"

# What a Raspberry Pi's cameras and firmware answer on; `char-` names are groups of devices from /proc/devices.
_DEVICES = ("char-video4linux", "char-media", "char-dma_heap", "/dev/vchiq", "/dev/vcsm-cma", "/dev/vcio")

_HOMES = ("/home", "/root", "/run/user")
# What no service of fedge needs is taken from it; see systemd.exec(5).
CONFINED = """\
PrivateTmp=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
LockPersonality=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
"""


@dataclass(frozen=True)
class Unit:
    """What a unit depends on.

    Attributes:
        program: the absolute path of what runs fedge, and its first arguments; the unit adds `run --config FILE`.
        user: who runs it; None for a user that exists only while it runs.
        writable: absolute folders outside its state folder that it writes to.
        readable: absolute paths that it must be able to read.
    """

    program: Sequence[str]
    user: str | None
    writable: Sequence[Path] = ()
    readable: Sequence[Path] = ()

    def text(self) -> str:
        """The unit file."""
        program, *arguments = self.program
        name = Path(CONFIG_FILE).name
        who = f"User={quote_value(self.user)}" if self.user else "DynamicUser=yes"
        writable = "".join(f"ReadWritePaths={quote(str(path))}\n" for path in self.writable)
        devices = "".join(f"DeviceAllow={device} rw\n" for device in _DEVICES)
        return f"""\
[Unit]
Description=fedge: classifies what a camera sees
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
# Root alone reads the configuration, which may hold passwords; systemd hands it to the service. See systemd.exec(5).
LoadCredential={name}:{CONFIG_FILE}
ExecStart={" ".join([quote(program), *map(quote_argument, arguments)])} run --config ${{CREDENTIALS_DIRECTORY}}/{name}
Restart=on-failure
RestartSec={RESTART_SECONDS}
TimeoutStartSec={START_SECONDS}
TimeoutStopSec=10
WatchdogSec={WATCHDOG_SECONDS}
# Secrets: FEDGE_MQTT_PASSWORD=..., FEDGE_WEB_TOKEN=... and FEDGE_WEBHOOK=...; for root's eyes only.
EnvironmentFile=-{ENVIRONMENT_FILE}

{who}
SupplementaryGroups=video
StateDirectory=fedge
WorkingDirectory=%S/fedge
UMask=0027
MemoryMax={MEMORY_MAX}
OOMPolicy=stop
TasksMax=128

DevicePolicy=closed
{devices}\
ProtectSystem=strict
ProtectHome={self._homes()}
{writable}\
{CONFINED}
[Install]
WantedBy=multi-user.target
"""

    def _homes(self) -> str:
        needed = [Path(self.program[0]), *self.readable, *self.writable]
        # What lies in a home must stay visible: a virtual environment, a model. No home needs to be written to.
        return "read-only" if any(path.is_relative_to(home) for path in needed for home in _HOMES) else "yes"


def quote_argument(argument: str) -> str:
    """An argument of ExecStart as systemd takes it back unchanged: no specifier, variable, quote or escape acts."""
    return quote(argument.replace("$", "$$"))


def quote(text: str) -> str:
    """A word as systemd takes it back unchanged, but for variables, which only ExecStart has."""
    text = quote_value(text)
    plain = text and text.isprintable() and not set(text) & set(" \"'\\;")
    return text if plain else '"' + "".join(map(_escape, text)) + '"'


def quote_value(text: str) -> str:
    """A value in which no specifier acts."""
    return text.replace("%", "%%")


def _escape(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return f"\\x{ord(character):02x}" if character < " " else character
