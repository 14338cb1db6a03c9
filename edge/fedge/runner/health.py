"""How the runner is doing: counts that any thread may add to, and snapshots of them for outputs."""

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from threading import Lock
from time import monotonic
from typing import Literal

from fedge.options import camera_of
from fedge.system.json_types import JsonObject

State = Literal["starting", "running", "waiting", "stopped"]
OutputState = Literal["idle", "ok", "failing"]

_RATE_SECONDS = 5.0
_LAST_FRAMES = 1000


@dataclass(frozen=True)
class OutputStatus:
    """How an output is doing.

    Attributes:
        state: `idle` before it had anything to do, `ok`, or `failing`.
        reason: why it fails; empty where it does not.
        dropped: how many results it has lost since the start.
    """

    state: OutputState
    reason: str = ""
    dropped: int = 0

    @property
    def failing(self) -> bool:
        """Whether it does not take what it is given."""
        return self.state == "failing"

    def __str__(self) -> str:
        """The status for people: `ok`, `failing: no space left, 3 results dropped`."""
        text = f"{self.state}: {self.reason}" if self.reason else self.state
        return f"{text}, {dropped_results(self.dropped)}" if self.dropped else text


def dropped_results(count: int) -> str:
    """So many lost results, in words."""
    return f"{count:,} result{'' if count == 1 else 's'} dropped"


@dataclass(frozen=True)
class ModelFacts:
    """What people are told of the model that answers.

    Attributes:
        name: what it calls itself.
        classes: how many it knows.
        file: where it is, in words.
        build: the first twelve digits of the file's SHA-256.
        version: of fedge.
    """

    name: str
    classes: int
    file: str
    build: str
    version: str


@dataclass(frozen=True)
class HealthSnapshot:
    """The runner's health at one moment.

    Attributes:
        state: `starting` before the first frame, `running`, `waiting` for the source to come back, or `stopped`.
        frames: frames answered.
        dropped: frames not answered: a newer one was there, or they were too old to be given as fresh.
        frames_per_second: frames answered a second, over the last seconds.
        faults: how many of each kind there were.
        recoveries: how often frames came again after a fault.
        last_frame_age_s: seconds since the newest answered frame was captured; None before the first.
        message: the last fault in words; empty if there was none.
        outputs: each output's name and how it is doing.
        uptime_s: seconds since the start.
        capture: what the camera gives where that is not what was asked of it; else empty.
        still: frames that showed what the one before showed, and kept its answer without being classified.
        model: the one that answers; None before it is loaded.
        unknown_rate: the share of the last thousand frames that were answered as unknown, 0..1; None before the first.
        trial: whether the model was just swapped in and is on trial.
        update_percent: how far the proof of a new model has come, 0..100; None where none is being proved.
        cameras: the state of each camera by its name, where the run has several; else empty.
    """

    state: State
    frames: int
    dropped: int
    frames_per_second: float
    faults: dict[str, int]
    recoveries: int
    last_frame_age_s: float | None
    message: str
    outputs: dict[str, OutputStatus]
    uptime_s: float
    capture: str = ""
    still: int = 0
    model: ModelFacts | None = None
    unknown_rate: float | None = None
    trial: bool = False
    update_percent: int | None = None
    cameras: dict[str, State] = field(default_factory=dict)

    def state_of(self, region: str) -> State:
        """The state of the camera that a region is of: with several cameras CAMERA or CAMERA/PART is its name."""
        return self.cameras.get(camera_of(region), self.state)

    @property
    def failing(self) -> dict[str, OutputStatus]:
        """The outputs that fail, by name."""
        return {name: status for name, status in self.outputs.items() if status.failing}

    @property
    def healthy(self) -> bool:
        """Whether frames come and no output fails."""
        return self.state == "running" and not self.failing

    def to_json(self) -> JsonObject:
        """All of it as JSON: `outputs` in words, `output_status` as `state`, `reason`, `dropped`, and `healthy`."""
        words = {name: str(status) for name, status in self.outputs.items()}
        status = {name: asdict(status) for name, status in self.outputs.items()}
        return asdict(self) | {"outputs": words, "output_status": status, "healthy": self.healthy}


class Health:
    """Counts frames, drops, faults and recoveries; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._started = monotonic()
        self._state: State = "starting"
        self._frames = self._dropped = self._recoveries = 0
        self._faults: Counter[str] = Counter()
        self._message = self._capture = ""
        self._still = 0
        self._model: ModelFacts | None = None
        self._outputs: dict[str, OutputStatus] = {}
        self._captured: float | None = None
        self._answered: deque[float] = deque(maxlen=_LAST_FRAMES)
        self._unknown: deque[bool] = deque(maxlen=_LAST_FRAMES)
        self._trial = False
        self._update_percent: int | None = None

    def count_frame(self, captured: float, unknown: bool = False) -> None:
        """One more frame was answered, captured at `captured` seconds on the monotonic clock; as `unknown` or not."""
        with self._lock:
            self._state = "running"
            self._frames += 1
            self._captured = captured
            self._answered.append(monotonic())
            self._unknown.append(unknown)

    def count_dropped(self, count: int = 1) -> None:
        """`count` more frames were not answered."""
        with self._lock:
            self._dropped += count

    def count_fault(self, kind: str, message: str) -> None:
        """A fault of a `kind` (one word) began; the `message` says what is wrong."""
        with self._lock:
            self._faults[kind] += 1
            self._message = message

    def count_recovery(self) -> None:
        """Frames came again after a fault."""
        with self._lock:
            self._recoveries += 1

    def set_state(self, state: State) -> None:
        """Says what the runner is doing."""
        with self._lock:
            self._state = state

    def set_capture(self, text: str) -> None:
        """Says what the camera gives where that is not what was asked of it."""
        with self._lock:
            self._capture = text

    def set_model(self, model: ModelFacts) -> None:
        """Says which model answers from now on."""
        with self._lock:
            self._model = model

    def set_trial(self, on: bool) -> None:
        """Says whether the model is on trial."""
        with self._lock:
            self._trial = on

    def set_update(self, percent: int | None) -> None:
        """Says how far the proof of a new model has come, 0..100; None where none is being proved."""
        with self._lock:
            self._update_percent = percent

    def count_still(self) -> None:
        """One more frame kept the answer of the one before."""
        with self._lock:
            self._still += 1

    def set_output(self, name: str, status: OutputStatus) -> None:
        """Says how an output is doing."""
        with self._lock:
            self._outputs[name] = status

    def snapshot(self) -> HealthSnapshot:
        """The health at this moment."""
        with self._lock:
            now = monotonic()
            return HealthSnapshot(
                state=self._state,
                frames=self._frames,
                dropped=self._dropped,
                frames_per_second=self._rate(now),
                faults=dict(self._faults),
                recoveries=self._recoveries,
                last_frame_age_s=None if self._captured is None else now - self._captured,
                message=self._message,
                outputs=dict(self._outputs),
                uptime_s=now - self._started,
                capture=self._capture,
                still=self._still,
                model=self._model,
                unknown_rate=sum(self._unknown) / len(self._unknown) if self._unknown else None,
                trial=self._trial,
                update_percent=self._update_percent,
            )

    def _rate(self, now: float) -> float:
        while self._answered and self._answered[0] < now - _RATE_SECONDS:
            self._answered.popleft()
        return (len(self._answered) - 1) / (now - self._answered[0]) if len(self._answered) > 1 else 0.0
