"""Which files a command opens, as Python itself says before it does."""

import subprocess
import sys
from pathlib import Path

_WATCHED = """
import sys
opened = open(sys.argv[1], "w", buffering=1)
def note(event, arguments):
    if event in ("open", "os.listdir", "os.scandir"):
        opened.write(f"{arguments[0]}\\n")
sys.addaudithook(note)
from fedge.cli.main import run
sys.exit(run(sys.argv[2:]))
"""


def opened_by(log: Path, *arguments: object) -> tuple[list[str], str]:
    """The files and folders that `fedge ARGUMENTS...` opened or listed, written to `log` too, and what it printed."""
    command = [sys.executable, "-c", _WATCHED, str(log), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return log.read_text().splitlines(), done.stdout
