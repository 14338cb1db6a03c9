import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import Finished, fedge, one_line_error, write_class_folders

from fedge.model import file as model_file
from fedge_train.networks.predict import weights_of
from fedge_train.runs.run_folder import load_float_model, read_config, save_weights
from fedge_train.training.loop import Weights


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `nano` that has learned to tell three classes apart."""
    folder = tmp_path_factory.mktemp("average")
    data = write_class_folders(folder / "data", ["Bag", "Sneaker", "Trouser"], 60)
    run = folder / "run"
    done = fedge("train", "--data", data, "--arch", "nano", "--size", 16, "--gray", "--epochs", 3, "--out", run)
    assert done.code == 0, done.err
    return run


@pytest.fixture
def away(run: Path, tmp_path: Path) -> Callable[[str, float], Path]:
    """Makes a run whose every weight lies so many of one and the same random step from those of `run`."""
    weights = weights_of(load_float_model(run, read_config(run)))

    def make(name: str, steps: float) -> Path:
        generator = np.random.default_rng(0)
        moved = [w + steps * np.std(w) * generator.standard_normal(w.shape).astype(np.float32) for w in weights]
        return written(run, tmp_path / name, moved)

    return make


def written(run: Path, folder: Path, weights: Weights) -> Path:
    shutil.copytree(run, folder)
    model = load_float_model(run, read_config(run))
    model.set_weights(weights)
    save_weights(folder, model)
    return folder


def test_the_mean_of_runs_is_a_run_that_can_be_shipped(
    run: Path, away: Callable[[str, float], Path], tmp_path: Path
) -> None:
    more, less, lost = away("more", 0.5), away("less", -0.5), away("lost", 50.0)
    done = fedge("average", lost, more, less, "--out", tmp_path / "mean", "--json")
    assert done.code == 0, done.err
    report, one = done.json(), json.loads((run / "report.json").read_text())
    assert sorted(report["averaged"]) == [str(less), str(more)]
    assert f"with {lost}" in done.err and "so it is left out" in done.err
    assert report["held_out_accuracy"] == one["held_out_accuracy"] and report["accuracy"] == one["accuracy"]
    assert report["epochs"] == 2 * one["epochs"] and report["seconds"] == pytest.approx(2 * one["seconds"])
    config = read_config(tmp_path / "mean")
    assert config.averaged == tuple(report["averaged"])
    mean, middle = (weights_of(load_float_model(folder, config)) for folder in (tmp_path / "mean", run))
    for ours, theirs in zip(mean, middle, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    quantized = fedge("quantize", tmp_path / "mean", "--method", "ptq", "--max-drop", 50, "--json")
    assert quantized.code == 0, quantized.err
    facts = model_file.read(Path(quantized.json()["model"])).manifest.training
    assert sorted(facts.averaged) == ["less", "more"] and facts.epochs == report["epochs"]
    assert facts.seconds == report["seconds"] and facts.start is None
    assert "the mean of " in fedge("info", quantized.json()["model"]).out


def refused(done: Finished, says: str, out: Path) -> None:
    assert done.code == 1 and says in one_line_error(done)
    assert not out.exists()


def test_a_mean_that_is_no_better_is_refused(run: Path, away: Callable[[str, float], Path], tmp_path: Path) -> None:
    # A run and one beyond reach: their mean is lost too.
    done = fedge("average", run, away("lost", 50.0), "--out", tmp_path / "mean")
    assert done.code == 1 and not (tmp_path / "mean").exists()
    # Lines above it say how good each run is.
    assert done.err.splitlines()[-1].startswith(
        f"fedge: no mean with another run is better on the held-out pictures than {run} alone; take that run"
    )


@pytest.mark.parametrize(
    ("change", "differ_in"),
    [
        ({"architecture": "small"}, "architecture"),
        ({"labels": ["a", "b", "c"]}, "labels"),
        ({"data": ["elsewhere"], "data_sha256": "0" * 64}, "data and data_sha256"),
        ({"test_share": 0.3}, "test_share"),
        ({"recipe": {"fit": "crop"}}, "recipe"),
        ({"plan": {"outliers": 0.1}}, "open_set"),
        ({"plan": {"camera": True}}, "camera"),
    ],
)
def test_runs_that_are_not_alike_are_refused(run: Path, change: dict[str, Any], differ_in: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other)
    config = json.loads((other / "config.json").read_text())
    for name, value in change.items():
        config[name] = config[name] | value if isinstance(value, dict) else value
    (other / "config.json").write_text(json.dumps(config))
    done = fedge("average", run, other, "--out", tmp_path / "mean")
    refused(done, f"{run} and {other} differ in {differ_in};", tmp_path / "mean")


def test_one_run_an_unfinished_one_and_a_full_folder_are_refused(run: Path, tmp_path: Path) -> None:
    mean = tmp_path / "mean"
    refused(fedge("average", run, "--out", mean), "two different runs or more", mean)
    refused(fedge("average", run, run, "--out", mean), "two different runs or more", mean)
    unfinished = tmp_path / "unfinished"
    shutil.copytree(run, unfinished)
    (unfinished / "report.json").unlink()
    refused(fedge("average", run, unfinished, "--out", mean), f"{unfinished} has no report.json", mean)
    refused(fedge("average", run, tmp_path / "nowhere", "--out", mean), "there is no run folder", mean)
    mean.mkdir()
    (mean / "mine.txt").write_text("mine")
    done = fedge("average", run, unfinished, "--out", mean)
    assert done.code == 1 and f"{mean} is not an empty folder" in one_line_error(done)
    assert [path.name for path in mean.iterdir()] == ["mine.txt"]
