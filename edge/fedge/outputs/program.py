"""A program of the user's own for each change of the decision."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from fedge.errors import OutputError
from fedge.options.program import Program
from fedge.outputs.base import NeverTaken, Output
from fedge.outputs.payload import change
from fedge.runner.health import HealthSnapshot
from fedge.runner.result import Result

_STANDARD_ERROR = 2


@dataclass(frozen=True)
class _Running:
    process: subprocess.Popen[bytes]
    deadline: float


class RunProgram(Output):
    """Starts a program for each change, in order; the change is on its standard input, as JSON.

    What the program prints goes to standard error. A change whose program ends with another code than 0, or is killed
    for taking too long, counts as left out.

    Args:
        program: what is started. It is the first of a session of its own, so that what it started dies with it.
        at_once: how many may run; a change waits until one of them has ended.
        seconds: after which a program is killed.
    """

    name, backlog = "exec", 64

    def __init__(self, program: Program, at_once: int, seconds: float) -> None:
        self._program, self._at_once, self._seconds = program, at_once, seconds
        self._running: list[_Running] = []
        self._failures: list[str] = []

    def wants(self, result: Result) -> bool:
        """Only changes."""
        return result.decision.changed

    def show(self, result: Result) -> None:
        """Starts the program; raises OutputError where that cannot be, and NeverTaken where an earlier one failed."""
        self._look_after()
        while len(self._running) >= self._at_once:
            self._wait_for(self._running[0])
            self._look_after()
        self._start(json.dumps(change(result), ensure_ascii=False).encode() + b"\n")
        self._tell_failures()

    def health(self, snapshot: HealthSnapshot) -> None:
        """Looks after what runs; raises NeverTaken where a program failed."""
        self._look_after()
        self._tell_failures()

    def close(self) -> None:
        """Waits for what still runs, each for its time; raises NeverTaken where a program failed."""
        for running in self._running:
            self._wait_for(running)
        self._look_after()
        self._tell_failures()

    def _start(self, line: bytes) -> None:
        try:
            # Standard output is for --json.
            process = subprocess.Popen(
                self._program.arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL if sys.stderr is None else _STANDARD_ERROR,
                start_new_session=True,
            )
        except OSError as error:
            raise OutputError(f"{self._program.name} cannot be started ({error.strerror})", "check --exec") from error
        self._running.append(_Running(process, monotonic() + self._seconds))
        assert process.stdin is not None
        # It may end without having read. A pipe holds 64 KB, so that this never waits for it.
        with suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(line)

    def _wait_for(self, running: _Running) -> None:
        with suppress(subprocess.TimeoutExpired):
            running.process.wait(max(0.0, running.deadline - monotonic()))

    def _look_after(self) -> None:
        """Kills what has taken too long, and forgets what has ended."""
        left = []
        for running in self._running:
            code = running.process.poll()
            if code is None and monotonic() >= running.deadline:
                with suppress(ProcessLookupError):
                    os.killpg(running.process.pid, signal.SIGKILL)
                running.process.wait()
                self._failures.append(f"{self._program.name} took more than {self._seconds:g} s and was killed")
            elif code is None:
                left.append(running)
            elif code:
                ended = f"code {code}" if code > 0 else f"signal {-code}"
                self._failures.append(f"{self._program.name} ended with {ended}")
        self._running = left

    def _tell_failures(self) -> None:
        failures, self._failures = self._failures, []
        if failures:
            raise NeverTaken(failures[-1], "check the program", len(failures))
