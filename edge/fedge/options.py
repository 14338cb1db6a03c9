"""What the user asks for, as plain values; nothing heavy is imported to hold them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Rotation = Literal["0", "90", "180", "270"]
RejectMode = Literal["off", "normal", "strict"]
REJECT_MODES: tuple[RejectMode, ...] = ("off", "normal", "strict")
DEFAULT_REJECT: RejectMode = "normal"
WINDOW_SECONDS, ENTER, LEAVE = 1.0, 0.6, 0.4
CSV_MEGABYTES, CSV_FILES, SQLITE_ROWS = 10, 5, 1_000_000
UNSURE_MEGABYTES, UNSURE_SECONDS = 200, 5.0
COLLECT_COUNT, COLLECT_SECONDS, COLLECT_COUNTDOWN, COLLECT_MEGABYTES = 50, 1.0, 3.0, 1000
# What of a folder without a `test` folder is kept for the test.
TEST_SHARE = 0.20
# How long `fedge train` may hold networks against each other before it trains the one that it chose.
TRIAL_MINUTES = 5.0
# The most accuracy, in points, that quantization may lose, and the epochs of quantization-aware training.
MAX_DROP_PP, QAT_EPOCHS = 0.5, 3
# Of 341 photographs this refuses none. Their longer side resized to 320 pixels and blurred by a Gaussian of sigma 2
# pixels, it refuses 96% of them, of sigma 3 99%.
LEAST_SHARPNESS = 0.3


@dataclass(frozen=True)
class CameraOptions:
    """What is asked of a camera, and what of its picture is used.

    Attributes:
        width, height: of the picture in pixels; None: the camera's own.
        fps: frames a second; None: the camera's own.
        rotate: degrees, clockwise.
        region: `X,Y,WIDTH,HEIGHT` of the turned picture, in pixels or each from 0 to 1; None: all of it.
    """

    width: int | None = None
    height: int | None = None
    fps: float | None = None
    rotate: Rotation = "0"
    region: str | None = None


@dataclass(frozen=True)
class FaultLimits:
    """When a live source counts as faulty.

    Attributes:
        stall_after: seconds without a frame.
        frozen_after: seconds of the same picture, byte for byte; 0: never.
        max_age: seconds after which a frame is too old to be answered.
        wait: whether a source that is absent at the start is waited for.
    """

    stall_after: float = 2.0
    frozen_after: float = 10.0
    max_age: float = 1.0
    wait: bool = False


@dataclass(frozen=True)
class DecisionOptions:
    """How answers become a decision; see `Decider`.

    Attributes:
        window_seconds: how long probabilities are averaged; None: 1 s for what moves, 0 for single pictures.
        enter, leave: mean probabilities from which a class is decided on, and below which it is given up.
    """

    window_seconds: float | None = None
    enter: float = ENTER
    leave: float = LEAVE


@dataclass(frozen=True)
class RecordOptions:
    """Where frames and decisions are recorded, and how many bytes of them are kept."""

    folder: Path
    limit_bytes: int


@dataclass(frozen=True)
class OutputOptions:
    """The outputs that the user asked for besides standard output; None or False where not.

    Attributes:
        csv, csv_mb, csv_files: a CSV file, how many million bytes it may have, and how many are kept.
        sqlite, sqlite_rows: a SQLite file and how many rows are kept.
        mqtt, mqtt_ca, mqtt_password_file: a broker's URL; the authority of its certificate; where the password is.
        webhook: an http or https URL.
        metrics: ADDRESS:PORT for Prometheus.
        window: a window on this machine's screen.
        web, web_token_file: ADDRESS:PORT of the web page; where its token is.
        unsure, unsure_mb, unsure_seconds: a folder for frames that the network is not sure of, how many million bytes
            it may hold, and the least time between two.
        show_input: whether the window, or without one the terminal, shows what the network sees.
    """

    csv: Path | None = None
    csv_mb: int = CSV_MEGABYTES
    csv_files: int = CSV_FILES
    sqlite: Path | None = None
    sqlite_rows: int = SQLITE_ROWS
    mqtt: str | None = None
    mqtt_ca: Path | None = None
    mqtt_password_file: Path | None = None
    webhook: str | None = None
    metrics: str | None = None
    window: bool = False
    web: str | None = None
    web_token_file: Path | None = None
    unsure: Path | None = None
    unsure_mb: int = UNSURE_MEGABYTES
    unsure_seconds: float = UNSURE_SECONDS
    show_input: bool = False


@dataclass(frozen=True)
class RunOptions:
    """What the user asked for: a `source`, or without one the camera `device` (None: the first that works).

    `background` is the file of the empty scene, or `learn`; None: there is none. `reject` says how much certainty an
    answer needs.
    """

    model: str | None
    device: str | None
    source: str | None
    frames: int | None
    as_json: bool
    camera: CameraOptions = field(default_factory=CameraOptions)
    limits: FaultLimits = field(default_factory=FaultLimits)
    decision: DecisionOptions = field(default_factory=DecisionOptions)
    record: RecordOptions | None = None
    outputs: OutputOptions = field(default_factory=OutputOptions)
    background: str | None = None
    reject: RejectMode = DEFAULT_REJECT


@dataclass(frozen=True)
class CollectOptions:
    """What the user asks of `fedge capture`: pictures of a class from a `source`, or without one from the `device`.

    Attributes:
        label: the class.
        out: the folder of class folders.
        source, device, camera, wait: where frames come from, as in `fedge run`.
        count: how many pictures.
        every, countdown: seconds between two pictures, and before the first.
        limit_bytes: what the class may hold.
        least_sharpness: below it a picture counts as blurred.
        model: whose recipe cuts out; a path or a shipped model's name, None for the default.
        as_json: whether a program listens.
    """

    label: str
    out: Path
    source: str | None
    device: str | None
    count: int
    every: float
    countdown: float
    limit_bytes: int
    least_sharpness: float
    model: str | None = None
    as_json: bool = False
    camera: CameraOptions = field(default_factory=CameraOptions)
    wait: bool = False
