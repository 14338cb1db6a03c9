"""A program of the user's own, with its arguments. It is parsed once."""

from dataclasses import dataclass
from pathlib import Path

from fedge.errors import OutputError


@dataclass(frozen=True)
class Program:
    """What is started, without a shell: `arguments[0]` is the absolute path of a program that can be run."""

    arguments: tuple[str, ...]

    @property
    def name(self) -> str:
        """The program's name, for people."""
        return Path(self.arguments[0]).name


def parse_program(command: str) -> Program:
    """Reads a command line with the quotes of a POSIX shell, and nothing else of a shell; raises OutputError.

    A name without a slash is looked for in $PATH.
    """
    import shlex
    import shutil

    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise OutputError(f"--exec {command!r} cannot be read ({error})", "close each quote") from error
    if not arguments:
        raise OutputError("--exec was given no program", "give a program and its arguments, in quotes")
    found = shutil.which(arguments[0])
    if found is None:
        path = Path(arguments[0])
        mend = (
            f"run `chmod +x {path}`" if path.is_file() else "check its name; a script needs its interpreter before it"
        )
        raise OutputError(f"--exec names {arguments[0]}, which is no program that can be run", mend)
    return Program((str(Path(found).absolute()), *arguments[1:]))
