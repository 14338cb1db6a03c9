"""Swapping models between two frames: a new current model is self-tested, shadows the running one, then is on trial.

The store's current model is looked at once a second, and at once on `look_now`. What fails its proof or its trial is
rolled back in the store, so that a restart does not take it either. A model of other classes, or with another
preprocessing, needs a source and outputs that are opened for it: there the run starts again, in the same process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Event, Lock, Thread
from time import monotonic

import numpy as np

from fedge.errors import FedgeError
from fedge.images.picture import Picture
from fedge.model.classifier import Answer, Classifier, load
from fedge.options import SwapOptions
from fedge.runner.health import Health
from fedge.runner.model_facts import model_facts
from fedge.store.prove import prove
from fedge.store.store import Store
from fedge.store.trial import Trial, end_trial, fail, pause, resume, write_trial

LOOK_SECONDS = 1.0
# Below so many frames the share of unknown answers is mostly chance.
LEAST_FRAMES = 100
# By how much the share of frames answered as unknown may rise.
MORE_UNKNOWN = 0.2
# A new model that does not keep up with the camera may still take so many times the running one's milliseconds.
MOST_SLOWER = 1.5


@dataclass
class Tally:
    """What was seen of a model.

    Attributes:
        frames, answers: how many frames, and how many answers to parts of them; as many where all of it is one part.
        unknown, agreed: to how many of them it knew no answer, and to how many the other model's.
        milliseconds: of each of the last frames, preprocessing and inference of all its parts.
    """

    frames: int = 0
    answers: int = 0
    unknown: int = 0
    agreed: int = 0
    milliseconds: list[float] = field(default_factory=list)

    def count(self, answers: Sequence[Answer], others: Sequence[Answer] = ()) -> None:
        """One more frame's answers, and the other model's to the same parts of it."""
        self.frames += 1
        self.answers += len(answers)
        self.unknown += sum(answer.rejected for answer in answers)
        self.agreed += sum(answer.label == other.label for answer, other in zip(answers, others, strict=False))
        taken = sum(answer.preprocess_ms + answer.infer_ms for answer in answers)
        self.milliseconds = [*self.milliseconds[-LEAST_FRAMES:], taken]

    @property
    def median_ms(self) -> float | None:
        """The median of the last frames' milliseconds; None before the first."""
        return float(np.median(self.milliseconds)) if self.milliseconds else None

    @property
    def unknown_share(self) -> float | None:
        """The share of unknown answers, 0..1; None below `LEAST_FRAMES` frames."""
        return self.unknown / self.answers if self.frames >= LEAST_FRAMES else None


def is_interchangeable(running: Classifier, fresh: Classifier) -> bool:
    """Whether a classifier can take another's place with the same source and outputs."""
    return (running.labels, running.model.manifest.preprocessing) == (fresh.labels, fresh.model.manifest.preprocessing)


