import errno
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tf_keras as keras
from support import fedge, one_line_error, write_class_folders
from waiting import TRAINING_SECONDS, eventually

from fedge.data.dataset import Dataset
from fedge.data.label_map import LabelMap
from fedge.data.load import load_dataset
from fedge.errors import RunError
from fedge.images.preprocess import Recipe
from fedge_train.augmentation.batch import augment
from fedge_train.networks.architectures import build
from fedge_train.networks.plans import PLANS, Plan, plan_for
from fedge_train.runs.run_folder import (
    latest_unfinished,
    load_float_model,
    read_config,
    require_empty,
    save_weights,
)
from fedge_train.training.batches import BatchLoader
from fedge_train.training.checkpoints import BestEpoch, Facts, load_latest, save
from fedge_train.training.loop import Callbacks, Weights, fit
from fedge_train.training.precision import training_dtype

CLASSES = ["Bag", "Sneaker", "Trouser"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("data"), CLASSES, 120)


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Dataset:
    return load_dataset((str(folder),), Recipe(28, 28, polarity="dark-background"), LabelMap())


def small_fit(architecture: str, dataset: Dataset, saved: Path, epochs: int = 4, seed: int = 3) -> Weights:
    keras.utils.set_random_seed(seed)
    model = build(architecture, dataset.recipe.shape, len(dataset.labels))
    plan = replace(PLANS[architecture], epochs=epochs, batch=32)
    loader = BatchLoader(dataset.train, plan, (1.0,))
    best, history = fit(model, loader, dataset.held_out, seed, saved, Callbacks())
    assert len(history) == epochs
    return [*best.weights, *model.get_weights()]


def equal(a: Weights, b: Weights) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# leaky has dropout and Adam; nano has batch normalization, momentum, averaged weights and changed pictures, and in its
# second and third epoch it leaves out what was easy in the one before.
@pytest.mark.parametrize("architecture", ["leaky", "nano"])
def test_going_on_ends_with_the_same_weights(architecture: str, dataset: Dataset, tmp_path: Path) -> None:
    whole = small_fit(architecture, dataset, tmp_path / "whole")
    assert equal(whole, small_fit(architecture, dataset, tmp_path / "again"))
    assert not equal(whole, small_fit(architecture, dataset, tmp_path / "other", seed=4))
    saved = sorted((tmp_path / "whole").iterdir())
    assert [path.name[:10] for path in saved] == ["epoch-0002", "epoch-0003", "epoch-0004"]
    for path in saved[1:]:
        path.unlink()
    assert equal(whole, small_fit(architecture, dataset, tmp_path / "whole"))


