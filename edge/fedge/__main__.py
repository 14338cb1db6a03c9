"""`python -m fedge` and the `fedge` script: the one place where errors become exit codes."""

import os
import sys
import tempfile
import threading
import traceback

import typer

from fedge.cli import app
from fedge.errors import EXIT_BUG, EXIT_INTERRUPTED, EXIT_USAGE, FedgeError


def main() -> None:
    """Runs the command line and exits: 0 done, 1 mendable, 2 usage, 3 refused by a gate, 70 a bug, 130 Ctrl-C."""
    code = run()
    if any(thread.daemon for thread in threading.enumerate()):
        # A thread that hangs in a camera's driver would end the process with a signal when Python finalizes under it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Runs the command line and gives its exit code; an error is one line on stderr: what is wrong, and the mend."""
    try:
        result = app(arguments, prog_name="fedge", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except FedgeError as error:
        print(f"fedge: {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print("fedge: stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    except typer.TyperException as error:
        print(f"fedge: {error.format_message()} (see `fedge --help`)", file=sys.stderr)
        return EXIT_USAGE
    except Exception as error:
        print(f"fedge: a bug: {type(error).__name__}: {error}; please report {_save_traceback()}", file=sys.stderr)
        return EXIT_BUG


def _save_traceback() -> str:
    handle, name = tempfile.mkstemp(prefix="fedge-", suffix=".log")
    with os.fdopen(handle, "w") as log:
        traceback.print_exc(file=log)
    return name


if __name__ == "__main__":
    main()
