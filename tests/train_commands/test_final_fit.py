"""`--final-fit`: all training pictures, epochs and confidence from the run that held some out."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support import write_class_folders

from fedge.cli.main import run as command
from fedge.evaluation.fit_confidence import fit_confidence
from fedge.model import file as model_file
from fedge_train.networks.predict import predictor
from fedge_train.runs.out_of_fold import OUT_OF_FOLD
from fedge_train.runs.run_folder import load_float_model, load_run_data, read_config, weights_path

CLASSES = ["Bag", "Sneaker", "Trouser"]
QUICK = ("--arch", "nano", "--size", "16", "--gray", "--epochs", "4", "--patience", "2", "--seed", "1", "--no-test")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that held out a tenth of three classes."""
    folder = tmp_path_factory.mktemp("final_fit")
    data = write_class_folders(folder / "data", CLASSES, 60)
    assert command(["train", "--data", str(data), *QUICK, "--out", str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def final(run: Path) -> Path:
    folder = run.parent / "final"
    assert command(["train", "--final-fit", str(run), "--out", str(folder)]) == 0
    return folder


def report(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "report.json").read_text())
    return found


def test_all_pictures_are_learned_for_the_runs_best_epochs(run: Path, final: Path) -> None:
    before, after = report(run), report(final)
    assert before["pictures"] == {"train": 130, "held_out": 14, "test": 0}
    assert after["pictures"] == {"train": 144, "held_out": 0, "test": 0}
    assert after["final_fit"] == str(run) and "final_fit" not in before
    assert after["epochs"] == after["best_epoch"] == before["best_epoch"]
    # Its figures are those of the run that had not learned these pictures.
    assert after["held_out_accuracy"] == after["accuracy"] == before["held_out_accuracy"]
    old, new = read_config(run), read_config(final)
    assert new.final_fit == str(run) and (new.seed, new.plan.epochs) == (old.seed, old.plan.epochs)
    assert new.plan.stop == before["best_epoch"] and new.plan.patience == 0
    learned = load_run_data(final, new, with_test=False).train
    whole = load_run_data(run, old, with_test=False)
    assert set(learned.digests) == {*whole.train.digests, *whole.held_out.digests}


def test_the_next_command_is_one_that_works(run: Path, final: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["train", "--final-fit", str(run), "--out", str(final.with_name("told"))]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-3].startswith(f"held-out accuracy of {run} ")
    assert told[-1] == f"next: fedge quantize {final.with_name('told')}"


def test_confidence_is_of_the_run_that_had_not_learned_the_pictures(run: Path, final: Path, tmp_path: Path) -> None:
    out = tmp_path / "final.tflite"
    quantize = ["quantize", str(final), "--method", "ptq", "--max-drop", "60", "--out", str(out)]
    assert command(quantize) == 0
    config = read_config(run)
    held_out = load_run_data(run, config, with_test=False).held_out
    logits = predictor(load_float_model(run, config))(held_out.images).astype(np.float64)
    assert not held_out.empty.any()
    assert model_file.read(out).manifest.confidence == fit_confidence(logits, held_out.right, held_out.sources, None)


def test_the_held_out_pictures_judge_nothing_any_more(
    run: Path, final: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, other = tmp_path / "out.tflite", tmp_path / "other"
    bare = tmp_path / "bare"
    shutil.copytree(final, bare)
    (bare / OUT_OF_FOLD).unlink()
    closed = ["quantize", str(final), "--method", "ptq", "--max-drop", "60", "--no-test", "--out", str(out)]
    lost = ["quantize", str(bare), "--method", "ptq", "--max-drop", "60", "--out", str(out)]
    data = str(run.parent / "data")
    for arguments, says in (
        (closed, f"{final} has learned the held-out pictures too; leave out --no-test"),
        (lost, f"{bare} has no {OUT_OF_FOLD}; fit it again with --final-fit"),
        (["average", str(final), str(bare), "--out", str(other)], "a last fit holds out no pictures"),
        (["train", "--data", data, "--from", str(final), "--out", str(other)], "has learned the held-out pictures"),
    ):
        assert command(arguments) == 1
        assert says in capsys.readouterr().err.splitlines()[-1]
        assert not out.exists() and not other.exists()


def test_what_is_cut_off_goes_on_to_the_same_weights(run: Path, final: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(final, again)
    (again / "report.json").unlink()
    weights_path(again).unlink()
    assert command(["train", "--resume", "--out", str(again)]) == 0
    for ours, theirs in zip(
        *(load_float_model(folder, read_config(folder)).get_weights() for folder in (again, final)), strict=True
    ):
        assert np.array_equal(ours, theirs)
    assert report(again)["accuracy"] == report(final)["accuracy"]


def test_what_cannot_be_fitted_anew_is_refused(
    run: Path, final: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unfinished, out = tmp_path / "unfinished", tmp_path / "out"
    shutil.copytree(run, unfinished)
    (unfinished / "report.json").unlink()
    for arguments, says in (
        (["--final-fit", str(run), "--epochs", "9"], f"--final-fit trains as {run} was trained, without --epochs"),
        (["--final-fit", str(run), "--no-test"], "without --no-test; leave it out"),
        (["--final-fit", str(final)], f"{final} is a head, a mean or a last fit"),
        (["--final-fit", str(unfinished)], f"{unfinished} has no report.json"),
        (["--final-fit", str(tmp_path / "nowhere")], "there is no run folder"),
    ):
        assert command(["train", *arguments, "--out", str(out)]) == 1
        assert says in capsys.readouterr().err.splitlines()[-1] and not out.exists()
