"""Trackers: real event files, MLflow's calls, and that nothing of them ends a training."""

import json
import sys
from pathlib import Path
from threading import Event
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf
from support import fedge, one_line_error, write_class_folders

from fedge.errors import ConfigError
from fedge.options.tracking import Track, parse_track
from fedge_train.runs import tracking
from fedge_train.runs.history import Epoch
from fedge_train.runs.run_folder import read_config
from fedge_train.runs.tracking import Background, Tracking

FIGURES = ("loss", "accuracy", "held_out_loss", "held_out_accuracy", "seconds")
EPOCHS = [Epoch(n, 1 / n, 0.5, 2 / n, 0.6, 0.1) for n in (1, 2, 3)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs that TensorBoard followed, beside a tracker whose server is not there."""
    data = write_class_folders(tmp_path_factory.mktemp("data"), ["Bag", "Sneaker"], 30)
    folder = data.parent / f"{data.name}-run"
    arguments = ("--data", data, "--arch", "classic", "--epochs", 2, "--size", 28, "--gray", "--out", folder, "--json")
    done = fedge("train", *arguments, "--track", "tensorboard", "--track", "mlflow:http://127.0.0.1:9")
    assert done.code == 0, done.err
    assert done.err.count("mlflow") >= 1
    return folder


def scalars(folder: Path) -> list[tuple[int, str, float]]:
    """What the event files in a folder hold: step, name and value."""
    return [
        (event.step, value.tag, float(tf.make_ndarray(value.tensor)))
        for path in sorted(folder.glob("events.out.tfevents.*"))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]


def test_tensorboard_reads_each_epochs_figures(run: Path) -> None:
    found = scalars(run / "tensorboard")
    history = json.loads((run / "history.json").read_text())
    expected = [(e["epoch"], name, e[name]) for e in history for name in FIGURES]
    assert [(step, name) for step, name, _ in found[:-1]] == [(step, name) for step, name, _ in expected]
    assert [value for _, _, value in found[:-1]] == pytest.approx([value for _, _, value in expected], rel=1e-6)
    assert found[-1][:2] == (2, "best_held_out_accuracy")


def test_nothing_is_tracked_by_default(run: Path) -> None:
    with Tracking((), run, read_config(run)) as nothing:
        nothing.epoch(EPOCHS[0])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tensorbord", "tensorbord names no tracker"),
        ("mlflow", "names no tracker"),
        ("mlflow:", "names no tracker"),
        ("tensorboard:x", "names no tracker"),
        ("mlflow:http://me:secret@server", "has a password"),
    ],
)
def test_what_is_no_tracker_is_refused(text: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=why) as refused:
        parse_track(text)
    assert "secret" not in str(refused.value)


def test_the_command_refuses_before_it_trains(tmp_path: Path) -> None:
    refused = fedge("train", "--out", tmp_path / "run", "--track", "wandb")
    assert refused.code != 0 and "give tensorboard or mlflow:URI" in one_line_error(refused)
    assert not (tmp_path / "run").exists()


class Client:
    """MLflow's client, as far as it is used; keeps what it is told."""

    def __init__(self, tracking_uri: str) -> None:
        self.told: list[tuple[Any, ...]] = [("uri", tracking_uri)]
        CLIENTS.append(self)

    def get_experiment_by_name(self, name: str) -> None:
        return None

    def create_experiment(self, name: str) -> str:
        return f"{name}-number"

    def create_run(self, experiment: str, run_name: str) -> Any:
        self.told.append(("run", experiment, run_name))
        return SimpleNamespace(info=SimpleNamespace(run_id="r"))

    def log_param(self, run: str, name: str, value: Any) -> None:
        self.told.append(("param", name, value))

    def log_metric(self, run: str, name: str, value: float, step: int) -> None:
        self.told.append(("metric", name, value, step))

    def set_terminated(self, run: str, status: str) -> None:
        self.told.append(("ended", status))


CLIENTS: list[Client] = []


def test_mlflow_gets_a_run_with_parameters_metrics_and_an_end(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("mlflow")
    module.MlflowClient = Client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", module)
    for name in tracking._MLFLOW_PATIENCE:
        monkeypatch.setenv(name, "1")
    CLIENTS.clear()
    with Tracking([parse_track("mlflow:http://server:5000")], run, read_config(run)) as followed:
        for epoch in EPOCHS:
            followed.epoch(epoch)
    (client,) = CLIENTS
    assert client.told[:2] == [("uri", "http://server:5000"), ("run", "fedge-number", run.name)]
    assert ("param", "architecture", "classic") in client.told and ("metric", "loss", 0.5, 2) in client.told
    assert len([each for each in client.told if each[0] == "metric"]) == 3 * len(FIGURES)
    assert client.told[-1] == ("ended", "FINISHED")
    with pytest.raises(KeyboardInterrupt), Tracking([Track("mlflow", "x")], run, read_config(run)):
        raise KeyboardInterrupt
    assert CLIENTS[-1].told[-1] == ("ended", "KILLED")


def test_the_real_mlflow_keeps_them(run: Path, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    uri = f"sqlite:///{tmp_path}/runs.db"
    with Tracking([Track("mlflow", uri)], run, read_config(run)) as followed:
        followed.epoch(EPOCHS[0])
    client = mlflow.MlflowClient(uri)
    (kept,) = client.search_runs([client.get_experiment_by_name("fedge").experiment_id])
    assert kept.data.metrics["loss"] == 1.0 and kept.info.status == "FINISHED"


class Broken:
    """Takes nothing."""

    def figures(self, step: int, values: dict[str, float]) -> None:
        raise OSError("the disk is full")

    def close(self, finished: bool) -> None:
        raise AssertionError("it had failed")


def test_a_tracker_that_fails_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    tracker = Background(Broken, "broken")
    for epoch in EPOCHS:
        tracker.figures(epoch.epoch, {"loss": epoch.loss})
    tracker.close(True)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "fedge: broken fails (the disk is full): nothing more is tracked, the training goes on"


def test_one_that_is_not_installed_says_how_to(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with Tracking([Track("mlflow", "x")], run, read_config(run)) as followed:
        followed.epoch(EPOCHS[0])
    assert "run `pip install mlflow`" in capsys.readouterr().err


def test_one_that_never_answers_holds_nothing_up(capsys: pytest.CaptureFixture[str]) -> None:
    may_go = Event()

    def never() -> Broken:
        may_go.wait(30)
        raise OSError("too late")

    tracker = Background(never, "slow", end_seconds=0.01)
    tracker.figures(1, {"loss": 1.0})
    tracker.close(True)
    assert "slow does not take the figures" in capsys.readouterr().err
    may_go.set()
    tracker._thread.join()
