"""`fedge service`: fedge as a systemd service."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fedge.errors import ServiceError
from fedge.files import write_bytes
from fedge.unit import Unit

NAME = "fedge.service"
UNIT_PATH = Path("/etc/systemd/system") / NAME
_RUNNING = Path("/run/systemd/system")
_SECONDS = 60


def install(arguments: Sequence[str], parameters: dict[str, Any], user: str | None, dry_run: bool) -> None:
    """Writes the unit, starts it and enables it at boot; with `dry_run` prints the unit. Raises ServiceError.

    Args:
        arguments: of `fedge run`; paths of files that exist are made absolute, for the service runs elsewhere.
        parameters: the same, by the names of the command's parameters.
        user: who runs it; None: who called sudo, or under root itself a user that exists only while it runs.
    """
    unit = make_unit(arguments, parameters, _user(user))
    if dry_run:
        print(unit.text(), end="")
        return
    _require_systemd()
    try:
        write_bytes(UNIT_PATH, unit.text().encode())
    except PermissionError as error:
        raise ServiceError(f"{UNIT_PATH} may not be written", "run it with sudo, or look at --dry-run") from error
    _systemctl("daemon-reload")
    _systemctl("enable", NAME)
    _systemctl("restart", NAME)
    print(f"{NAME} runs, now and after each boot; see `fedge service status` and `journalctl -u {NAME}`")


def status() -> int:
    """Shows `systemctl status` and gives its exit code. Raises ServiceError."""
    _require_systemd()
    return subprocess.run(["systemctl", "--no-pager", "status", NAME]).returncode


def uninstall(dry_run: bool) -> None:
    """Stops and removes the service; with `dry_run` says so only. Raises ServiceError."""
    if dry_run:
        print(f"would stop and disable {NAME} and remove {UNIT_PATH}")
        return
    _require_systemd()
    if not UNIT_PATH.exists():
        raise ServiceError(f"there is no {UNIT_PATH}", "it is not installed: nothing is left to do")
    _systemctl("disable", "--now", NAME)
    try:
        UNIT_PATH.unlink()
    except PermissionError as error:
        raise ServiceError(f"{UNIT_PATH} may not be removed", "run it with sudo") from error
    _systemctl("daemon-reload")
    print(f"{NAME} is removed; what it wrote is still in /var/lib/fedge")


def make_unit(arguments: Sequence[str], parameters: dict[str, Any], user: str | None) -> Unit:
    """The unit for `fedge run ARGUMENTS` by this very installation."""
    files = [argument for argument in arguments if Path(argument).exists()]
    absolute = [str(Path(a).absolute()) if a in files and not a.isdecimal() else a for a in arguments]
    return Unit(
        command=[*_program(), "run", *absolute],
        user=user,
        writable=[path for path in _written(parameters) if path.is_absolute()],
        readable=[Path(sys.prefix), *(Path(file).absolute() for file in files)],
    )


def _program() -> list[str]:
    script = Path(sys.executable).with_name("fedge")
    return [str(script)] if script.exists() else [sys.executable, "-m", "fedge"]


def _written(parameters: dict[str, Any]) -> list[Path]:
    files = [Path(path).parent for name in ("csv", "sqlite", "background") if (path := parameters.get(name))]
    return files + [path for name in ("record", "unsure") if (path := parameters.get(name))]


def _user(name: str | None) -> str | None:
    name = name or os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    if name == "root":
        return None
    try:
        return pwd.getpwnam(name).pw_name
    except KeyError as error:
        raise ServiceError(f"there is no user {name}", "give --user one that exists, or leave it out") from error


def _require_systemd() -> None:
    if not _RUNNING.is_dir() or shutil.which("systemctl") is None:
        raise ServiceError("systemd does not run here", "start `fedge run` by what does; --dry-run shows the unit")


def _systemctl(*arguments: str) -> None:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, timeout=_SECONDS)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ServiceError(f"systemctl {' '.join(arguments)} failed ({reason})", "run it with sudo; see journalctl -xe")
