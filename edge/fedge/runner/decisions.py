"""From answers that flicker to a decision that holds: smoothing over a window, and hysteresis."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from fedge.model.confidence import Floats
from fedge.model.format.schema import from_json, to_json
from fedge.options import ENTER, LEAVE, WINDOW_SECONDS
from fedge.system.json_types import JsonObject

# The window holds at least this many frames, also with a slow camera, so that one bad frame decides nothing.
LEAST_FRAMES = 3
# What was seen before a longer break is no evidence of what is there now.
FORGET_SECONDS = 10.0


@dataclass(frozen=True)
class Decision:
    """What has been in front of the camera for a while.

    Attributes:
        label: the class, or None while nothing is certain enough.
        score: the mean probability over the window, 0..1: of `label`, or of the likeliest class where that is None.
        changed: whether `label` differs from that of the frame before.
        since: when `label` became what it is, in UTC.
    """

    label: str | None
    score: float
    changed: bool
    since: datetime


@dataclass(frozen=True)
class DeciderState:
    """All that a decider's next decision depends on.

    Attributes:
        decided: the index of the class that is decided on, or None.
        since: since when, ISO 8601 in UTC; None before the first frame.
        history: of each frame in the window its moment in seconds, and the probability of each class.
    """

    decided: int | None
    since: str | None
    history: tuple[tuple[float, ...], ...]


class Decider:
    """Averages probabilities over a window of time; a class must rise above `enter` to be decided on.

    A decided class stays until another one rises above `enter`, or it falls below `leave` itself.

    Args:
        labels: the class names, in output order.
        window_seconds: how long the window is; 0 decides each frame by itself.
        enter, leave: mean probabilities, 0 < leave <= enter <= 1.
    """

    def __init__(
        self,
        labels: Sequence[str],
        window_seconds: float = WINDOW_SECONDS,
        enter: float = ENTER,
        leave: float = LEAVE,
    ) -> None:
        if window_seconds < 0 or not 0 < leave <= enter <= 1:
            raise ValueError("needs window_seconds >= 0 and 0 < leave <= enter <= 1")
        self._labels, self._window, self._enter, self._leave = tuple(labels), window_seconds, enter, leave
        self._history: deque[tuple[float, Floats]] = deque()
        self._sum: Floats = np.zeros(len(self._labels))
        self._decided: int | None = None
        self._since: datetime | None = None

    def update(self, probabilities: Sequence[float] | Floats, moment: float, time: datetime) -> Decision:
        """The decision after one more frame.

        Args:
            probabilities: of each class, summing to 1, or to less where "none of these" is one more class.
            moment: when the frame was taken, in seconds on the source's monotonic clock.
            time: the same in UTC, for `since`.
        """
        before = self._decided
        self._remember(np.asarray(probabilities, dtype=np.float64), moment)
        mean = self._sum / len(self._history)
        self._decided = self._decide(mean)
        changed = self._decided != before
        if changed or self._since is None:
            self._since = time
        if self._decided is None:
            return Decision(None, float(mean.max()), changed, self._since)
        return Decision(self._labels[self._decided], float(mean[self._decided]), changed, self._since)

    def options(self) -> dict[str, float]:
        """The arguments, besides the labels, that make another decider like this one."""
        return {"window_seconds": self._window, "enter": self._enter, "leave": self._leave}

    def state(self) -> JsonObject:
        """All that the next decision depends on, as JSON; see `DeciderState`."""
        history = tuple((moment, *probabilities.tolist()) for moment, probabilities in self._history)
        return to_json(DeciderState(self._decided, self._since.isoformat() if self._since else None, history))

    def restore(self, state: JsonObject) -> None:
        """Goes on from a `state`; raises ValueError where it is damaged or does not fit these labels."""
        known = from_json(DeciderState, state)
        history = [(moment, np.array(rest, dtype=np.float64)) for moment, *rest in known.history]
        if any(probabilities.shape != self._sum.shape for _, probabilities in history):
            raise ValueError("a state of another number of classes")
        if known.decided is not None and not 0 <= known.decided < len(self._labels):
            raise ValueError("a state that has decided on no known class")
        self._since = datetime.fromisoformat(known.since) if known.since else None
        self._history, self._decided = deque(history), known.decided
        self._sum = sum((probabilities for _, probabilities in history), np.zeros(len(self._labels)))

    def _remember(self, probabilities: Floats, moment: float) -> None:
        if self._history and not 0 <= moment - self._history[-1][0] <= max(FORGET_SECONDS, self._window):
            self._history.clear()
            self._sum = np.zeros(len(self._labels))
            self._decided = None
        self._history.append((moment, probabilities))
        self._sum = self._sum + probabilities
        while len(self._history) > self._least and self._history[0][0] < moment - self._window:
            self._sum = self._sum - self._history.popleft()[1]

    @property
    def _least(self) -> int:
        return LEAST_FRAMES if self._window else 1

    def _decide(self, mean: Floats) -> int | None:
        span = self._history[-1][0] - self._history[0][0]
        if len(self._history) < self._least or span < self._window / 2:
            return self._decided
        best = int(mean.argmax())
        if mean[best] >= self._enter:
            return best
        return self._decided if self._decided is not None and mean[self._decided] >= self._leave else None
