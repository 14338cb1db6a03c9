"""The outputs that can be asked for besides standard output: a dataclass each. `outputs.factory` opens them."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from fedge.options.addresses import Address, Broker, WebhookUrl


@dataclass(frozen=True)
class OutputOptions:
    """What every output's options are.

    Attributes:
        shows_pictures: whether it shows or keeps pictures for people, who want them in colour and in full size.
    """

    shows_pictures: ClassVar[bool] = False


@dataclass(frozen=True)
class CsvOptions(OutputOptions):
    """A CSV file, how many bytes it may have, and how many are kept as it rotates."""

    path: Path
    limit_bytes: int
    files: int


@dataclass(frozen=True)
class SqliteOptions(OutputOptions):
    """A SQLite file, and how many rows are kept."""

    path: Path
    rows: int


@dataclass(frozen=True)
class MqttOptions(OutputOptions):
    """A broker, the authority of its certificate (PEM), and the file whose first line is the password."""

    broker: Broker
    authority: Path | None = None
    password_file: Path | None = None


@dataclass(frozen=True)
class WebhookOptions(OutputOptions):
    """Where changes of the decision are posted to."""

    url: WebhookUrl


@dataclass(frozen=True)
class MetricsOptions(OutputOptions):
    """Where the metrics for Prometheus are served."""

    address: Address


@dataclass(frozen=True)
class WindowOptions(OutputOptions):
    """A window on this machine's screen, and whether it shows what the network sees."""

    shows_pictures: ClassVar[bool] = True
    show_input: bool = False


@dataclass(frozen=True)
class WebOptions(OutputOptions):
    """Where the web page is served, and the file whose first line is its token."""

    shows_pictures: ClassVar[bool] = True
    address: Address
    token_file: Path | None = None


@dataclass(frozen=True)
class UnsureOptions(OutputOptions):
    """A folder for frames that the network is not sure of, its limit in bytes, and the least seconds between two."""

    shows_pictures: ClassVar[bool] = True
    folder: Path
    limit_bytes: int
    seconds: float
