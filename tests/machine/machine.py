"""A Debian with systemd and a camera device as an ordinary process: User Mode Linux, without KVM and without root."""

import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import monotonic, sleep

_BOOT_SECONDS = 240
_POLL_SECONDS = 0.05
_CHECKED = ("root.ext4", "data.ext4")
# The exit code of e2fsck(8): 1 is "mended", as each replay of a journal is; from 4 on it is damage.
_LEAST_DAMAGE = 4


@dataclass(frozen=True)
class Finished:
    """A finished command in the machine: its exit code, and what it wrote on both streams."""

    code: int
    output: str


class MachineFailed(Exception):
    """The machine did not boot, answer or end in time."""


class Machine:
    """A machine on two disks that outlive it: `root.ext4`, and `data.ext4` under /data, in `folder`.

    Args:
        folder: holds the disks; console, serial line and the folder shared with the machine are made in it.
        kernel: the User Mode Linux kernel, a program.
        memory: in MB.
    """

    def __init__(self, folder: Path, kernel: Path, memory: int = 768) -> None:
        self.folder, self._kernel, self._memory = folder, kernel, memory
        self.shared = folder / "shared"
        self.console = folder / "console.log"
        self.serial = folder / "serial.log"
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        """Boots, with further `arguments` for the kernel; does not wait.

        What the machine writes to /dev/ttyS0 is in `serial` at once, whatever happens to the machine afterwards.
        """
        self.shared.mkdir(exist_ok=True)
        for old in (*self.shared.iterdir(), self.serial):
            old.unlink(missing_ok=True)
        with self.console.open("ab") as console, self.serial.open("ab") as serial:
            command = [
                str(self._kernel),
                f"mem={self._memory}M",
                f"umid=fedge-{os.getpid()}-{id(self)}",
                f"uml_dir={self.folder}/",
                f"ubd0={self.folder / 'root.ext4'}",
                f"ubd1={self.folder / 'data.ext4'}",
                "root=/dev/ubda",
                "rw",
                "con0=null,fd:1",
                "con=null",
                "ssl=null",
                f"ssl0=null,fd:{serial.fileno()}",
                f"shared={self.shared}",
                *arguments,
            ]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                pass_fds=[serial.fileno()],
                start_new_session=True,
            )

    def boot(self) -> None:
        """Boots and waits until the machine takes commands."""
        self.start()
        self._await((self.shared / "booted").exists, _BOOT_SECONDS, "did not boot")

    def run(self, command: str, user: str = "root", seconds: float = 120) -> Finished:
        """Runs a shell command in the machine, in the home of `user`."""
        number = next(self._numbers)
        if user != "root":
            home = f"/home/{user}"
            command = (
                f"cd {home} && exec setpriv --reuid {user} --regid {user} --init-groups env HOME={home} USER={user} "
                f"PATH={home}/fedge/bin:/usr/bin:/bin:/usr/sbin:/sbin bash -c {shlex.quote(command)}"
            )
        script = self.shared / f"{number}.script"
        script.with_suffix(".part").write_text(command + "\n")
        script.with_suffix(".part").rename(script)
        code = script.with_suffix(".code")
        self._await(code.exists, seconds, f"did not finish in {seconds:g} s: {command}")
        output = script.with_suffix(".output").read_bytes().decode(errors="replace")
        return Finished(int(code.read_text()), output)

    def check(self, command: str, user: str = "root", seconds: float = 120) -> str:
        """Runs a command that must exit 0, and gives what it wrote."""
        done = self.run(command, user, seconds)
        assert done.code == 0, f"{command}: exit code {done.code}\n{done.output}"
        return done.output

    def wait_for(self, condition: str, user: str = "root", seconds: float = 60) -> None:
        """Waits in the machine until a shell condition holds."""
        loop = f"for i in $(seq {int(seconds * 5)}); do if {condition}; then exit 0; fi; sleep 0.2; done; exit 1"
        done = self.run(loop, user, seconds=4 * seconds)
        assert done.code == 0, f"never in {seconds:g} s: {condition}\n{done.output}"

    def wait_outside(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        """Waits until a condition outside the machine holds, while it runs."""
        self._await(condition, seconds, f"did not get there in {seconds:g} s")

    def cut_power(self) -> None:
        """Ends the machine at once: what it had not yet given to its disks is lost."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def reboot(self) -> None:
        """Reboots in order and waits until the machine takes commands again."""
        booted = self.shared / "booted"
        before = booted.read_text()
        self.run("systemctl reboot")
        self._await(lambda: booted.exists() and booted.read_text() != before, _BOOT_SECONDS, "did not reboot")

    def check_disks(self) -> None:
        """Replays the journals of both disks, as a boot does, and requires that `e2fsck -f` then finds nothing."""
        assert self._process is None, "the disks are in use"
        for name in _CHECKED:
            disk = self.folder / name
            replayed = subprocess.run(["e2fsck", "-p", disk], capture_output=True, text=True)
            assert replayed.returncode < _LEAST_DAMAGE, replayed.stdout
            checked = subprocess.run(["e2fsck", "-f", "-n", disk], capture_output=True, text=True)
            assert checked.returncode == 0, checked.stdout

    def copy_data(self, to: Path) -> None:
        """Copies what lies on the data disk of a machine that does not run."""
        assert self._process is None, "the disk is in use"
        to.mkdir()
        subprocess.run(
            ["debugfs", "-R", f"rdump / {to}", self.folder / "data.ext4"], check=True, stderr=subprocess.DEVNULL
        )

    def _await(self, condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
        deadline = monotonic() + seconds
        while not condition():
            died = self._process is not None and self._process.poll() is not None
            if died or monotonic() > deadline:
                lines = self.console.read_bytes().decode(errors="replace").splitlines()
                reason = "ended" if died else otherwise
                raise MachineFailed("\n".join([f"the machine {reason}; its console:", *lines[-25:]]))
            sleep(_POLL_SECONDS)
