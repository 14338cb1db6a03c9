"""The outputs that can be asked for besides standard output: a dataclass each. `outputs.factory` opens them.

Each field that holds a path or may hold a password says so in its metadata, with the option that it comes from.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from fedge.errors import OutputError
from fedge.options.addresses import Address, Broker, WebhookUrl
from fedge.options.flags import flag
from fedge.options.program import Program

VIDEO_CODECS = {".mp4": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}
"""The kinds of video that can be written, by suffix, and the four characters of their codecs."""


@dataclass(frozen=True)
class OutputOptions:
    """What every output's options are.

    Attributes:
        shows_pictures: whether it shows or keeps pictures for people, who want them in colour and in full size.
        needs_screen: whether it shows them on this machine's own screen, which a service has not.
    """

    shows_pictures: ClassVar[bool] = False
    needs_screen: ClassVar[bool] = False


@dataclass(frozen=True)
class CsvOptions(OutputOptions):
    """A CSV file, how many bytes it may have, and how many are kept as it rotates."""

    path: Path = field(metadata=flag("csv", path="written file"))
    limit_bytes: int
    files: int


@dataclass(frozen=True)
class SqliteOptions(OutputOptions):
    """A SQLite file, and how many rows are kept."""

    path: Path = field(metadata=flag("sqlite", path="written file"))
    rows: int


@dataclass(frozen=True)
class MqttOptions(OutputOptions):
    """A broker, the authority of its certificate (PEM), and the file whose first line is the password."""

    broker: Broker
    authority: Path | None = field(default=None, metadata=flag("mqtt-ca", path="read"))
    password_file: Path | None = field(default=None, metadata=flag("mqtt-password-file", path="read"))


@dataclass(frozen=True)
class WebhookOptions(OutputOptions):
    """Where changes of the decision are posted to."""

    url: WebhookUrl = field(metadata=flag("webhook", secret=True))


@dataclass(frozen=True)
class MetricsOptions(OutputOptions):
    """Where the metrics for Prometheus are served."""

    address: Address


@dataclass(frozen=True)
class WindowOptions(OutputOptions):
    """A window on this machine's screen, and whether it shows what the network sees."""

    shows_pictures: ClassVar[bool] = True
    needs_screen: ClassVar[bool] = True
    show_input: bool = False


@dataclass(frozen=True)
class WebOptions(OutputOptions):
    """Where the web page is served, and the file whose first line is its token."""

    shows_pictures: ClassVar[bool] = True
    address: Address
    token_file: Path | None = field(default=None, metadata=flag("web-token-file", path="read"))


@dataclass(frozen=True)
class UnsureOptions(OutputOptions):
    """A folder for frames that the network is not sure of, its limit in bytes, and the least seconds between two."""

    shows_pictures: ClassVar[bool] = True
    folder: Path = field(metadata=flag("unsure", path="written folder"))
    limit_bytes: int
    seconds: float


@dataclass(frozen=True)
class ProgramOptions(OutputOptions):
    """A program for each change of the decision, how many may run at once, and how many seconds each has."""

    program: Program = field(metadata=flag("exec", path="program"))
    at_once: int
    seconds: float


@dataclass(frozen=True)
class VideoOptions(OutputOptions):
    """A video of what was seen, and how many bytes it may have; raises OutputError for another kind of file."""

    shows_pictures: ClassVar[bool] = True
    path: Path = field(metadata=flag("save", path="written file"))
    limit_bytes: int

    def __post_init__(self) -> None:
        if self.path.suffix.lower() not in VIDEO_CODECS:
            raise OutputError(f"--save {self.path} is no name of a video", f"let it end in {', '.join(VIDEO_CODECS)}")
