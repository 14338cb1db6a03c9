"""The progress bar of a training."""

from time import perf_counter
from typing import Any

import tensorflow as tf
from tf_keras import Model

from fedge.data.dataset import Split
from fedge.system.progress import Progress
from fedge_train.networks.predict import to_input
from fedge_train.runs.history import Epoch
from fedge_train.training.batches import BatchLoader
from fedge_train.training.loop import Callbacks

# Of an answer's time.
LEARNING_COSTS = 3
_TIMED = 3


class TrainingBar:
    """The training's progress bar: counts steps over all epochs, so that the time left is the whole training's."""

    def __init__(self, loader: BatchLoader) -> None:
        self._loader = loader
        self._epochs = loader.plan.last_epoch
        self._progress = Progress("training", loader.steps_until(self._epochs))
        self._before: dict[int, int] = {}
        self._held_out = ""

    def __enter__(self) -> "TrainingBar":
        self._progress.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._progress.__exit__(*error)

    def callbacks(self) -> Callbacks:
        """The callbacks that move this bar."""
        return Callbacks(self._step, self._end)

    def _step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        if epoch not in self._before:
            self._before = {epoch: self._loader.steps_until(epoch - 1)}
        done = self._before[epoch] + step + 1
        note = f"epoch {epoch}/{self._epochs} loss {loss:.4f} accuracy {accuracy:.4f}{self._held_out}"
        self._progress.reach(done, note)

    def _end(self, epoch: Epoch) -> None:
        # A last fit has learned the held-out pictures.
        held_out = "" if self._loader.plan.stop else f"held out {epoch.held_out_accuracy:.4f}"
        self._held_out = f" ({held_out})" if held_out else ""
        self._progress.line(
            f"epoch {epoch.epoch}/{self._epochs}: loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.4f}, "
            f"{held_out + ', ' if held_out else ''}{epoch.seconds:.0f} s"
        )


def expected_seconds(model: Model, loader: BatchLoader, held_out: Split) -> float:
    """About how long a training will take, in seconds: from the time of a few answers in the model's own precision.

    A step that learns computes about three times as much as an answer: what is passed forward, and backward once for
    the pictures and once for the weights.
    """
    images = held_out.images[: min(len(held_out), loader.batch)]
    answer = tf.function(lambda batch: model(to_input(batch), training=False))
    answer(images)
    started = perf_counter()
    for _ in range(_TIMED):
        answer(images)
    each = (perf_counter() - started) / _TIMED / len(images)
    epochs = loader.plan.last_epoch
    learned = loader.steps_until(epochs) * loader.batch
    return each * (LEARNING_COSTS * learned + len(held_out) * epochs)


def duration(seconds: float) -> str:
    """A duration for people, rounded: `40 seconds`, `12 minutes`, `3.5 hours`."""
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
