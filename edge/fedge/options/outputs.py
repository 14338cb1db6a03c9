"""The outputs that can be asked for besides standard output: a dataclass each. `outputs.factory` opens them."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from fedge.options.addresses import Address, Broker, WebhookUrl


@dataclass(frozen=True)
class OutputOptions:
    """What every output's options are.

    Attributes:
        looks: whether it shows or keeps pictures for people, who want them in colour and in full size.
        folders: what it writes in.
    """

    looks: ClassVar[bool] = False

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that it writes in."""
        return ()


@dataclass(frozen=True)
class CsvOptions(OutputOptions):
    """A CSV file, how many bytes it may have, and how many are kept as it rotates."""

    path: Path
    limit_bytes: int
    files: int

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where the file and those that it rotated to are."""
        return (self.path.parent,)


@dataclass(frozen=True)
class SqliteOptions(OutputOptions):
    """A SQLite file, and how many rows are kept."""

    path: Path
    rows: int

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where the file and its journal are."""
        return (self.path.parent,)


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

    looks: ClassVar[bool] = True
    show_input: bool = False


@dataclass(frozen=True)
class WebOptions(OutputOptions):
    """Where the web page is served, and the file whose first line is its token."""

    looks: ClassVar[bool] = True
    address: Address
    token_file: Path | None = None


@dataclass(frozen=True)
class UnsureOptions(OutputOptions):
    """A folder for frames that the network is not sure of, its limit in bytes, and the least seconds between two."""

    looks: ClassVar[bool] = True
    folder: Path
    limit_bytes: int
    seconds: float

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folder itself."""
        return (self.folder,)
