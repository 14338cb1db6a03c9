"""Commands on another machine over the system's OpenSSH, by the user's own keys; it asks nothing."""

import shlex
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fedge.errors import DeployError

CONNECT_SECONDS = 15
_FAILED = 255
_MENDS = {
    "Permission denied": "let it know your key with `ssh-copy-id {target}`",
    "Host key verification failed": "log in once with `ssh {target}` and accept its key",
    "IDENTIFICATION HAS CHANGED": "see with `ssh {target}` why its key has changed",
    "Could not resolve hostname": "check the name, or give the address",
    "Connection refused": "switch SSH on there (`sudo raspi-config`, Interface Options)",
    "timed out": "check that it is on and in this network",
    "No route to host": "check that it is on and in this network",
}


@dataclass(frozen=True)
class Target:
    """Where to log in: `user@host`, a port other than OpenSSH's own, a private key's file other than its own."""

    name: str
    port: int | None = None
    identity: Path | None = None

    def __post_init__(self) -> None:
        if not self.name or self.name.startswith("-") or not self.name.isprintable() or " " in self.name:
            raise DeployError(f"{self.name!r} is no machine", "give USER@HOST")


class Remote:
    """A connection to a machine, opened by the first command and shared by all; a context manager.

    Args:
        target: where to log in.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        program = shutil.which("ssh")
        if program is None:
            raise DeployError("there is no ssh here", "install it: sudo apt-get install openssh-client")
        # A socket's path may have 107 bytes only; a folder of pytest's would be too long.
        self._folder = Path(tempfile.mkdtemp(prefix="fedge-ssh-", dir="/tmp"))
        self._ssh = [program, "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_SECONDS}"]
        self._ssh += ["-o", "ControlMaster=auto", "-o", f"ControlPath={self._folder}/s", "-o", "ControlPersist=60"]
        if target.port is not None:
            self._ssh += ["-p", str(target.port)]
        if target.identity is not None:
            self._ssh += ["-i", str(target.identity), "-o", "IdentitiesOnly=yes"]

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, *_: object) -> None:
        command = [*self._ssh, "-O", "exit", self.target.name]
        with suppress(OSError):
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, script: str, mend: str = "see what it says there", data: bytes = b"") -> str:
        """Runs a POSIX shell script there, with `data` on its standard input; gives what it prints.

        Raises DeployError with the last line of its errors, and the `mend` where its exit code is not 0.
        """
        command = [*self._ssh, self.target.name, f"sh -c {shlex.quote(script)}"]
        done = subprocess.run(command, input=data, capture_output=True, check=False)
        if done.returncode == 0:
            return done.stdout.decode(errors="replace")
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason was given"]
        if done.returncode == _FAILED:
            known = next((text for part, text in _MENDS.items() if part in "\n".join(said)), "try `ssh {target}`")
            raise DeployError(f"{self.target.name}: {said[-1]}", known.format(target=self.target.name))
        raise DeployError(f"{self.target.name}: {said[-1]}", mend)

    def send(self, data: bytes, path: str) -> None:
        """Writes a file there, whole or not at all."""
        place = shlex.quote(path)
        self.run(f"cat > {place}.part && mv {place}.part {place}", "see whether there is room", data)
