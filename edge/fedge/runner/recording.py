"""Recording what the classifier saw and said, so that it can be replayed: `fedge run --record DIR`."""

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Full, Queue
from threading import Event, Semaphore, Thread
from time import monotonic

from fedge.errors import SourceError
from fedge.images.picture import Picture
from fedge.runner.decisions import Decider
from fedge.runner.health import Health
from fedge.runner.output_status import Standing
from fedge.runner.result import Result
from fedge.runner.segments import SegmentWriter
from fedge.sources.base import Fault
from fedge.system.console import echo
from fedge.system.json_types import JsonObject
from fedge.system.timing import RetryPause

# Pictures wait as they are, up to a megabyte each; lines are small.
PICTURES_WAITING, _LINES_WAITING = 8, 10_000
RETRY_SECONDS = (1.0, 30.0)
CLOSE_SECONDS = 1.0
# A disk that has taken nothing for so long, while the recording may wait for it, is not slow: it is stuck.
STUCK_SECONDS = 5.0
_TOO_LARGE = "the output recording leaves out pictures that its limit has no room for; give --record-mb more"


@dataclass(frozen=True)
class _Line:
    content: JsonObject
    picture: Picture | None


@dataclass(frozen=True)
class _NewSegment:
    state: JsonObject


class Recorder:
    """Writes results in a thread of its own; what cannot be written is counted and said, and does not stop the loop.

    It stands in the health as the output `recording`, and yet is no `Output`. Those are given a failed result again,
    and may lose any result; here a lost line ends the segment, since no decision behind it could be replayed, and the
    next one begins with the decider's state, for which only the loop's thread can ask, between two frames. Pictures
    are left out before lines, and a full queue of the hub would lose both.

    Args:
        folder: where; made if need be, and what it already holds is kept as long as there is room.
        limit_bytes: how much the folder may hold; a picture for which that leaves no room is left out.
        facts: what is needed to replay, as JSON.
        state: the decider's state before the first result.
        health: is told how the output `recording` does.
        wait: whether to wait for the disk rather than leave pictures out; for sources that are not live.
        retry_seconds: the first and the longest pause after which a disk that failed is tried again.
        close_seconds: how long `close` waits where `wait` is not set.
        stuck_seconds: how long it waits, where it is, for a disk that takes nothing.

    Raises SourceError where the folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        limit_bytes: int,
        facts: JsonObject,
        state: JsonObject,
        health: Health,
        wait: bool = False,
        retry_seconds: tuple[float, float] = RETRY_SECONDS,
        close_seconds: float = CLOSE_SECONDS,
        stuck_seconds: float = STUCK_SECONDS,
    ) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = SegmentWriter(folder, limit_bytes, facts)
        except OSError as error:
            raise SourceError(f"cannot record in {folder} ({error.strerror})", "give another folder") from error
        self._wait, self._close_seconds, self._stuck_seconds = wait, close_seconds, stuck_seconds
        self._standing = Standing("recording", health)
        self._pause = RetryPause(*retry_seconds)
        self._try_at: float | None = None
        self._said_too_large = False
        self._wanted = Event()
        self._room = Semaphore(PICTURES_WAITING)
        self._given = self._taken = 0
        self._queue: Queue[_Line | _NewSegment | None] = Queue(_LINES_WAITING)
        self._queue.put(_NewSegment(state))
        self._thread = Thread(target=self._run, name="fedge-recording", daemon=True)
        self._thread.start()

    def keep(self, result: Result, state: Callable[[], JsonObject]) -> None:
        """Records a result; `state` gives the decider's state after it, which is asked for now and then."""
        picture = result.frame.picture if self._room.acquire(blocking=self._wait) else None
        content = result.to_json() | {
            "picture": None if picture is None else f"{result.number:08}.png",
            "moment": result.frame.moment,
            "evidence": list(result.answer.evidence),
        }
        try:
            self._queue.put(_Line(content, picture), block=self._wait)
            self._given += 1
            if self._wanted.is_set():
                self._queue.put(_NewSegment(state()), block=self._wait)
                self._wanted.clear()
        except Full:
            # Without this line no later decision of the segment could be replayed.
            self._wanted.set()
            self._standing.count_dropped()

    def close(self) -> None:
        """Writes what waits: for a second at most, or with `wait` for as long as the disk takes something."""
        with suppress(Full):
            self._queue.put(None, timeout=self._close_seconds)
            self._join()
        self._standing.end(self._given - self._taken)

    def _join(self) -> None:
        if not self._wait:
            self._thread.join(self._close_seconds)
            return
        taken = -1
        while self._thread.is_alive() and self._taken != taken:
            taken = self._taken
            self._thread.join(self._stuck_seconds)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                self._take(item)
            except OSError as error:
                self._try_at = monotonic() + self._pause.after_failure()
                self._standing.fail(error)
                if isinstance(item, _Line):
                    self._standing.count_dropped()
            if isinstance(item, _Line):
                self._taken += 1
                if item.picture is not None:
                    self._room.release()
        self._writer.close()

    def _take(self, item: _Line | _NewSegment) -> None:
        if isinstance(item, _NewSegment):
            self._writer.begin(item.state)
            self._try_at = None
        elif self._try_at is None:
            fits = self._writer.write(item.content, item.picture)
            self._pause.reset()
            self._standing.succeed()
            if not fits and not self._said_too_large:
                self._said_too_large = True
                echo(_TOO_LARGE)
            if self._writer.is_full:
                self._wanted.set()
        else:
            self._standing.count_dropped()
            if monotonic() >= self._try_at:
                self._wanted.set()


def recorded(
    results: Iterator[Result | Fault | None], recorder: Recorder, decider: Decider
) -> Generator[Result | Fault | None]:
    """Passes everything on and records the results."""
    for item in results:
        if isinstance(item, Result):
            recorder.keep(item, decider.state)
        yield item
