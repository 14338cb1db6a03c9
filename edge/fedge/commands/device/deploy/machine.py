"""What a machine is, as far as fedge must know before it is installed there."""

import re
import shlex
from dataclasses import dataclass

from fedge.commands.device.deploy.remote import Remote
from fedge.errors import DeployError

FOLDER = ".local/share/fedge"
LEAST_PYTHON = (3, 11)
LEAST_MB = 600
_ASKS = """
cd "$HOME" || exit 1
echo machine "$(uname -m)"
echo bits "$(getconf LONG_BIT)"
echo python "$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)"
python3 -c 'import ensurepip, venv' 2>/dev/null && echo venv yes
echo free "$(df -Pk . | awk 'NR == 2 { print int($4 / 1024) }')"
echo home "$HOME"
if [ "$(id -u)" = 0 ]; then echo root yes; elif sudo -n true 2>/dev/null; then echo sudo yes; fi
[ -d /run/systemd/system ] && echo systemd yes
echo wheel "$(cat FOLDER/wheel.sha256 2>/dev/null)"
echo service "$(cat FOLDER/service.sha256 2>/dev/null)"
exit 0
"""


@dataclass(frozen=True)
class Machine:
    """What is there.

    Attributes:
        machine: as `uname -m` says, `aarch64`.
        bits: 32 or 64, of its programs.
        python: its system Python's version; None where there is none.
        has_venv: whether that Python can make virtual environments.
        free_mb: MB free in the home.
        home: the home's path.
        root, sudo: whether the user is root, or may become it without a password.
        systemd: whether systemd runs there.
        wheel, service: SHA-256 of what was deployed before; empty where nothing was.
    """

    machine: str
    bits: int
    python: tuple[int, int] | None
    has_venv: bool
    free_mb: int
    home: str
    root: bool
    sudo: bool
    systemd: bool
    wheel: str
    service: str

    @property
    def folder(self) -> str:
        """Where fedge stands there."""
        return f"{self.home}/{FOLDER}"

    @property
    def fedge(self) -> str:
        """The command `fedge` there, as a shell takes it."""
        return shlex.quote(f"{self.folder}/venv/bin/fedge")

    @property
    def as_root(self) -> str:
        """What a shell puts before a command of root's."""
        return "" if self.root else "sudo -n "


def examine(remote: Remote) -> Machine:
    """Asks the machine; raises DeployError where it cannot be reached."""
    lines = (line.partition(" ") for line in remote.run(_ASKS.replace("FOLDER", FOLDER)).splitlines())
    said = {name: value.strip() for name, _, value in lines}
    version = re.fullmatch(r"(\d+)\.(\d+)", said.get("python", ""))
    return Machine(
        machine=said.get("machine", ""),
        bits=int(said.get("bits") or 64),
        python=None if version is None else (int(version[1]), int(version[2])),
        has_venv="venv" in said,
        free_mb=int(said.get("free") or 0),
        home=said.get("home", ""),
        root="root" in said,
        sudo="sudo" in said,
        systemd="systemd" in said,
        wheel=said.get("wheel", ""),
        service=said.get("service", ""),
    )


def require_fit(machine: Machine, name: str, service: bool) -> None:
    """Raises DeployError where fedge cannot be installed there, or its service not."""
    least = ".".join(map(str, LEAST_PYTHON))
    if machine.python is None or machine.python < LEAST_PYTHON:
        found = "no python3" if machine.python is None else f"Python {machine.python[0]}.{machine.python[1]}"
        raise DeployError(f"{name} has {found}", f"fedge needs Python {least}: Raspberry Pi OS Bookworm or later")
    if machine.bits == 32 and machine.python != LEAST_PYTHON:
        raise DeployError(f"{name} runs a 32-bit system", "install the 64-bit Raspberry Pi OS")
    if not machine.has_venv and not (machine.root or machine.sudo):
        raise DeployError(f"{name} cannot make virtual environments", "there: sudo apt-get install python3-venv")
    if not machine.wheel and machine.free_mb < LEAST_MB:
        raise DeployError(f"{name} has {machine.free_mb} MB free in its home", f"make room for {LEAST_MB} MB")
    if service and not machine.systemd:
        raise DeployError(f"{name} has no systemd to run a service", "give --no-service")
    if service and not (machine.root or machine.sudo):
        raise DeployError(
            f"sudo asks for a password on {name}",
            "give --no-service, and install the service there",
        )
