"""What is asked of `fedge run` and `fedge capture`."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from fedge.errors import SourceError
from fedge.options.camera import CameraOptions, FaultLimits, Region
from fedge.options.defaults import DEFAULT_REJECT, ENTER, LEAVE, SHADOW_SECONDS, TRIAL_SECONDS, RejectMode
from fedge.options.flags import flag
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
class WhenOptions:
    """Which frames are classified; the others keep the answer of the last one that was. By default all are.

    Attributes:
        motion: those in which something moved, and those of a while after it.
        every: one in so many seconds; None: no such limit.
    """

    motion: bool = False
    every: float | None = None


def parse_when(text: str) -> WhenOptions:
    """`always`, `motion` or `every:SECONDS`; raises SourceError for anything else."""
    if found := re.fullmatch(r"every:(\d+(\.\d*)?|\.\d+)", text):
        return WhenOptions(every=float(found[1]))
    if text not in ("always", "motion"):
        raise SourceError(f"{text!r} does not say when", "give always, motion or every:SECONDS")
    return WhenOptions(motion=text == "motion")


@dataclass(frozen=True)
class RecordOptions:
    """Where frames and decisions are recorded, and how many bytes of them are kept."""

    folder: Path = field(metadata=flag("record", path="written folder"))
    limit_bytes: int


@dataclass(frozen=True)
class SwapOptions:
    """How a new current model of the store is tried before and after it answers; see `Swapper`.

    Attributes:
        shadow_seconds: how long it answers the live frames beside the running one, unseen.
        trial_seconds: how long it may be rolled back after the swap.
        least_fps: frames a second that it must keep up with; None: what the camera gives when it is swapped.
    """

    shadow_seconds: float = SHADOW_SECONDS
    trial_seconds: float = TRIAL_SECONDS
    least_fps: float | None = None


@dataclass(frozen=True)
class PlaybackOptions:
    """How a file or folder is played: whether again from its start, and whether no faster than it was recorded."""

    loop: bool = False
    realtime: bool = False


@dataclass(frozen=True)
class PartOptions:
    """What is classified of a camera's picture, by which model, and how its answers become a decision.

    Attributes:
        name: what its results are told apart by: the camera's, or CAMERA/REGION.
        region: None for all of the picture.
        model, reject, decision, when: as in `RunOptions`.
    """

    name: str
    region: Region | None
    model: str | None
    reject: RejectMode
    decision: DecisionOptions
    when: WhenOptions


def camera_of(name: str) -> str:
    """The name of the camera that a part of its picture is called after."""
    return name.partition("/")[0]


@dataclass(frozen=True)
class NamedCamera:
    """One of several cameras of a run; `source`, `device`, `camera`, `limits` and `playback` as in `RunOptions`."""

    name: str
    source: str | None
    device: str | None
    camera: CameraOptions
    limits: FaultLimits
    playback: PlaybackOptions
    parts: tuple[PartOptions, ...]


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
        swap: how a new current model of the store is tried.
        when: which frames are classified.
        playback: how a file is played.
        regions: named ones, each with an answer and a decision of its own; then `camera` has none.
        cameras: where there are several, or models for parts of a picture; then `source`, `device`, `regions` and
            `background` are not used, and each camera stops after `frames`.
    """

    model: str | None = field(metadata=flag("model", path="read"))
    device: str | None = field(metadata=flag("device", secret=True))
    source: str | None = field(metadata=flag("source", path="read", secret=True))
    frames: int | None
    as_json: bool
    camera: CameraOptions = field(default_factory=CameraOptions)
    limits: FaultLimits = field(default_factory=FaultLimits)
    decision: DecisionOptions = field(default_factory=DecisionOptions)
    record: RecordOptions | None = None
    outputs: tuple[OutputOptions, ...] = ()
    background: str | None = field(default=None, metadata=flag("background", path="written file"))
    reject: RejectMode = DEFAULT_REJECT
    show_input: bool = False
    swap: SwapOptions = field(default_factory=SwapOptions)
    when: WhenOptions = field(default_factory=WhenOptions)
    playback: PlaybackOptions = field(default_factory=PlaybackOptions)
    regions: tuple[Region, ...] = ()
    cameras: tuple[NamedCamera, ...] = ()


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
