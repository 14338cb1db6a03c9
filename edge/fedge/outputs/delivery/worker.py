"""An output's thread and its bounded queue."""

from collections import deque
from dataclasses import replace
from threading import Condition, Thread
from time import monotonic

import numpy as np

from fedge.images.picture import Picture
from fedge.outputs.base import NeverTaken, Output
from fedge.runner.health import Health, HealthSnapshot
from fedge.runner.output_status import Standing
from fedge.runner.result import Result
from fedge.system.timing import RetryPause

FIRST_PAUSE_SECONDS = 0.25
# A queue that keeps pictures would hold hundreds of megabytes; most outputs need none.
_NO_PICTURE: Picture = np.empty((0, 0), dtype=np.uint8)


class Worker:
    """Calls one output from one thread, repeating what failed; nothing that its caller does can block on the output.

    Args:
        output: whose methods are called.
        health: where its state goes.
        patient: whether a full queue makes `show` wait for an output that works; a failing one drops in any case.
    """

    def __init__(self, output: Output, health: Health, patient: bool = False) -> None:
        self._output, self._patient = output, patient
        self._standing = Standing(output.name, health)
        self._changed = Condition()
        self._queue: deque[Result] = deque()
        self._snapshot: HealthSnapshot | None = None
        self._failing = self._stopping = self._giving_up = self._in_hand = False
        self._thread = Thread(target=self._work, name=f"fedge-{output.name}", daemon=True)
        self._thread.start()

    def show(self, result: Result) -> None:
        """Queues a result; where the queue is full the oldest goes, and is counted unless newer ones replace it."""
        if not self._output.wants(result):
            return
        if not self._output.wants_pictures:
            result = replace(
                result,
                frame=replace(result.frame, picture=_NO_PICTURE),
                answer=replace(result.answer, image=None),
            )
        with self._changed:
            if self._patient:
                self._changed.wait_for(lambda: not self._full() or self._failing or self._stopping)
            if self._full():
                self._queue.popleft()
                if self._output.counts_losses:
                    self._standing.count_dropped()
            self._queue.append(result)
            self._changed.notify_all()

    def health(self, snapshot: HealthSnapshot) -> None:
        """Keeps the newest health for the output."""
        with self._changed:
            self._snapshot = snapshot
            self._changed.notify_all()

    def stop(self) -> None:
        """Asks the thread to end once its queue is empty; nothing may be shown any more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def drain(self) -> None:
        """Waits until all results are out, or the output fails."""
        with self._changed:
            self._changed.wait_for(lambda: not self._left() or self._failing)

    def finish(self, seconds: float) -> None:
        """Waits until all results are out, or none got out for so long."""
        with self._changed:
            while self._left() and self._gets_on(seconds):
                pass

    def give_up(self) -> None:
        """Asks the thread not to repeat what fails any more, but to end."""
        with self._changed:
            self._giving_up = True
            self._changed.notify_all()

    def join(self, deadline: float) -> None:
        """Waits for the thread until `deadline` on the monotonic clock, then leaves it behind; says what is lost.

        An output that has `end_seconds` gets them on top.
        """
        self._thread.join(max(0.0, deadline + self._output.end_seconds - monotonic()))
        with self._changed:
            left = self._left()
        self._standing.end(left if self._output.counts_losses else 0)

    def _gets_on(self, seconds: float) -> bool:
        before = self._left()
        return self._changed.wait_for(lambda: self._left() < before, seconds)

    def _left(self) -> int:
        return len(self._queue) + self._in_hand

    def _full(self) -> bool:
        return len(self._queue) >= self._output.backlog

    def _work(self) -> None:
        pause, pauses = 0.0, RetryPause(FIRST_PAUSE_SECONDS, self._output.longest_pause_s)
        while True:
            with self._changed:
                if pause:
                    self._changed.wait_for(lambda: self._giving_up, pause)
                self._changed.wait_for(lambda: self._queue or self._snapshot or self._stopping)
                if self._giving_up and self._failing:
                    break
                if self._stopping and not (self._queue or self._snapshot):
                    break
                snapshot, self._snapshot = self._snapshot, None
                # One call at a time, so that what it raises is said of the right one.
                result = self._queue.popleft() if self._queue and snapshot is None else None
                self._in_hand = result is not None
            try:
                if snapshot is not None:
                    self._output.health(snapshot)
                if result is not None:
                    self._output.show(result)
            except NeverTaken as error:
                pause = 0.0
                pauses.reset()
                self._refuse(error)
            except Exception as error:  # whatever an output raises, the others and the loop go on
                pause = pauses.after_failure()
                self._fail(error, result)
            else:
                pause = 0.0
                pauses.reset()
                if result is not None or self._output.heeds_health():
                    self._succeed()
        try:
            self._output.close()
        except NeverTaken as error:
            self._standing.refuse(error, error.results)
        except Exception:
            # There is nothing left to degrade.
            pass

    def _fail(self, error: Exception, result: Result | None) -> None:
        with self._changed:
            self._failing, self._in_hand = True, False
            if result is not None and not self._full():
                self._queue.appendleft(result)
            elif result is not None and self._output.counts_losses:
                self._standing.count_dropped()
            self._changed.notify_all()
        self._standing.fail(error)

    def _refuse(self, error: NeverTaken) -> None:
        self._standing.refuse(error, error.results)
        self._go_on()

    def _succeed(self) -> None:
        self._standing.succeed()
        self._go_on()

    def _go_on(self) -> None:
        with self._changed:
            self._failing = self._in_hand = False
            self._changed.notify_all()