def test_patience_ends_a_training_after_so_many_epochs_without_a_better_one(dataset: Dataset, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model = build("nano", dataset.recipe.shape, len(dataset.labels))
    # At such a rate nothing is learned, so that no epoch is better than the first.
    plan = replace(PLANS["nano"], epochs=9, batch=32, learning_rate=1e-30, ema=0.0, patience=2)
    held_out = dataset.held_out
    still = replace(held_out, images=np.zeros_like(held_out.images))

    def epochs(plan: Plan) -> tuple[int, int]:
        folder = tmp_path / str(plan.patience)
        best, history = fit(model, BatchLoader(dataset.train, plan, (1.0,)), still, 0, folder, Callbacks())
        return best.figures.epoch, len(history)

    best, trained = epochs(plan)
    assert trained == best + 2 < 9
    # Going on from the last checkpoint trains no more of them.
    assert epochs(plan) == (best, trained)
    assert epochs(replace(plan, patience=0))[1] == 9


def test_few_pictures_end_early_unless_epochs_are_asked_for() -> None:
    few = plan_for("small", 150)
    assert few.epochs == 150 and few.patience == 50
    assert plan_for("small", 60_000) == PLANS["small"] and PLANS["small"].patience == 0


def test_a_damaged_checkpoint_is_passed_over(dataset: Dataset, tmp_path: Path) -> None:
    whole = small_fit("nano", dataset, tmp_path)
    newest, second = sorted(tmp_path.iterdir(), reverse=True)[:2]
    newest.write_bytes(newest.read_bytes()[:5000])
    flipped = bytearray(second.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    second.write_bytes(flipped)
    found = load_latest(tmp_path)
    assert found is not None and len(found[1].history) == 2
    assert equal(whole, small_fit("nano", dataset, tmp_path))


def weights(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with h5py.File(run / "weights.weights.h5") as file:
        file.visititems(
            lambda name, item: found.__setitem__(name, item[()]) if isinstance(item, h5py.Dataset) else None
        )
    return found


def test_a_killed_training_resumes_to_the_same_weights(folder: Path, tmp_path: Path) -> None:
    arguments = ["train", "--data", str(folder), "--size", "28", "--gray", "--arch", "leaky", "--epochs", "8"]
    arguments += ["--batch", "16"]
    whole = fedge(*arguments, "--out", tmp_path / "whole", "--json")
    assert whole.code == 0, whole.err
    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-m", "fedge", *arguments, "--out", str(killed)], stderr=subprocess.DEVNULL
    )
    # In the writing of the third epoch's checkpoint, or just after it.
    eventually(lambda: process.poll() is not None or list(killed.glob("checkpoints/*epoch-0003-*")), TRAINING_SECONDS)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (killed / "report.json").exists()
    resumed = fedge("train", "--resume", "--out", killed, "--json")
    assert resumed.code == 0, resumed.err
    a, b = weights(tmp_path / "whole"), weights(killed)
    assert a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)
    assert len(json.loads((killed / "history.json").read_text())) == 8
    assert resumed.json()["confusion"] == whole.json()["confusion"]
    again = fedge("train", "--resume", "--out", killed)
    assert again.code == 1 and "has already ended" in one_line_error(again)


@pytest.mark.parametrize(
    ("flags", "dtype"), [("fma amx_bf16 amx_tile", "mixed_bfloat16"), ("fma avx512_bf16", "float32"), ("", "float32")]
)
def test_bfloat16_is_for_processors_that_are_faster_with_it(flags: str, dtype: str, tmp_path: Path) -> None:
    described = tmp_path / "cpuinfo"
    described.write_text(f"processor : 0\nflags : {flags}\n")
    assert training_dtype(described) == dtype


def test_bfloat16_trains_a_float32_network(folder: Path, tmp_path: Path) -> None:
    arguments = ("--data", folder, "--size", 16, "--gray", "--arch", "nano", "--epochs", 1, "--out", tmp_path / "run")
    done = fedge("train", *arguments, "--dtype", "mixed_bfloat16", "--json")
    assert done.code == 0 and done.json()["dtype"] == "mixed_bfloat16", done.err
    assert {array.dtype for array in weights(tmp_path / "run").values()} == {np.dtype(np.float32)}


def test_a_run_with_a_map_resumes_after_ctrl_c(folder: Path, tmp_path: Path) -> None:
    run, label_map = tmp_path / "run", tmp_path / "map.json"
    label_map.write_text('{"Bag": "Other", "Sneaker": "Other"}')
    arguments = ("--data", folder, "--map", label_map, "--size", "16", "--gray", "--arch", "nano", "--epochs", "3")
    command = [sys.executable, "-m", "fedge", "train", *map(str, arguments), "--batch", "8", "--out", str(run)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    eventually(lambda: process.poll() is not None or list(run.glob("checkpoints/epoch-0001-*")), TRAINING_SECONDS)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == 130 and f"go on with `fedge train --resume --out {run}`" in error
    done = fedge("train", "--resume", "--out", run, "--json")
    assert done.code == 0 and set(done.json()["per_class"]) == {"Other", "Trouser"}, done.err


def test_a_run_folder_holds_what_the_design_names(trained: Path) -> None:
    names = {path.name for path in trained.iterdir()}
    assert {"config.json", "weights.weights.h5", "history.json", "report.json"} <= names
    for plot in ("curves.png", "confusion.png", "samples.png"):
        assert (trained / plot).read_bytes().startswith(b"\x89PNG")
    report = json.loads((trained / "report.json").read_text())
    assert report["n"] == 10_000 and sum(map(sum, report["confusion"])) == 10_000
    assert report["classification_report"]["Ankle boot"]["support"] == 1_000
    assert "Ankle boot" in report["classification_report_text"]
    # Two epochs of the manual's network are far past chance (10%) and short of its end (91.5%).
    assert 0.8 < report["accuracy"] < 0.915


def test_the_weights_file_carries_no_code(trained: Path) -> None:
    with h5py.File(trained / "weights.weights.h5") as file:
        assert "model_config" not in file.attrs
    assert not list(trained.rglob("*.pkl")) and not list(trained.rglob("*.keras"))


def test_resume_refuses_other_settings_and_changed_data(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ("--data", folder, "--size", 16, "--gray", "--arch", "nano", "--epochs", 1)
    assert fedge("train", *arguments, "--out", run).code == 0
    (run / "report.json").unlink()
    refused = fedge("train", "--resume", "--out", run, "--epochs", 3, "--size", 32)
    assert refused.code == 1 and "other settings (recipe, plan.epochs)" in one_line_error(refused)
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"data_sha256": "0" * 64}))
    changed = fedge("train", "--resume", "--out", run)
    assert changed.code == 1 and "has changed since" in one_line_error(changed)


