"""What this machine says of itself: which one it is, how hot it is, and whether it slows down."""

import re
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from fedge.system.files import sha256

_MACHINE_ID = Path("/etc/machine-id")
THERMAL_SENSOR = Path("/sys/class/thermal/thermal_zone0/temp")
# What the bits of `vcgencmd get_throttled` mean.
_FLAGS = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
    16: "under-voltage has occurred",
    17: "frequency capping has occurred",
    18: "throttling has occurred",
    19: "soft temperature limit has occurred",
}
_ANSWER_SECONDS = 5


def machine_digits(purpose: str, digits: int) -> str:
    """Hexadecimal digits that tell this machine from others, differ from purpose to purpose, and stay.

    The machine's own id is not to be shown (machine-id(5)). Without one, the host's name takes its place.
    """
    identity = socket.gethostname()
    with suppress(OSError):
        identity = _MACHINE_ID.read_text(encoding="utf-8").strip() or identity
    return sha256(f"{purpose} {identity}".encode())[:digits]


def temperature(zone: Path = THERMAL_SENSOR) -> float | None:
    """Degrees Celsius, from a file of thousandths of them; None where this machine does not say."""
    try:
        return round(int(zone.read_text(encoding="ascii")) / 1000, 1)
    except (OSError, ValueError):
        return None


def throttling() -> tuple[str, ...] | None:
    """What slows this Raspberry Pi down or has since it started; empty: nothing; None: this machine does not say."""
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        command = [program, "get_throttled"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    value = re.search(r"throttled=0x([0-9a-fA-F]+)", answer)
    if value is None:
        return None
    return tuple(text for bit, text in _FLAGS.items() if int(value[1], 16) >> bit & 1)
