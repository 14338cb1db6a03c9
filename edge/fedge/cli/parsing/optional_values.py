"""Options that may stand without their value."""

import re
from pathlib import Path
from typing import Any

from fedge.cli.parsing.command import Command
from fedge.options import DEFAULT_ADDRESSES

# A port; anything with a colon and no slash, so that a malformed address is refused as one; or an IPv4 address.
_ADDRESS = re.compile(r"\d+|[^/]*:[^/]*|\d+(\.\d+){3}")
# A word without a dot is a model's name.
_HOST = re.compile(r"localhost|[\w-]+(\.[\w-]+)+")


class OptionalAddresses(Command):
    """A command whose options for addresses may stand alone; what follows is theirs only if it looks like one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the default behind each option that stands alone."""
        return super().parse_args(ctx, with_defaults(args))


def with_defaults(arguments: list[str]) -> list[str]:
    """The arguments, with a value behind each option in `DEFAULT_ADDRESSES`: its own or its default."""
    result = []
    for i, argument in enumerate(arguments):
        result.append(argument)
        following = arguments[i + 1] if i + 1 < len(arguments) else "-"
        if argument in DEFAULT_ADDRESSES and not _is_address(following):
            result.append(str(DEFAULT_ADDRESSES[argument]))
    return result


def _is_address(text: str) -> bool:
    return bool(_ADDRESS.fullmatch(text) or (_HOST.fullmatch(text) and not _is_model(text)))


def _is_model(text: str) -> bool:
    return text.endswith(".tflite") or Path(text).is_file()
