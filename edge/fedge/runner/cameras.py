"""Several cameras in one run: their results as one stream, their healths as one."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from queue import Empty, Full, Queue
from threading import Event, Thread

from fedge.errors import FedgeError
from fedge.runner.health import Health, HealthSnapshot, State
from fedge.runner.result import Result
from fedge.sources.base import Fault

Item = Result | Fault | None

_WAIT_SECONDS = 0.25
_CLOSE_SECONDS = 1.0
_WORST_FIRST: tuple[State, ...] = ("waiting", "starting", "running", "stopped")


class CameraHealth(Health):
    """The health of one camera of a run; its faults are the run's too, under the camera's name."""

    def __init__(self, name: str, run: Health) -> None:
        super().__init__()
        self._name, self._run = name, run

    def count_fault(self, kind: str, message: str) -> None:
        """As `Health.count_fault`; and in the run's health."""
        super().count_fault(kind, message)
        self._run.count_fault(f"{self._name}/{kind}", f"{self._name}: {message}")


class JoinedHealth(Health):
    """The health of a run with several cameras: faults, outputs and model are its own, the rest is joined.

    Its state is the worst of its cameras', of which those that have ended count last.

    Attributes:
        cameras: the health of each, by its name.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.cameras = {name: CameraHealth(name, self) for name in names}

    def snapshot(self) -> HealthSnapshot:
        """The health at this moment; its last frame's age is that of the camera that was silent for longest."""
        own = super().snapshot()
        parts = {name: health.snapshot() for name, health in self.cameras.items()}
        ages = [part.last_frame_age_s for part in parts.values() if part.last_frame_age_s is not None]
        unknown = [part.unknown_rate for part in parts.values() if part.unknown_rate is not None]
        states = {name: part.state for name, part in parts.items()}
        return replace(
            own,
            state=own.state if own.state == "stopped" else min(states.values(), key=_WORST_FIRST.index),
            frames=sum(part.frames for part in parts.values()),
            dropped=sum(part.dropped for part in parts.values()),
            frames_per_second=sum(part.frames_per_second for part in parts.values()),
            recoveries=sum(part.recoveries for part in parts.values()),
            last_frame_age_s=max(ages, default=None),
            capture="; ".join(f"{name}: {part.capture}" for name, part in parts.items() if part.capture),
            still=sum(part.still for part in parts.values()),
            unknown_rate=sum(unknown) / len(unknown) if unknown else None,
            cameras=states,
        )


def merged(loops: Sequence[Iterator[Item]]) -> Generator[Item]:
    """The results and faults of all loops as they come, and None where none has anything new.

    Each loop runs in a thread of its own, so that none waits for another. A loop that ends with a FedgeError leaves the
    others running: the first such error is raised when all have ended.
    """
    queue: Queue[Item | BaseException] = Queue(len(loops))
    stop = Event()
    threads = [
        Thread(target=_feed, args=(loop, queue, stop), name=f"fedge-camera-{number}", daemon=True)
        for number, loop in enumerate(loops)
    ]
    for thread in threads:
        thread.start()
    errors: list[FedgeError] = []
    running = len(loops)
    try:
        while running:
            try:
                item = queue.get(timeout=_WAIT_SECONDS)
            except Empty:
                yield None
                continue
            if not isinstance(item, BaseException):
                yield item
                continue
            running -= 1
            if isinstance(item, FedgeError):
                errors.append(item)
            elif not isinstance(item, StopIteration):
                raise item
        if errors:
            raise errors[0]
    finally:
        stop.set()
        for thread in threads:
            thread.join(_CLOSE_SECONDS)


def _feed(loop: Iterator[Item], queue: "Queue[Item | BaseException]", stop: Event) -> None:
    """Puts what a loop gives into the queue, and at last with what it ended."""
    end: BaseException = StopIteration()
    try:
        for item in loop:
            if stop.is_set():
                break
            if item is not None:
                _put(queue, item, stop)
    except BaseException as error:
        end = error
    _put(queue, end, stop)


def _put(queue: "Queue[Item | BaseException]", item: Item | BaseException, stop: Event) -> None:
    while not stop.is_set():
        try:
            queue.put(item, timeout=_WAIT_SECONDS)
            return
        except Full:
            continue
