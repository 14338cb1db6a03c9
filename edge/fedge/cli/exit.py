"""How a process of fedge ends: the one place where errors become exit codes."""

import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from typing import NoReturn

from fedge.errors import EXIT_BUG, EXIT_INTERRUPTED, FedgeError
from fedge.system.console import escape_what_cannot_be_printed, printable

FILE_MEND = "give a path that is there, may be used so, and has room"


def exit_code(work: Callable[[], int]) -> int:
    """Does the work and gives its exit code; an error is one line on stderr: what is wrong, and the mend."""
    escape_what_cannot_be_printed()
    try:
        return work()
    except FedgeError as error:
        print(f"fedge: {printable(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("fedge: stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    except OSError as error:
        if error.filename is None:
            return _bug(error)
        print(f"fedge: {printable(str(error.filename))}: {error.strerror}; {FILE_MEND}", file=sys.stderr)
        return FedgeError.exit_code
    except Exception as error:
        return _bug(error)


def leave(code: int) -> NoReturn:
    """Ends the process, also while a thread hangs in a camera's driver."""
    if any(thread.daemon for thread in threading.enumerate()):
        # A daemon thread that returns from native code while Python shuts down would end the process with a signal.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _bug(error: Exception) -> int:
    print(f"fedge: a bug: {type(error).__name__}: {error}; please report {_save_traceback()}", file=sys.stderr)
    return EXIT_BUG


def _save_traceback() -> str:
    handle, name = tempfile.mkstemp(prefix="fedge-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
        traceback.print_exc(file=log)
    return name
