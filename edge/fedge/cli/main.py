"""From arguments to an exit code."""

import sys

import typer

from fedge.cli.app import app
from fedge.cli.exit import exit_code, leave
from fedge.cli.lean_run import become
from fedge.cli.parsing.config_file import plain
from fedge.errors import EXIT_USAGE
from fedge.options import RunOptions


def main() -> None:
    """Runs the command line and exits: 0 done, 1 mendable, 2 usage, 3 refused by a gate, 70 a bug, 130 Ctrl-C."""
    leave(exit_code(lambda: _command(None, in_this_process=False)))


def run(arguments: list[str] | None = None) -> int:
    """Runs the command line and gives its exit code; an error is one line on stderr: what is wrong, and the mend."""
    return exit_code(lambda: _command(arguments, in_this_process=True))


def _command(arguments: list[str] | None, in_this_process: bool) -> int:
    try:
        result = app(arguments, prog_name="fedge", standalone_mode=False)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "fedge"
        print(f"fedge: {plain(error.format_message())} (see `{command} --help`)", file=sys.stderr)
        return EXIT_USAGE
    if isinstance(result, RunOptions):
        if not in_this_process:
            become(result)
        from fedge.commands.run.run import run as work

        return work(result)
    return result if isinstance(result, int) else 0
