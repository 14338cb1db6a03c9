"""The progress bar of a training."""

from typing import Any

from fedge.system.progress import Progress
from fedge_train.runs.history import Epoch
from fedge_train.training.batches import BatchLoader
from fedge_train.training.loop import Callbacks


class TrainingBar:
    """The training's progress bar: counts steps over all epochs, so that the time left is the whole training's."""

    def __init__(self, loader: BatchLoader) -> None:
        self._loader = loader
        self._epochs = loader.plan.epochs
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
        self._held_out = f" (held out {epoch.held_out_accuracy:.4f})"
        self._progress.line(
            f"epoch {epoch.epoch}/{self._epochs}: loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.4f}, "
            f"held out {epoch.held_out_accuracy:.4f}, {epoch.seconds:.0f} s"
        )
