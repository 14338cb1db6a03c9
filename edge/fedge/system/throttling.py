"""Whether a Raspberry Pi slows down for heat or lack of power, as `vcgencmd get_throttled` says."""

import re
import shutil
import subprocess

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
_SECONDS = 5


def throttling() -> tuple[str, ...] | None:
    """What slows this Raspberry Pi down or has since it started; empty: nothing; None: this machine does not say."""
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        answer = subprocess.run([program, "get_throttled"], capture_output=True, text=True, timeout=_SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    value = re.search(r"throttled=0x([0-9a-fA-F]+)", answer)
    if value is None:
        return None
    return tuple(text for bit, text in _FLAGS.items() if int(value[1], 16) >> bit & 1)
