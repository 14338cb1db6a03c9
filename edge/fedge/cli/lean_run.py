"""The loop of `fedge run` in a process without the command line's libraries, which would hold 13 MB for nothing."""

import os
import pickle
import sys
from typing import NoReturn

from fedge.cli.exit import exit_code, leave
from fedge.options import RunOptions


def become(options: RunOptions) -> NoReturn:
    """Turns this process into one that does nothing but run."""
    # A pipe, because everybody can read a process's arguments, and options may hold a password.
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pickle.dump(options, pipe)
    os.set_inheritable(reading, True)
    sys.stdout.flush()
    # -P, because a `numpy.py` in the current folder may not stand in for NumPy.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "fedge.cli.lean_run", str(reading)])


def _work() -> int:
    from fedge.commands.run.run import run

    with os.fdopen(int(sys.argv[1]), "rb") as pipe:
        options = pickle.load(pipe)
    return run(options)


if __name__ == "__main__":
    leave(exit_code(_work))
