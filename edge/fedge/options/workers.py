"""Which processes train together. It is parsed once."""

from dataclasses import dataclass

from fedge.errors import ConfigError


@dataclass(frozen=True)
class Workers:
    """Processes that train together: their addresses, `HOST:PORT`, and which of them, from 0, this one is."""

    addresses: tuple[str, ...]
    number: int


def parse_workers(text: str | None, number: int | None) -> tuple[str, ...] | None:
    """Reads `HOST:PORT,HOST:PORT`, of which this process is `number`; None of None.

    Raises ConfigError for anything else, for one alone, for one twice, and for a number that none of them has.
    """
    if text is None:
        if number is not None:
            raise ConfigError("--worker goes with --workers", "name all workers, or leave it out")
        return None
    found = tuple(text.split(","))
    for address in found:
        host, _, port = address.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise ConfigError(f"--workers has {address!r}, which is no HOST:PORT", "write it like 10.0.0.5:2222")
    if len(found) < 2:
        raise ConfigError("--workers names a single worker", "leave it out, or name all of them")
    if len(set(found)) < len(found):
        raise ConfigError("--workers names an address twice", "give each worker one of its own")
    if number is not None and number >= len(found):
        raise ConfigError(f"--worker {number} is none of {len(found)} workers", f"give 0 to {len(found) - 1}")
    return found
