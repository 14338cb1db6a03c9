"""From which option a field of an options dataclass comes, and whether it is a path or a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

PathUse = Literal["read", "written file", "written folder", "program"]
_FLAG = "flag"


@dataclass(frozen=True)
class Flag:
    """The option of `fedge run` that a field's value comes from.

    Attributes:
        key: its key in a configuration file: the flag without dashes, or the argument's name.
        path: what is done with the file or folder that it names; a written file gets siblings beside it, as it rotates
            or is replaced. A `program` is a command line, whose words may name files. None: it names none.
        secret: whether its value, an address, may hold a password.
    """

    key: str
    path: PathUse | None = None
    secret: bool = False


def flag(key: str, path: PathUse | None = None, secret: bool = False) -> dict[str, Flag]:
    """The metadata of a dataclass's field, for `dataclasses.field`; the arguments are those of `Flag`."""
    return {_FLAG: Flag(key, path, secret)}


def flags(kind: Any) -> Mapping[str, Flag]:
    """The flags of a dataclass, or of an instance of it, by the names of their fields; of the fields that have one."""
    return {each.name: each.metadata[_FLAG] for each in fields(kind) if _FLAG in each.metadata}
