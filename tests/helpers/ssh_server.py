"""A real sshd on a loopback port, as this user, with keys and a home of its own."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

from waiting import eventually, free_port


def sshd() -> str | None:
    """The program's path, None where it is not installed."""
    return shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin")


class SshServer:
    """Lets this user in with one key. There `python3` is the tests' own, with their packages, and no index is asked.

    Attributes:
        port: where it listens.
        home: the home of who logs in.
        identity: the private key that it takes.
        target: USER@HOST.
    """

    def __init__(self, folder: Path) -> None:
        self.port, self.home, self.identity = free_port(), folder / "home", folder / "key"
        self.target = f"{getpass.getuser()}@127.0.0.1"
        self.home.mkdir()
        for name in ("key", "host"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        programs = folder / "bin"
        programs.mkdir()
        (programs / "python3").symlink_to(sys.executable)
        places = {
            "HOME": self.home,
            "PATH": f"{programs}:/usr/bin:/bin",
            "PYTHONPATH": sysconfig.get_paths()["purelib"],
            "PIP_NO_DEPS": "1",
            "PIP_NO_INDEX": "1",
            "FEDGE_STORE": self.home / "store",
        }
        lines = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {folder}/host",
            f"AuthorizedKeysFile {folder}/key.pub",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "PermitRootLogin prohibit-password",
            f"PidFile {folder}/sshd.pid",
            "SetEnv " + " ".join(f'{name}="{value}"' for name, value in places.items()),
        ]
        (folder / "sshd_config").write_text("\n".join(lines) + "\n")
        program = sshd()
        assert program is not None
        Path("/run/sshd").mkdir(exist_ok=True)
        self._process = subprocess.Popen([program, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.DEVNULL)
        eventually(self._listens)

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait()

    def _listens(self) -> bool:
        assert self._process.poll() is None, "sshd does not start"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
