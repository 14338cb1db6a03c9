"""What is asked of `fedge run` and `fedge capture`."""

from dataclasses import dataclass, field
from pathlib import Path

from fedge.options.camera import CameraOptions, FaultLimits
from fedge.options.defaults import DEFAULT_REJECT, ENTER, LEAVE, RejectMode
from fedge.options.outputs import OutputOptions


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
class RunOptions:
    """What the user asked for: a `source`, or without one the camera `device` (None: the first that works).

    Attributes:
        model: a path or a shipped model's name; None: the default.
        device, source: where frames come from.
        frames: after how many to stop; None: at the source's end.
        as_json: whether a program reads standard output.
        camera, limits, decision: see there.
        record: where frames are kept; None: nowhere.
        outputs: those asked for besides standard output.
        background: the file of the empty scene, or `learn`; None: there is none.
        reject: how much certainty an answer needs.
        show_input: whether the terminal shows what the network sees.
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
    outputs: tuple[OutputOptions, ...] = ()
    background: str | None = None
    reject: RejectMode = DEFAULT_REJECT
    show_input: bool = False


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