@pytest.mark.parametrize("option", ["--from", "--teacher"])
def test_resume_refuses_where_what_it_learned_from_has_changed(option: str, folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    arguments = ("--data", folder, "--size", 16, "--gray", "--arch", "nano", "--epochs", 1)
    assert fedge("train", *arguments, "--out", first).code == 0
    assert fedge("train", *arguments, option, first, "--out", second).code == 0
    (second / "report.json").unlink()
    # The run itself may move on to another report; only its weights count.
    (first / "report.json").unlink()
    assert fedge("train", "--resume", "--out", second).code == 0
    (second / "report.json").rename(tmp_path / "report.json")
    model = load_float_model(first, read_config(first))
    model.set_weights([weight + 1 for weight in model.get_weights()])
    save_weights(first, model)
    refused = fedge("train", "--resume", "--out", second)
    changed = f"fedge: {first} has changed since {second} was started from it; "
    assert refused.code == 1 and one_line_error(refused).startswith(changed)
    # Training on in int8 needs the teachers, but no longer what the run started from.
    (second / "report.json").write_text((tmp_path / "report.json").read_text())
    quantized = fedge("quantize", second, "--method", "qat", "--qat-epochs", 1, "--max-drop", 100)
    if option == "--teacher":
        assert quantized.code == 1 and quantized.err.splitlines()[-1].startswith(changed)
    else:
        assert quantized.code == 0, quantized.err
    shutil.rmtree(first)
    (second / "report.json").unlink()
    gone = fedge("train", "--resume", "--out", second)
    assert gone.code == 1 and f"{first}, from which {second} learns, cannot be read any more" in one_line_error(gone)


def test_weights_that_could_not_be_written_leave_nothing_behind(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_float_model(trained, read_config(trained))

    def full(path: str) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(model, "save_weights", full)
    with pytest.raises(OSError, match="No space left"):
        save_weights(tmp_path, model)
    assert not list(tmp_path.iterdir())


def test_a_training_that_was_killed_at_its_first_file_can_be_begun_again(tmp_path: Path) -> None:
    (tmp_path / ".config.json.abcd1234.json").touch()
    require_empty(tmp_path, "choose another")
    (tmp_path / "config.json").touch()
    with pytest.raises(RunError, match="is not an empty folder"):
        require_empty(tmp_path, "choose another")


def test_training_into_a_full_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_text("mine")
    done = fedge("train", "--data", folder, "--arch", "nano", "--epochs", 1, "--out", tmp_path)
    assert done.code == 1 and "is not an empty folder" in one_line_error(done)
    assert [path.name for path in tmp_path.iterdir()] == ["keep.txt"]
    done = fedge("train", "--data", folder, "--out", tmp_path / "keep.txt")
    assert done.code == 1 and "is not an empty folder" in one_line_error(done)
    assert (tmp_path / "keep.txt").read_text() == "mine"


def test_the_newest_checkpoints_are_those_of_the_highest_epochs(tmp_path: Path) -> None:
    for epoch in range(9_997, 10_003):
        save(tmp_path, epoch, {"weight": np.array([epoch])}, Facts((), BestEpoch(0, 0.0, 0.0)))
    assert {path.name.split("-")[1] for path in tmp_path.iterdir()} == {"10000", "10001", "10002"}
    found = load_latest(tmp_path)
    assert found is not None and found[0]["weight"] == 10_002


def test_a_smaller_batch_is_learned_at_a_lower_rate() -> None:
    plan = plan_for("base", 55_000)
    assert (plan.batch, plan.skip) == (128, 0.4)
    few = plan_for("base", 500)
    assert (few.batch, few.skip) == (16, 0.0) and few.learning_rate == pytest.approx(plan.learning_rate * 8**-0.5)
    assert plan_for("base", 500, batch=128).learning_rate == plan.learning_rate
    assert plan_for("base", 55_000, batch=32).learning_rate == pytest.approx(plan.learning_rate / 2)
    assert plan_for("base", 55_000, batch=32).skip == 0.4


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch": 0},
        {"learning_rate": 0.0},
        {"learning_rate": math.inf},
        {"taught": 0.9},
        {"shift": 0.6},
        {"variants": 101},
        {"outliers": 0.6},
        {"skip": 0.6},
        {"batch": 1, "outliers": 0.1},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(Plan(epochs=1, label_smoothing=0.2), **wrong)


def test_the_run_to_go_on_with_is_the_one_trained_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="no unfinished run"):
        latest_unfinished()
    for number, name in enumerate(("first", "second", "done")):
        (tmp_path / "runs" / name / "checkpoints").mkdir(parents=True)
        config = tmp_path / "runs" / name / "config.json"
        config.touch()
        for path in (config, config.parent / "checkpoints"):
            os.utime(path, (number, number))
    (tmp_path / "runs" / "done" / "report.json").touch()
    assert latest_unfinished().name == "second"
    os.utime(tmp_path / "runs" / "first" / "checkpoints", (9, 9))
    assert latest_unfinished().name == "first"


def test_a_run_folder_that_is_damaged_is_refused(trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for content, message in (("{", "is not JSON"), ("{}", "architecture")):
        (run / "config.json").write_text(content)
        with pytest.raises(RunError, match=message):
            read_config(run)
    config = read_config(trained)
    with pytest.raises(RunError, match="has no weights"):
        load_float_model(run, config)
    (run / "weights.weights.h5").write_bytes((trained / "weights.weights.h5").read_bytes())
    load_float_model(run, config)
    with pytest.raises(RunError, match="does not fit leaky"):
        load_float_model(run, replace(config, architecture="leaky"))
    (run / "weights.weights.h5").write_bytes(b"no weights")
    with pytest.raises(RunError, match="does not fit classic"):
        load_float_model(run, config)


def test_the_changes_to_pictures_are_what_they_say() -> None:
    generator = np.random.default_rng(0)
    images = np.random.default_rng(1).integers(1, 256, (64, 28, 28, 1), dtype=np.uint8)
    untouched = augment(images, Plan(epochs=1), generator)
    assert np.array_equal(untouched, images)
    flipped = augment(images, Plan(epochs=1, flip=True), generator)
    mirrored = [np.array_equal(f, i[:, ::-1]) for f, i in zip(flipped, images, strict=True)]
    kept = [np.array_equal(f, i) for f, i in zip(flipped, images, strict=True)]
    # 64 tosses of a coin: fewer than 12 or more than 52 heads happen once in a million.
    assert all(m or k for m, k in zip(mirrored, kept, strict=True)) and 12 <= sum(mirrored) <= 52
    shifted = augment(images, Plan(epochs=1, shift=1 / 7), generator)
    # A shift by at most 4 of 28 leaves at least (24/28)^2 of a picture, and what comes in is black.
    assert all((s > 0).mean() >= (24 / 28) ** 2 for s in shifted)
    assert not np.array_equal(shifted, images)
    erased = augment(images, Plan(epochs=1, erase=True), generator)
    changed = (erased != images).mean(axis=(1, 2, 3))
    # Patches cover up to 0.4 of the area, rounded up to whole pixels of 28: 0.45 at the most.
    assert 0 < changed.max() <= 0.45 and 10 <= (changed > 0).sum() <= 54


def test_training_never_draws_from_held_out_or_test(folder: Path, tmp_path: Path) -> None:
    # With other pictures to hold out and to test, the weights after the only epoch must come out the same.
    for name, start in (("a", 500), ("b", 600)):
        data = tmp_path / name
        shutil.copytree(folder, data / "train")
        write_class_folders(data / "validation", CLASSES, 20, start=start)
        write_class_folders(data / "test", CLASSES, 20, start=start + 50)
        arguments = ("--data", data, "--size", 16, "--gray", "--arch", "nano", "--epochs", 1, "--variants", 1)
        done = fedge("train", *arguments, "--outliers", 0.1, "--out", tmp_path / f"run-{name}", "--json")
        assert done.code == 0 and done.json()["n"] == 60, done.err
    a, b = weights(tmp_path / "run-a"), weights(tmp_path / "run-b")
    assert all(np.array_equal(a[k], b[k]) for k in a)
    # They were other pictures.
    losses = [json.loads((tmp_path / f"run-{name}" / "history.json").read_text())[0]["held_out_loss"] for name in "ab"]
    assert losses[0] != losses[1]
