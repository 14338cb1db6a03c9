"""`fedge run` in the background of a machine, as a transient unit of systemd."""

import json
from itertools import count
from typing import Any

from machine import Machine

_numbers = count(1)


class Program:
    """`fedge run ARGUMENTS --json` of `user`; its lines and errors are in /run/programs."""

    def __init__(self, machine: Machine, arguments: str, user: str = "pi") -> None:
        self._machine = machine
        self.unit = f"program-{next(_numbers)}"
        self._out, self._err = f"/run/programs/{self.unit}.out", f"/run/programs/{self.unit}.err"
        machine.check(
            f"mkdir -p /run/programs && systemd-run --quiet --unit={self.unit} --uid={user} --remain-after-exit "
            f"-p WorkingDirectory=/home/{user} -p StandardOutput=truncate:{self._out} "
            f"-p StandardError=truncate:{self._err} /home/pi/fedge/bin/fedge run {arguments} --json"
        )

    def wait_for_frames(self, more: int = 10, seconds: float = 60) -> None:
        """Waits until so many more frames were answered."""
        wanted = int(self._machine.check(f"wc -l < {self._out}")) + more
        self._wait(f"[ $(wc -l < {self._out}) -ge {wanted} ]", seconds)

    def wait_for_error(self, text: str, seconds: float = 60) -> None:
        """Waits until standard error holds the text."""
        self._wait(f"grep -qF -- '{text}' {self._err}", seconds)

    def wait_for_end(self, seconds: float = 60) -> int:
        """Waits for the end and gives the exit code."""
        self._wait(f"[ $(systemctl show -P SubState {self.unit}) != running ]", seconds)
        return int(self._machine.check(f"systemctl show -P ExecMainStatus {self.unit}"))

    def signal(self, name: str) -> None:
        """Sends a signal, as `TERM`."""
        self._machine.check(f"systemctl kill --signal={name} {self.unit}")

    def lines(self) -> list[dict[str, Any]]:
        """What it wrote on standard output; a line that is being written is left out."""
        text = self._machine.check(f"cat {self._out}")
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def errors(self) -> str:
        """What it wrote on standard error."""
        return self._machine.check(f"cat {self._err}")

    def _wait(self, condition: str, seconds: float) -> None:
        try:
            self._machine.wait_for(condition, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.errors()}") from None
