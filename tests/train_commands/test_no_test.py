"""With `--no-test` no file of a test picture is opened until `fedge quantize` is called without it."""

import json
import shutil
from pathlib import Path

import pytest
from opened_files import opened_by
from support import write_class_folders

from fedge.cli.main import run as command
from fedge.data import fashion_mnist
from fedge.data.label_map import LabelMap
from fedge.data.load import load_dataset
from fedge.images.preprocess import Recipe
from fedge.model import file as model_file
from fedge_train.runs.run_folder import load_run_data, read_config

CLASSES = ["Bag", "Sneaker", "Trouser"]
QUICK = ("--arch", "nano", "--size", 16, "--gray", "--epochs", 2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes with a `test` folder, where one test picture is a copy of a training picture."""
    folder = tmp_path_factory.mktemp("sealed") / "data"
    write_class_folders(folder / "train", CLASSES, 60, start=100)
    write_class_folders(folder / "test", CLASSES, 20)
    shutil.copy(next(iter(sorted((folder / "train/Bag").iterdir()))), folder / "test/Bag/copy.png")
    return folder


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    opened, _ = opened_by(folder / "log", "train", "--data", data, *QUICK, "--no-test", "--out", folder / "run")
    assert any(str(data / "train" / "Bag") in name for name in opened)
    assert [name for name in opened if f"{data}/test/" in name] == []
    return folder / "run"


def test_the_report_says_that_its_figures_are_of_held_out_pictures(run: Path) -> None:
    report = json.loads((run / "report.json").read_text())
    assert report["judged_on"] == "held_out" and report["n"] == report["pictures"]["held_out"] == 18
    assert report["pictures"]["test"] == 0 and report["accuracy"] == report["held_out_accuracy"]
    page = (run / "report.html").read_text()
    assert "18 held-out pictures" in page and "the test ones are closed yet" in page


def test_quantize_opens_the_test_only_where_it_may(
    run: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closed, final = tmp_path / "closed.tflite", tmp_path / "final.tflite"
    options = ("--method", "ptq", "--max-drop", 60)
    opened, _ = opened_by(tmp_path / "log", "quantize", run, *options, "--no-test", "--out", closed)
    assert [name for name in opened if f"{data}/test/" in name] == []
    report = json.loads((run / "quantize/report.json").read_text())
    assert report["judged_on"] == "held_out" and report["n"] == 18
    parity = model_file.read(closed).manifest.parity
    assert parity is not None and parity.judged_on == "held_out" and parity.n == 18
    assert command(["info", str(closed)]) == 0
    said = capsys.readouterr().out
    assert "18 held-out pictures" in said and "the test pictures were not opened" in said
    assert command(["quantize", str(run), *map(str, options), "--out", str(final), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    # The copy of a training picture proves nothing.
    assert report["judged_on"] == "test" and report["n"] == 60
    card = model_file.read(final).card
    assert "60 test pictures" in card and "held-out" not in card


def test_what_is_learned_is_the_same_whether_the_test_is_open(run: Path) -> None:
    config = read_config(run)
    closed, opened = (load_run_data(run, config, with_test=each) for each in (False, True))
    assert closed.sha256() == opened.sha256() == config.data_sha256
    assert len(closed.test) == 0 and len(opened.test) == 60 and len(opened.duplicates) == 1


def test_a_folder_without_a_test_folder_chooses_by_names(tmp_path: Path) -> None:
    data = write_class_folders(tmp_path / "data", CLASSES, 30)
    recipe, none = Recipe(16, 16), LabelMap()
    opened = load_dataset((str(data),), recipe, none, seal="open")
    closed = load_dataset((str(data),), recipe, none, seal="closed")
    assert closed.train.names == opened.train.names and closed.held_out.names == opened.held_out.names
    assert len(opened.test) == 18 and closed.judged_on == "held_out" and opened.judged_on == "test"
    for name in opened.test.names:
        Path(name).write_bytes(b"no picture")
    assert load_dataset((str(data),), recipe, none, seal="closed").sha256() == opened.sha256()
    # All are readable here, so that the same pictures are chosen with the test open from the first.
    assert load_dataset((str(data),), recipe, none, seal="closed").train.names == opened.train.names


def test_the_training_half_of_fashion_mnist_needs_not_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fashion_mnist.find()
    for name in fashion_mnist.SHA256:
        if name.startswith("train"):
            (tmp_path / name).symlink_to(folder / name)
        else:
            (tmp_path / name).write_bytes(b"closed")
    monkeypatch.setenv(fashion_mnist.ENVIRONMENT, str(tmp_path))
    pictures, labels = fashion_mnist.load("train")
    assert len(pictures) == len(labels) == 60_000


def test_what_was_begun_with_the_test_open_stays_open(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read_config(run).sealed
    assert command(["train", "--resume", "--no-test", "--out", str(run)]) == 1
    assert "has already ended" in capsys.readouterr().err
    other = tmp_path / "open"
    shutil.copytree(run, other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"sealed": False}))
    assert command(["quantize", str(other), "--no-test"]) == 1
    assert "was trained with its test pictures open; leave out --no-test" in capsys.readouterr().err
    (other / "report.json").unlink()
    assert command(["train", "--resume", "--no-test", "--out", str(other)]) == 1
    assert "(sealed)" in capsys.readouterr().err
