"""How long a model file takes for a frame: here, or on a device that is asked over ssh."""

import json
import re
import subprocess
from pathlib import Path

from fedge.commands.bench import bench
from fedge.errors import FedgeError

FRAMES = 100
_SECONDS = 300
# The file comes on standard input, so that one connection is enough.
_ON_DEVICE = (
    f'f=$(mktemp --suffix=.tflite) && cat > "$f" && fedge bench "$f" --frames {FRAMES} --json; '
    'code=$?; rm -f "$f"; exit $code'
)


def frame_ms(model: Path, device: str | None) -> float:
    """The median milliseconds for a frame. Raises FedgeError where the device does not answer."""
    if device is None:
        return bench(str(model), FRAMES).stages_ms["whole"].p50
    command = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "--", device, _ON_DEVICE]
    mend = f"try `ssh {device} fedge --version`"
    try:
        done = subprocess.run(command, input=model.read_bytes(), capture_output=True, timeout=_SECONDS)
    except FileNotFoundError as error:
        raise FedgeError("--device-bench needs ssh, which is not installed", "install it") from error
    except subprocess.TimeoutExpired as error:
        raise FedgeError(f"{device} did not answer within {_SECONDS} s", mend) from error
    try:
        return float(json.loads(done.stdout)["stages_ms"]["whole"]["p50"])
    except (ValueError, KeyError, TypeError) as error:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else f"exit code {done.returncode}"
        raise FedgeError(f"{device} cannot measure ({reason})", mend) from error


def require_device(device: str) -> str:
    """The device as it is; raises FedgeError for what ssh would take for an option or a command."""
    if not re.fullmatch(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9.:-]*", device):
        raise FedgeError(f"--device-bench {device!r} is no USER@HOST", "write it as pi@raspberrypi.local")
    return device
