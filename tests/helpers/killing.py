"""Killing commands at the calls with which they change files, and runs after some answers, and what is left of both."""

import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pictures_for_tests import write_video
from running import running

# Python calls the hook before it changes a file; the call of this number ends the process, at once or a little later.
KILLED = """
import os, signal, sys, threading
folder, number, delay = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
seen = 0
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def note(event, arguments):
    global seen
    changes = event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate")
    changes |= event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR) != 0
    if changes and any(str(each).startswith(folder) for each in arguments):
        seen += 1
        if seen == number and delay:
            threading.Timer(delay, die).start()
        elif seen == number:
            die()
sys.addaudithook(note)
from fedge.cli.main import run
code = run(sys.argv[4:])
if number == 0:
    print(seen, file=sys.stderr)
sys.exit(code)
"""


@dataclass
class Found:
    """What came of the kills of one case: how many left the old and the new state, the most records lost, and what was
    wrong."""

    old: int = 0
    new: int = 0
    lost: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Change:
    """A command that changes files from an old state to a new one.

    Attributes:
        name: of the command.
        prepare: makes the old state in a folder.
        arguments: of the command for that folder.
        is_new: whether the folder has the new state; raises where it has neither.
        again: the arguments with which it goes on after a kill that left the old state; the same as before if None.
    """

    name: str
    prepare: Callable[[Path], None]
    arguments: Callable[[Path], list[object]]
    is_new: Callable[[Path], bool]
    again: Callable[[Path], list[object]] | None = None


def call(folder: Path, number: int, delay: float, arguments: list[object]) -> subprocess.CompletedProcess[str]:
    """The command, killed at its change of this number under the folder; with 0 it ends and says how many there are."""
    command = [sys.executable, "-c", KILLED, str(folder), str(number), str(delay), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def try_change(change: Change, points: int, generator: random.Random, scratch: Path) -> Found:
    """Kills the command at `points` of its changes, and looks at what is left each time."""
    template, folder, found = scratch / "old", scratch / "now", Found()
    change.prepare(template)
    shutil.copytree(template, folder, symlinks=True)
    whole = call(folder, 0, 0, change.arguments(folder))
    assert whole.returncode == 0 and change.is_new(folder), whole.stderr
    changes = int(whole.stderr.split()[-1])
    for _ in range(points):
        number, delay = generator.randint(1, changes), generator.choice((0.0, generator.uniform(0, 0.002)))
        shutil.rmtree(folder)
        shutil.copytree(template, folder, symlinks=True)
        killed = call(folder, number, delay, change.arguments(folder))
        try:
            assert killed.returncode in (-signal.SIGKILL, 0), killed.stderr
            if change.is_new(folder):
                found.new += 1
                continue
            found.old += 1
            again = call(folder, 0, 0, (change.again or change.arguments)(folder))
            assert again.returncode == 0 and change.is_new(folder), again.stderr
        except Exception as error:  # Whatever reading the state raises is what is looked for.
            found.problems.append(f"at change {number} of {changes}: {type(error).__name__}: {error}")
    return found


@dataclass(frozen=True)
class Kept:
    """An output of `fedge run`: its option, the file or folder, and how many answers can be read back.

    `most_lost` is how many answers a kill may cost: that which is being written, and what waits for a slow disk.
    """

    option: str
    path: str
    count: Callable[[Path], int | None]
    most_lost: int = 1


def try_output(output: Kept, points: int, generator: random.Random, scratch: Path) -> Found:
    """Kills runs that write to the same file or folder, each after some answers; the next one goes on with it."""
    found, path = Found(), scratch / output.path
    video = write_video(scratch / "seen.avi", 100)
    for _ in range(points):
        before, answers = output.count(path) or 0, generator.randint(1, 60)
        asked = ("run", "nano", "--source", video, "--realtime", "--json", output.option, path)
        try:
            with running(*asked) as process:
                assert process.stdout is not None and process.stderr is not None
                for number in range(answers):
                    assert process.stdout.readline(), f"ended after {number} answers: {process.stderr.read()}"
                process.kill()
                # It may have written more lines than were waited for.
                answers += len(process.stdout.read().splitlines())
            kept = output.count(path)
            if kept is not None:
                lost = answers - (kept - before)
                found.lost = max(found.lost, lost)
                assert lost <= output.most_lost, f"of {answers} answers {lost} are lost"
            found.new += 1
        except Exception as error:  # Whatever reading the state raises is what is looked for.
            found.problems.append(f"{type(error).__name__}: {error}")
    return found
