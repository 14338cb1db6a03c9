"""The optional parts of fedge."""

from collections.abc import Iterator
from contextlib import contextmanager

from fedge.errors import MissingExtra


@contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Raises MissingExtra, with the line that installs it, where an import in the block lacks a package.

    Args:
        extra: the extra of the distribution that brings the package.
        what: the command or option that needs it, for the user.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("fedge"):
            raise
        raise MissingExtra(
            f"{what} needs {error.name}, which is not installed", f"run `pip install 'fedge[{extra}]'`"
        ) from error
