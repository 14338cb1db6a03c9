"""Asking systemd."""

import shutil
import subprocess
from pathlib import Path

from fedge.commands.device.service.unit import NAME, RESTART_SECONDS, START_SECONDS
from fedge.errors import ServiceError

RUNNING = Path("/run/systemd/system")
_SECONDS = 60
# What systemd takes beyond the time that the unit allows for a start.
_MARGIN_SECONDS = 10


def require_systemd() -> None:
    """Raises ServiceError where systemd does not run."""
    if not RUNNING.is_dir() or shutil.which("systemctl") is None:
        raise ServiceError(
            "systemd does not run here",
            "start `fedge run` with this system's own service manager; --dry-run shows the unit",
        )


def systemctl(*arguments: str) -> None:
    """Runs systemctl; raises ServiceError with its last line where it fails."""
    try:
        done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ServiceError(f"systemctl {' '.join(arguments)} does not end", "see `systemctl list-jobs`") from error
    if done.returncode:
        raise _failed(arguments, done.stderr)


def restart(seconds: float = START_SECONDS + _MARGIN_SECONDS) -> bool:
    """Starts the service anew; gives whether it runs, False where it still starts after `seconds`.

    Raises ServiceError where it ended instead, with its own last line, and says that systemd tries again.
    """
    try:
        done = subprocess.run(["systemctl", "restart", NAME], capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode == 0:
        return True
    if state() not in ("activating", "active", "failed"):
        raise _failed(("restart", NAME), done.stderr)
    raise ServiceError(
        f"{NAME} is installed, but ended at its start{_last_words()}",
        f"mend that: systemd tries again every {RESTART_SECONDS} seconds; see `journalctl -u {NAME}`",
    )


def state() -> str:
    """What `systemctl is-active` says: active, activating, failed or inactive."""
    done = subprocess.run(["systemctl", "is-active", NAME], stdout=subprocess.PIPE, text=True, timeout=_SECONDS)
    return done.stdout.strip()


def _last_words() -> str:
    command = ["journalctl", "-u", NAME, "-n", "20", "-o", "cat", "--no-pager"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        return ""
    own = [line.removeprefix("fedge: ") for line in said if line.startswith("fedge: ")]
    return f" ({own[-1]})" if own else ""


def _failed(arguments: tuple[str, ...], errors: str) -> ServiceError:
    reason = (errors.strip().splitlines() or ["no reason given"])[-1]
    return ServiceError(f"systemctl {' '.join(arguments)} failed ({reason})", "run it with sudo; see journalctl -xe")
