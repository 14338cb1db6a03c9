"""A training's figures for TensorBoard or MLflow, in a thread of its own: they never hold it up, nor end it."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Protocol

from fedge.model.format.schema import to_json
from fedge.options.tracking import Track
from fedge.system.console import echo
from fedge_train.runs.history import Epoch
from fedge_train.runs.run_folder import RunConfig

# How long a training that is done waits for what its trackers have not taken yet.
END_SECONDS = 10.0
FOLDER = "tensorboard"
# MLflow's own patience with a server that does not answer is an hour.
_MLFLOW_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
_NO_FIGURE = ("epoch",)


class Tracker(Protocol):
    """What is told a training's figures; any method may raise any Exception."""

    def figures(self, step: int, values: dict[str, float]) -> None:
        """Takes figures of an epoch, by name."""

    def close(self, finished: bool) -> None:
        """Ends; `finished` says whether the training did."""


class TensorBoard:
    """Event files in the run's folder `tensorboard`, for `tensorboard --logdir runs`."""

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        self._write, self._real = tf.summary.write, lambda value: tf.constant(value, tf.float32)
        # What `tf.summary.scalar` gives them, which needs TensorBoard itself to be installed.
        plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        self._kind = tf.compat.v1.SummaryMetadata(plugin_data=plugin, data_class="DATA_CLASS_SCALAR")
        self._writer = tf.summary.create_file_writer(str(folder / FOLDER))

    def figures(self, step: int, values: dict[str, float]) -> None:
        """Writes a scalar each."""
        with self._writer.as_default(step):
            for name, value in values.items():
                self._write(name, self._real(value), metadata=self._kind)
        self._writer.flush()

    def close(self, finished: bool) -> None:
        """Closes the file."""
        self._writer.close()


class MLflow:
    """A run of the experiment `fedge`, named like the folder, with the configuration as its parameters."""

    def __init__(self, uri: str, folder: Path, config: RunConfig) -> None:
        for name, value in _MLFLOW_PATIENCE.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        self._client = MlflowClient(tracking_uri=uri)
        experiment = self._client.get_experiment_by_name("fedge")
        number = experiment.experiment_id if experiment else self._client.create_experiment("fedge")
        self._run = self._client.create_run(number, run_name=folder.name).info.run_id
        for name, fact in to_json(config).items():
            if isinstance(fact, str | int | float | bool):
                self._client.log_param(self._run, name, fact)

    def figures(self, step: int, values: dict[str, float]) -> None:
        """Sends a metric each."""
        for name, value in values.items():
            self._client.log_metric(self._run, name, value, step=step)

    def close(self, finished: bool) -> None:
        """Ends the run."""
        self._client.set_terminated(self._run, "FINISHED" if finished else "KILLED")


class Tracking:
    """Hands figures to trackers, as a context; one that fails is told once in a line and left out from then on.

    Args:
        tracks: what was asked for.
        folder: the run's.
        config: the run's.
    """

    def __init__(self, tracks: Sequence[Track], folder: Path, config: RunConfig) -> None:
        self._trackers = [Background(_opener(track, folder, config), track.tool) for track in tracks]

    def epoch(self, epoch: Epoch) -> None:
        """Takes an epoch's figures."""
        values = {name: value for name, value in asdict(epoch).items() if name not in _NO_FIGURE}
        self.figures(epoch.epoch, values)

    def figures(self, step: int, values: dict[str, float]) -> None:
        """Takes figures by name."""
        for tracker in self._trackers:
            tracker.figures(step, values)

    def __enter__(self) -> "Tracking":
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        for tracker in self._trackers:
            tracker.close(kind is None)


class Background:
    """A tracker in a thread of its own, which opens it first.

    Args:
        open_tracker: opens it.
        name: for people.
        end_seconds: how long `close` waits for what was not taken yet.
    """

    def __init__(self, open_tracker: Callable[[], Tracker], name: str, end_seconds: float = END_SECONDS) -> None:
        self._open, self._name, self._end_seconds = open_tracker, name, end_seconds
        self._queue: SimpleQueue[tuple[int, dict[str, float]] | bool] = SimpleQueue()
        # A daemon: a server that never answers must not keep the process.
        self._thread = Thread(target=self._work, name=f"track {name}", daemon=True)
        self._thread.start()

    def figures(self, step: int, values: dict[str, float]) -> None:
        """Takes figures; returns at once."""
        self._queue.put((step, values))

    def close(self, finished: bool) -> None:
        """Ends the tracker, or says that it did not end in time."""
        self._queue.put(finished)
        self._thread.join(self._end_seconds)
        if self._thread.is_alive():
            echo(f"{self._name} does not take the figures: not all are tracked")

    def _work(self) -> None:
        try:
            tracker = self._open()
            while not isinstance(item := self._queue.get(), bool):
                tracker.figures(*item)
            tracker.close(item)
        except ImportError:
            echo(f"nothing is tracked: {self._name} is not installed; run `pip install {self._name}`")
        # Whatever it is, it must not end a training.
        except Exception as error:
            lines = str(error).splitlines() or [type(error).__name__]
            echo(f"{self._name} fails ({lines[0][:200]}): nothing more is tracked, the training goes on")


def _opener(track: Track, folder: Path, config: RunConfig) -> Callable[[], Tracker]:
    if track.tool == "tensorboard":
        return lambda: TensorBoard(folder)
    return lambda: MLflow(track.uri, folder, config)
