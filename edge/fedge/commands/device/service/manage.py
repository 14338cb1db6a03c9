"""`fedge service`: installing, showing and removing the service."""

import os
import pwd
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from fedge.commands.device.service.preflight import check
from fedge.commands.device.service.systemctl import require_systemd, restart, state, systemctl
from fedge.commands.device.service.unit import CONFIG_FILE, ENVIRONMENT_FILE, NAME, Unit
from fedge.commands.device.service.update_unit import UPDATE_NAME, Updates, update_unit
from fedge.errors import ServiceError
from fedge.options import RecordOptions, RunOptions
from fedge.options.config_text import Value, tables, write_text
from fedge.options.flags import PathUse, flags
from fedge.outputs.factory import OUTPUTS
from fedge.system.extras import needs_extra
from fedge.system.files import write_bytes

UNIT_PATH = Path("/etc/systemd/system") / NAME
UPDATE_PATH = UNIT_PATH.with_name(UPDATE_NAME)
CONFIG_PATH = Path(CONFIG_FILE)
_FLAGS = [each for kind in (RunOptions, RecordOptions, *OUTPUTS) for each in flags(kind).values()]
PATHS: Mapping[str, PathUse] = {each.key: each.path for each in _FLAGS if each.path is not None}
_SECRETS = {each.key for each in _FLAGS if each.secret}
_HEADER = f"""\
# What `fedge run` is given by {NAME}, which root alone may read: an address may hold a password.
# After a change: sudo fedge service install -- --config {CONFIG_FILE}
"""


def install(
    options: RunOptions, given: Mapping[str, Value], user: str | None, dry_run: bool, updates: Updates | None = None
) -> None:
    """Writes configuration and unit, starts it and enables it at boot; with `dry_run` prints both. Raises FedgeError.

    Args:
        options: what the service is to do; what a run would refuse is refused before anything is written.
        given: the same by the keys of a configuration file. Paths of what exists are made absolute, for the service
            runs elsewhere; folders to write in are made where they are missing.
        user: who runs it; None: who called sudo, or under root itself a user that exists only while it runs.
        updates: where models come from by themselves, in a unit beside it; None leaves such a unit as it is.
    """
    check(options, Path(ENVIRONMENT_FILE))
    if updates is not None:
        with needs_extra("update", "--update"):
            import tuf  # noqa: F401
    values = with_absolute_paths(given)
    unit = make_unit(values, _user(user))
    beside = None if updates is None else update_unit(_program(), updates, unit.user)
    if dry_run:
        if beside is not None:
            print(f"# {UPDATE_PATH}\n{beside}")
        print(f"# {UNIT_PATH}\n{unit.text()}\n# {CONFIG_PATH}\n{_HEADER}{write_text(_without_secrets(values))}", end="")
        return
    require_systemd()
    for folder in unit.writable:
        _make_folder(folder, unit.user)
    try:
        write_bytes(CONFIG_PATH, (_HEADER + write_text(values)).encode(), mode=0o600)
        write_bytes(UNIT_PATH, unit.text().encode())
        if beside is not None:
            write_bytes(UPDATE_PATH, beside.encode())
    except PermissionError as error:
        raise ServiceError(f"{error.filename} may not be written", "run it with sudo, or look at --dry-run") from error
    systemctl("daemon-reload")
    systemctl("enable", NAME)
    if restart():
        print(f"{NAME} runs, now and after each boot; see `fedge service status` and `journalctl -u {NAME}`")
    else:
        print(f"{NAME} is installed and still starting; see `fedge service status` and `journalctl -u {NAME}`")
    if beside is not None:
        systemctl("enable", UPDATE_NAME)
        systemctl("restart", UPDATE_NAME)
        print(f"{UPDATE_NAME} looks for models; see `journalctl -u {UPDATE_NAME}`")


def status() -> None:
    """Shows `systemctl status`. Raises ServiceError where the service does not run."""
    require_systemd()
    if not UNIT_PATH.exists():
        raise ServiceError(f"{NAME} is not installed", "install it with `sudo fedge service install -- RUN ARGS`")
    if subprocess.run(["systemctl", "--no-pager", "status", NAME]).returncode == 0:
        return
    raise ServiceError(
        f"{NAME} is {state() or 'in an unknown state'}",
        f"see why with `journalctl -u {NAME}`, or start it with `sudo systemctl start {NAME}`",
    )


