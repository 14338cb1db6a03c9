"""The option `--arch`."""

from fedge.errors import FedgeError
from fedge.options import ARCHITECTURES, parse_residual
from fedge.system.console import did_you_mean


def parse_architecture(name: str) -> str:
    """The name as it is; raises FedgeError where no network has it, and it spells none."""
    if name not in ARCHITECTURES and parse_residual(name) is None:
        raise FedgeError(
            f"there is no architecture {name!r}{did_you_mean(name, ARCHITECTURES)}",
            f"choose one of {', '.join(ARCHITECTURES)}, or spell one as r16-32-48x2-2-1",
        )
    return name