class Swapper:
    """Watches the store and hands a proved classifier to the loop.

    Args:
        store: whose current model is followed.
        running: the classifier that runs, of the store's current model.
        health: where the frames a second are.
        options: how long a new model shadows and is on trial, and how fast it must be.
        say: is told each step in a sentence.
    """

    def __init__(
        self, store: Store, running: Classifier, health: Health, options: SwapOptions, say: Callable[[str], None]
    ) -> None:
        self._store, self._health, self._options, self._say = store, health, options, say
        self._running, self._sha = running, store.current
        self._refused: set[str] = set()
        self._must_restart = False
        self._lock = Lock()
        self._ready: Classifier | None = None
        self._parts: Sequence[tuple[Picture, Answer]] = ()
        self._tally, self._before = Tally(), Tally()
        self._wake, self._fresh, self._taken, self._closed = Event(), Event(), Event(), Event()
        self._trial, self._until = self._resumed()
        self._thread = Thread(target=self._watch, name="model swap", daemon=True)
        self._thread.start()

    @property
    def running(self) -> Classifier:
        """The classifier that answers now; from any thread."""
        with self._lock:
            return self._running

    @property
    def must_restart(self) -> bool:
        """Whether the current model can only be taken by a run that starts again."""
        return self._must_restart

    def look_now(self) -> None:
        """Looks at the store at once; may be called from a signal handler."""
        self._wake.set()

    def take(self) -> Classifier | None:
        """The classifier that is to answer from this frame on; None where it does not change."""
        with self._lock:
            ready, self._ready = self._ready, None
            if ready is not None:
                self._running, self._tally, self._before = ready, Tally(), self._tally
        if ready is not None:
            self._taken.set()
        return ready

    def answered(self, parts: Sequence[tuple[Picture, Answer]]) -> None:
        """Is told what was classified of a frame, one part of it or more, and the answers."""
        with self._lock:
            self._parts = parts
            self._tally.count([answer for _, answer in parts])
        self._fresh.set()

    def close(self) -> None:
        """Stops watching; a trial that is not over goes on at the next start."""
        self._closed.set()
        for event in (self._wake, self._fresh, self._taken):
            event.set()
        self._thread.join(LOOK_SECONDS)
        if self._trial is not None:
            # An orderly end is no death in the trial.
            pause(self._store, max(0.0, self._until - monotonic()))

    def _resumed(self) -> tuple[Trial | None, float]:
        trial, _ = resume(self._store)
        self._health.set_trial(trial is not None)
        return trial, monotonic() + (trial.seconds_left if trial else 0.0)

    def _watch(self) -> None:
        while not self._closed.is_set():
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()
            try:
                self._look()
            except (FedgeError, OSError) as error:
                self._say(f"the model store cannot be followed: {error}")

    def _look(self) -> None:
        current = self._store.current
        if current is not None and current != self._sha and current not in self._refused:
            self._health.set_update(0)
            try:
                self._change_to(current)
            finally:
                self._health.set_update(None)
                self._health.set_trial(self._trial is not None)
        elif self._trial is not None:
            self._watch_trial(self._trial)

    def _change_to(self, sha: str) -> None:
        came_back = self._trial is not None and self._trial.sha256 == self._sha
        self._trial = None
        self._say(f"model {sha[:12]}: self-test in a process of its own")
        proof = prove(self._store.path(sha))
        if not proof.passed:
            self._refuse(sha, proof.reason)
            return
        background = self._running.background
        fresh = load(self._store.path(sha), self._running.reject)
        fresh.background = background if fresh.model.manifest.preprocessing.cut_out is not None else None
        with self._lock:
            before, usual = self._tally.unknown_share, replace(self._tally)
        if not came_back:
            seen = self._shadow(fresh)
            if self._closed.is_set():
                return
            if problem := self._too_slow(seen, usual):
                self._refuse(sha, problem)
                return
        if not came_back and self._store.previous is not None:
            # Written before the swap, so that a crash at the swap counts as one in the trial.
            self._trial = Trial(sha, self._options.trial_seconds, unknown_before=before)
            self._until = monotonic() + self._options.trial_seconds
            write_trial(self._store, self._trial)
        if is_interchangeable(self._running, fresh):
            self._hand_over(fresh, sha)
        else:
            self._say(
                f"model {fresh.model.manifest.name} {sha[:12]} has other classes or preprocessing: starting again"
            )
            self._must_restart = True
            self._closed.set()

    def _shadow(self, fresh: Classifier) -> Tally:
        """Lets `fresh` answer the live frames for a while, and says how it compares."""
        seen, running_unknown = Tally(), 0
        until = monotonic() + self._options.shadow_seconds
        while not self._closed.is_set() and (left := until - monotonic()) > 0:
            self._fresh.wait(min(left, LOOK_SECONDS))
            self._fresh.clear()
            with self._lock:
                parts, self._parts = self._parts, ()
            self._health.set_update(round(100 - 100 * max(0.0, left) / self._options.shadow_seconds))
            if parts:
                answers = [answer for _, answer in parts]
                seen.count([fresh.classify(picture) for picture, _ in parts], answers)
                running_unknown += sum(answer.rejected for answer in answers)
        if seen.answers:
            self._say(
                f"model {fresh.model.manifest.name}: on {seen.frames} live frames {seen.agreed / seen.answers:.0%} the "
                f"same answer, unknown {seen.unknown / seen.answers:.0%} (running: "
                f"{running_unknown / seen.answers:.0%})"
            )
        return seen

    def _too_slow(self, seen: Tally, running: Tally) -> str:
        """Why a model is too slow, or "".

        It is where it does not keep up with `least_fps`; without that, where it does not keep up with the camera and
        takes more than `MOST_SLOWER` times as long as the running model.
        """
        asked = self._options.least_fps
        least = asked or self._health.snapshot().frames_per_second
        milliseconds, usual = seen.median_ms, running.median_ms
        if milliseconds is None or milliseconds * least <= 1000:
            return ""
        # On a busy machine every model is slow.
        if asked is None and (usual is None or milliseconds <= MOST_SLOWER * usual):
            return ""
        return f"it takes {milliseconds:.1f} ms a frame, too long for {least:.0f} frames a second"

    def _hand_over(self, fresh: Classifier, sha: str) -> None:
        self._taken.clear()
        with self._lock:
            self._ready = fresh
        self._taken.wait()
        self._sha = sha
        if not self._closed.is_set():
            self._health.set_model(model_facts(self._store.path(sha), fresh))
            self._say(f"model {fresh.model.manifest.name} {sha[:12]} answers now")

    def _refuse(self, sha: str, reason: str) -> None:
        self._refused.add(sha)
        self._say(f"model {sha[:12]} is refused: {reason}; the running one goes on")
        # Else a restart would run it.
        if self._store.current != sha:
            return
        if self._store.previous is not None:
            self._store.rollback(reason)
        else:
            self._store.leave(reason)

    def _watch_trial(self, trial: Trial) -> None:
        with self._lock:
            share, slow = self._tally.unknown_share, self._too_slow(self._tally, self._before)
        before = trial.unknown_before
        reason = slow if share is not None else ""
        if share is not None and before is not None and share > before + MORE_UNKNOWN:
            reason = f"unknown answers rose from {before:.0%} to {share:.0%}"
        if reason:
            self._refused.add(trial.sha256)
            self._say(f"model {trial.sha256[:12]} failed its trial: {reason}; the previous one comes back")
            fail(self._store, reason)
            self._wake.set()
        elif monotonic() >= self._until:
            end_trial(self._store)
            self._trial = None
            self._health.set_trial(False)
            self._say(f"model {trial.sha256[:12]} passed its trial")
