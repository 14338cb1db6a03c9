"""`fedge service`: fedge as a systemd service."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from fedge.commands.device.systemd_unit import Unit
from fedge.errors import ServiceError
from fedge.system.files import write_bytes

NAME = "fedge.service"
UNIT_PATH = Path("/etc/systemd/system") / NAME
_RUNNING = Path("/run/systemd/system")
_SECONDS = 60
# The parameters of `fedge run` that name what is written: files, which get siblings as they rotate, and folders.
_FILES, _FOLDERS = ("csv", "sqlite", "background"), ("record", "unsure")
_READ = ("model", "source", "mqtt_ca", "mqtt_password_file", "web_token_file")
PATHS = (*_FILES, *_FOLDERS, *_READ)


def install(arguments: Sequence[str], parameters: dict[str, Any], user: str | None, dry_run: bool) -> None:
    """Writes the unit, starts it and enables it at boot; with `dry_run` prints the unit. Raises ServiceError.

    Args:
        arguments: of `fedge run`; paths of files that exist are made absolute, for the service runs elsewhere.
        parameters: the same, by the names of the command's parameters; folders to write in are made where they lack.
        user: who runs it; None: who called sudo, or under root itself a user that exists only while it runs.
    """
    unit = make_unit(arguments, parameters, _user(user))
    if dry_run:
        print(unit.text(), end="")
        return
    _require_systemd()
    for folder in unit.writable:
        _make_folder(folder, unit.user)
    try:
        write_bytes(UNIT_PATH, unit.text().encode())
    except PermissionError as error:
        raise ServiceError(f"{UNIT_PATH} may not be written", "run it with sudo, or look at --dry-run") from error
    _systemctl("daemon-reload")
    _systemctl("enable", NAME)
    _systemctl("restart", NAME)
    print(f"{NAME} runs, now and after each boot; see `fedge service status` and `journalctl -u {NAME}`")


def status() -> None:
    """Shows `systemctl status`. Raises ServiceError where the service does not run."""
    _require_systemd()
    if not UNIT_PATH.exists():
        raise ServiceError(f"{NAME} is not installed", "install it with `sudo fedge service install -- RUN ARGS`")
    if subprocess.run(["systemctl", "--no-pager", "status", NAME]).returncode == 0:
        return
    state = subprocess.run(["systemctl", "is-active", NAME], stdout=subprocess.PIPE, text=True).stdout.strip()
    raise ServiceError(
        f"{NAME} is {state or 'in an unknown state'}",
        f"see why with `journalctl -u {NAME}`, or start it with `sudo systemctl start {NAME}`",
    )


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
    named = {name: Path(_absolute(name, str(value))) for name, value in parameters.items() if name in PATHS and value}
    written = [named[name].parent for name in _FILES if name in named]
    written += [named[name] for name in _FOLDERS if name in named]
    return Unit(
        command=[*_program(), "run", *_with_absolute_paths(arguments, parameters.get("model"))],
        user=user,
        writable=[path for path in written if path.is_absolute()],
        readable=[Path(sys.prefix), *(path for path in named.values() if path.is_absolute())],
    )


def _program() -> list[str]:
    script = Path(sys.executable).with_name("fedge")
    return [str(script)] if script.exists() else [sys.executable, "-P", "-m", "fedge"]


def _with_absolute_paths(arguments: Sequence[str], model: str | None) -> list[str]:
    names = {f"--{name.replace('_', '-')}": name for name in PATHS}
    absolute = []
    for before, argument in pairwise(["", *arguments]):
        option, equals, value = argument.partition("=")
        if before in names:
            absolute.append(_absolute(names[before], argument))
        elif equals and option in names:
            absolute.append(f"{option}={_absolute(names[option], value)}")
        elif argument == model:
            absolute.append(_absolute("model", argument))
        else:
            absolute.append(argument)
    return absolute


def _absolute(name: str, path: str) -> str:
    # A folder may be called like a model that comes with fedge, and a file like the word for learning the background.
    is_path = Path(path).is_file() if name == "model" else Path(path).exists()
    # What is not there yet is made in the service's own folder, where it runs.
    return str(Path(path).absolute()) if is_path and (name, path) != ("background", "learn") else path


def _make_folder(folder: Path, user: str | None) -> None:
    """Makes a folder that the service writes in: systemd starts no unit whose ReadWritePaths are not there."""
    if folder.exists():
        return
    if user is None:
        raise ServiceError(
            f"{folder} is not there, and the service's own user could not write in a folder of root's",
            "make it and give --user its owner, or give a relative path, which is taken from /var/lib/fedge",
        )
    try:
        folder.mkdir(parents=True)
        shutil.chown(folder, user)
    except OSError as error:
        raise ServiceError(f"{folder} cannot be made ({error.strerror})", "run it with sudo, or make it") from error


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
