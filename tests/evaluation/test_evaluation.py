"""`fedge eval` on photographs: rejection, looks, verdict and the page, from files to the report."""

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from support import Finished, fedge, one_line_error, write_class_folders

from fedge.commands.evaluate import answer, evaluate_answers
from fedge.commands.evaluate_report import EvaluationReport, as_json, as_text
from fedge.data import fashion_mnist
from fedge.data.label_map import LabelMap
from fedge.data.load import load_for_evaluation
from fedge.evaluation.metrics import ClassMetrics, Evaluation
from fedge.images.cutout import CutOut
from fedge.model.classifier import Classifier, load

CLASSES = ["Bag", "Trouser"]
PER_CLASS = 20
SHOES = {"shoes": ["Sandal", "Sneaker", "Ankle boot"]}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bags and trousers, a folder of all shoes, and one picture in each that says nothing."""
    root = write_class_folders(tmp_path_factory.mktemp("photographs"), [*CLASSES, "Sneaker", "Sandal"], PER_CLASS)
    (root / "shoes").mkdir()
    for name in ("Sneaker", "Sandal"):
        for path in sorted((root / name).iterdir()):
            path.rename(root / "shoes" / f"{name}-{path.name}")
        (root / name).rmdir()
    generator = np.random.default_rng(0)
    for name in (*CLASSES, "shoes"):
        noise = generator.integers(0, 256, (32, 32), dtype=np.uint8)
        cv2.imwrite(str(root / name / "noise.png"), noise)
    (root / "map.json").write_text(json.dumps(SHOES))
    return root


@pytest.fixture(scope="module")
def evaluated(photographs: Path, model_path: Path) -> tuple[Finished, Path]:
    page = photographs.parent / "worst.html"
    options = ("--data", photographs, "--map", photographs / "map.json", "--page", page)
    return fedge("eval", model_path, *options, "--json"), page


def test_any_class_of_a_list_is_right(evaluated: tuple[Finished, Path]) -> None:
    report = evaluated[0].json()
    assert report["n"] == 4 * PER_CLASS + 3
    # Told to be shoes, a sneaker taken for a sandal is right: base confuses these far more than with anything else.
    assert report["accuracy"] > 0.93
    shoes = [fashion_mnist.LABELS.index(name) for name in SHOES["shoes"]]
    assert sum(report["confusion"][i][i] for i in shoes) >= 2 * PER_CLASS - 2
    assert all(report["confusion"][i][j] == 0 for i in shoes for j in shoes if i != j)


def test_the_modes_trade_coverage_for_accuracy(evaluated: tuple[Finished, Path]) -> None:
    report = evaluated[0].json()
    off, normal, strict = (report["by_mode"][mode] for mode in ("off", "normal", "strict"))
    # What is no object gets no answer in any mode; everything else gets one where nothing is refused.
    assert off["answered"] == report["n"] - report["no_object"] and off["right"] <= report["accuracy"] * report["n"]
    assert off["coverage"] >= normal["coverage"] > strict["coverage"]
    assert strict["accuracy"] >= off["accuracy"]
    assert report["rejected"] == pytest.approx(1 - normal["coverage"])
    assert normal["per_class"].keys() == {label for label, row in report["per_class"].items() if row["support"]}
    assert len(report["curve"]) == 20 and report["curve"][-1]["error"] == pytest.approx(1 - report["accuracy"])
    assert 0 <= report["no_object"] <= report["n"] - 2 * PER_CLASS


def test_run_refuses_as_many_as_eval_says(
    evaluated: tuple[Finished, Path], photographs: Path, model_path: Path
) -> None:
    report = evaluated[0].json()
    for mode, counts in report["by_mode"].items():
        lines = []
        for name in (*CLASSES, "shoes"):
            lines += fedge("run", model_path, "--source", photographs / name, "--reject", mode, "--json").lines()
        assert len(lines) == report["n"]
        assert sum(line["label"] is not None for line in lines) == counts["answered"]
        assert all(line.get("rejected", False) == (line["label"] is None) for line in lines)


def test_the_page_is_written_and_shows_the_noise(evaluated: tuple[Finished, Path]) -> None:
    text = evaluated[1].read_text()
    assert text.startswith("<!doctype html>") and "noise.png" in text and "with --reject strict" in text


def test_people_are_told_the_verdict(photographs: Path, model_path: Path) -> None:
    done = fedge("eval", model_path, "--data", photographs, "--map", photographs / "map.json")
    assert done.code == 0, done.err
    assert "confusion (rows: true" in done.out and "right of these" in done.out
    assert done.out.splitlines()[-1].startswith("fit for this camera: it answers ")
    few = photographs.parent / "few"
    write_class_folders(few, CLASSES, 3)
    assert fedge("eval", model_path, "--data", few, "--json").json()["verdict"]["fit"] == "undecided"
    swapped = photographs.parent / "swapped.json"
    swapped.write_text(json.dumps({"Bag": "Trouser", "Trouser": "Bag", "shoes": None}))
    wrong = fedge("eval", model_path, "--data", photographs, "--map", swapped)
    assert wrong.out.splitlines()[-1].startswith("not fit for this camera: ")
    assert "less than half is recognized of Trouser, Bag" in wrong.out


def test_dark_and_blurred_pictures_are_said_to_be_so(photographs: Path, model_path: Path, tmp_path: Path) -> None:
    dark = tmp_path / "dark"
    for name in CLASSES:
        (dark / name).mkdir(parents=True)
        for path in sorted((photographs / name).glob("0*.png")):
            picture = cv2.resize(cv2.imread(str(path)), (280, 280), interpolation=cv2.INTER_CUBIC)
            # Negated, a garment on white as a camera sees it; darker by half, and out of focus.
            cv2.imwrite(str(dark / name / path.name), cv2.GaussianBlur((255 - picture) // 2, (0, 0), 15))
    classifier = load(model_path)
    split, _ = load_for_evaluation(str(dark), classifier.model.manifest.preprocessing, LabelMap(), classifier.labels)
    report = as_json(evaluate_answers(classifier, split, answer(classifier, split)))
    assert report["shift"]["sharpness"] < -0.8 and "much more blurred" in report["shift_text"]
    assert report["shift"]["brightness"] < -0.5 and "darker" in report["shift_text"]


def test_pictures_without_an_object_are_counted_and_refused_in_every_mode(model_path: Path, tmp_path: Path) -> None:
    write_class_folders(tmp_path, ["Bag"], 5)
    for number in range(3):
        # Flat gray with a camera's noise; a single value would be a studio's black or white at its ends.
        flat = np.random.default_rng(number).normal(100 + 20 * number, 2, (120, 160)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "Bag" / f"flat-{number}.png"), flat)
    model = load(model_path).model
    recipe = dataclasses.replace(model.manifest.preprocessing, cut_out=CutOut())
    manifest = dataclasses.replace(model.manifest, preprocessing=recipe)
    classifier = Classifier(dataclasses.replace(model, manifest=manifest))
    split, _ = load_for_evaluation(str(tmp_path), recipe, LabelMap(), classifier.labels)
    assert [name.rpartition("/")[2].startswith("flat") for name in split.names] == split.empty.tolist()
    report = as_json(evaluate_answers(classifier, split, answer(classifier, split)))
    assert report["no_object"] == 3
    assert report["by_mode"]["off"]["coverage"] == pytest.approx(5 / 8)
    assert report["n"] == 8
    empty = split.take(np.flatnonzero(split.empty))
    alone = as_json(evaluate_answers(classifier, empty, answer(classifier, empty)))
    assert alone["shift"] == {} and "show nothing" in alone["shift_text"]


def test_a_page_that_cannot_be_written_is_one_line(photographs: Path, model_path: Path) -> None:
    for page in (photographs, photographs / "map.json" / "page.html"):
        done = fedge("eval", model_path, "--data", photographs, "--map", photographs / "map.json", "--page", page)
        assert done.code == 1 and str(page) in one_line_error(done)


def test_pictures_of_which_none_can_be_read_are_an_error(model_path: Path, tmp_path: Path) -> None:
    (tmp_path / "Bag").mkdir()
    (tmp_path / "Bag" / "broken.jpg").write_bytes(b"no picture")
    done = fedge("eval", model_path, "--data", tmp_path)
    assert done.code == 1 and "no picture of" in one_line_error(done)


def test_a_packaged_data_set_gets_no_verdict_and_a_run_no_page(model_path: Path, tmp_path: Path) -> None:
    report = fedge("eval", model_path, "--json").json()
    assert report["verdict"] is None and report["n"] == 10_000
    # Pictures of the training pictures' kind look like them.
    assert all(abs(value) < 0.1 for value in report["shift"].values())
    refused = fedge("eval", tmp_path, "--page", tmp_path / "page.html")
    assert refused.code == 2 and "--page" in one_line_error(refused)


def test_of_two_equal_scores_run_and_eval_take_the_same() -> None:
    classifier = load("base")
    pictures, _ = fashion_mnist.load("test")
    logits = np.array([classifier.logits(picture[:, :, np.newaxis]) for picture in pictures[:3000]])
    ordered = np.sort(logits, axis=1)
    tied = np.flatnonzero(ordered[:, -1] == ordered[:, -2])
    assert len(tied)
    for i in tied:
        assert classifier.classify(pictures[i]).top[0][0] == classifier.labels[logits[i].argmax()]


def test_labels_of_a_file_do_not_command_the_terminal() -> None:
    evaluation = Evaluation(1.0, 1, {"\x1b[2Jevil": ClassMetrics(1.0, 1.0, 1.0, 1)}, [[1]])
    text = as_text(EvaluationReport("model", "data", (), evaluation, 0.0))
    assert "evil" in text and "\x1b" not in text