def uninstall(dry_run: bool) -> None:
    """Stops and removes the service, and what looks for models beside it; with `dry_run` says so only.

    Raises ServiceError.
    """
    updates = UPDATE_PATH.exists()
    if dry_run:
        print(f"would stop and disable {NAME} and remove {UNIT_PATH} and {CONFIG_PATH}")
        if updates:
            print(f"would stop and disable {UPDATE_NAME} and remove {UPDATE_PATH}")
        return
    require_systemd()
    if not UNIT_PATH.exists():
        raise ServiceError(f"there is no {UNIT_PATH}", "it is not installed: nothing is left to do")
    systemctl("disable", "--now", NAME)
    if updates:
        systemctl("disable", "--now", UPDATE_NAME)
    try:
        UPDATE_PATH.unlink(missing_ok=True)
        UNIT_PATH.unlink()
        CONFIG_PATH.unlink(missing_ok=True)
    except PermissionError as error:
        raise ServiceError(f"{error.filename} may not be removed", "run it with sudo") from error
    systemctl("daemon-reload")
    print(f"{NAME} is removed; what it wrote is still in /var/lib/fedge")


def make_unit(values: Mapping[str, Value], user: str | None) -> Unit:
    """The unit for `fedge run` with these values of a configuration file, by this very installation."""
    everywhere = [(key, value) for table in _all_tables(values) for key, value in table.items()]
    named = [(key, Path(str(value))) for key, value in everywhere if PATHS.get(key, "program") != "program"]
    programs = [str(values[key]) for key, use in PATHS.items() if key in values and use == "program"]
    words = [Path(word) for command in programs for word in shlex.split(command)]
    # A file that rotates or is replaced has siblings, so that its folder must be writable.
    written = [path.parent for key, path in named if PATHS[key] == "written file"]
    written += [path for key, path in named if PATHS[key] == "written folder"]
    return Unit(
        program=_program(),
        user=user,
        writable=[path for path in written if path.is_absolute()],
        readable=[Path(sys.prefix), *(path for path in [*(path for _, path in named), *words] if path.is_absolute())],
    )


def with_absolute_paths(given: Mapping[str, Value]) -> dict[str, Value]:
    """The values, paths of what exists made absolute; what is not there yet is made in the service's own folder."""
    absolute: dict[str, Value] = {}
    for key, value in given.items():
        if tables(value):
            absolute[key] = [with_absolute_paths(table) for table in tables(value)]
        else:
            absolute[key] = _absolute(key, str(value)) if key in PATHS else value
    return absolute


def _all_tables(values: Mapping[str, Value]) -> Iterator[Mapping[str, Value]]:
    """The values, and each table within them."""
    yield values
    for value in values.values():
        for table in tables(value):
            yield from _all_tables(table)


def _program() -> list[str]:
    script = Path(sys.executable).with_name("fedge")
    return [str(script)] if script.exists() else [sys.executable, "-P", "-m", "fedge"]


def _absolute(key: str, path: str) -> str:
    if PATHS[key] == "program":
        words = shlex.split(path)
        return shlex.join(str(Path(word).absolute()) if Path(word).exists() else word for word in words)
    # A folder may be called like a shipped model, and a file `learn`: the name of the model and the word win.
    is_path = Path(path).is_file() or bool([*Path(path).glob("*.tflite")]) if key == "model" else Path(path).exists()
    return str(Path(path).absolute()) if is_path and (key, path) != ("background", "learn") else path


def _without_secrets(values: Mapping[str, Value]) -> dict[str, Value]:
    """The values; of addresses that may hold a password only the scheme."""
    shown: dict[str, Value] = {}
    for key, value in values.items():
        if tables(value):
            shown[key] = [_without_secrets(table) for table in tables(value)]
            continue
        secret = key in _SECRETS and "://" in str(value)
        shown[key] = f"{str(value).partition('://')[0]}://..." if secret else value
    return shown


def _make_folder(folder: Path, user: str | None) -> None:
    """Makes a folder that the service writes in: systemd starts no unit whose ReadWritePaths are not there."""
    if folder.exists():
        return
    if user is None:
        raise ServiceError(
            f"{folder} is not there, and the service's own user could not write in a folder that root owns",
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
