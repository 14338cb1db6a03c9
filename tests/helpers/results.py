"""Results made by hand, for outputs that do not care where they come from."""

from datetime import UTC, datetime, timedelta

import numpy as np

from fedge.images.picture import Picture
from fedge.model.classifier import Answer
from fedge.runner.decisions import Decision
from fedge.runner.health import HealthSnapshot, OutputStatus, State
from fedge.runner.result import Result
from fedge.sources.base import Frame

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def result(
    number: int = 0,
    label: str | None = "Bag",
    changed: bool = False,
    picture: Picture | None = None,
    age_ms: float = 12.0,
    source: str = "memory",
    image: Picture | None = None,
) -> Result:
    """The answer `label` to frame `number`, which is also decided on; `image` is what the network saw."""
    best = label or "Coat"
    time = START + timedelta(seconds=number)
    frame = Frame(np.zeros((48, 64, 3), np.uint8) if picture is None else picture, source, time=time)
    answer = Answer(label, 0.75, ((best, 0.75), ("Dress", 0.25)), 0.5, 0.25, (0.75, 0.25), image=image)
    return Result(number, frame, answer, age_ms, Decision(label, 0.7, changed, time))


def snapshot(state: State = "running", message: str = "") -> HealthSnapshot:
    """A health."""
    return HealthSnapshot(
        state=state,
        frames=7,
        dropped=1,
        frames_per_second=24.5,
        faults={"stall": 2} if message else {},
        recoveries=1 if message else 0,
        last_frame_age_s=0.1,
        message=message,
        outputs={"csv": OutputStatus("ok")},
        uptime_s=3.0,
    )
