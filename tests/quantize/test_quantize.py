import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from support import fedge, one_line_error, write_class_folders

from fedge.cli.main import run
from fedge.data import fashion_mnist
from fedge.data.dataset import Split
from fedge.evaluation.fit_confidence import fit_confidence
from fedge.evaluation.parity import compare
from fedge.making import golden
from fedge.model import file as model_file
from fedge.model.classifier import load
from fedge.model.confidence import Confidence, RejectBelow, certainty, dequantize, softmax
from fedge.model.format.flatbuffer import read_graph
from fedge_quantize import quantize as work
from fedge_quantize.calibration import CalibrationSet, calibration_set
from fedge_quantize.conversion.convert import first_problem
from fedge_train.networks.predict import predictor
from fedge_train.runs.run_folder import load_float_model, read_config

REPORT_FIELDS = {
    "float_accuracy",
    "int8_accuracy",
    "drop_pp",
    "drop_upper95_pp",
    "agreement",
    "n",
    "method",
    "bytes",
    "per_class",
}

Quantized = tuple[Path, dict[str, Any]]


def test_the_emitted_file_is_as_accurate_on_the_10000_test_pictures(trained: Path, quantized: Quantized) -> None:
    # Counted again here, from the file that was written, by another path than the command's own.
    path, report = quantized
    pictures, labels = fashion_mnist.load("test")
    classifier = load(path)
    by_int8 = np.array([classifier.logits(picture[:, :, np.newaxis]).argmax() for picture in pictures])
    float_model = load_float_model(trained, read_config(trained))
    by_float = predictor(float_model)(pictures[:, :, :, np.newaxis]).argmax(-1)
    parity = compare(np.eye(10, dtype=bool)[labels], by_float, by_int8, fashion_mnist.LABELS)
    assert parity.n == report["n"] == 10_000
    assert parity.int8_accuracy == report["int8_accuracy"] and parity.drop_upper95_pp == report["drop_upper95_pp"]
    assert parity.drop_upper95_pp <= 0.5


def test_the_report_has_the_designs_fields_and_is_kept(trained: Path, quantized: Quantized) -> None:
    path, report = quantized
    assert report.keys() >= REPORT_FIELDS
    assert report["per_class"].keys() == set(fashion_mnist.LABELS)
    assert json.loads((trained / "quantize" / "report.json").read_text()) == report
    assert (trained / "quantize" / "flips.png").read_bytes().startswith(b"\x89PNG")
    assert report["bytes"] == len(model_file.read(path).flatbuffer)


def test_eval_of_the_file_and_of_the_run_print_the_reports_figures(trained: Path, quantized: Quantized) -> None:
    path, report = quantized
    for target, expected in ((path, report["int8_accuracy"]), (trained, report["float_accuracy"])):
        done = fedge("eval", target, "--json")
        assert done.code == 0, done.err
        result = done.json()
        assert result["accuracy"] == expected and result["n"] == 10_000
        assert result["per_class"].keys() == set(fashion_mnist.LABELS) and len(result["confusion"]) == 10


@pytest.fixture
def bad_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibration on nearly black pictures: the ranges that it reads clip everything brighter."""

    def nearly_black(train: Split, seed: int, most: int) -> CalibrationSet:
        images = np.zeros_like(calibration_set(train, seed, most).images)
        images[:, 0, 1] = 255
        return CalibrationSet(images, "0" * 64)

    monkeypatch.setattr(work, "calibration_set", nearly_black)


@pytest.mark.usefixtures("quantized", "bad_calibration")
def test_a_bad_quantization_is_refused(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bad.tflite"
    kept = (trained / "quantize" / "report.json").read_text()
    try:
        assert run(["quantize", str(trained), "--method", "ptq", "--out", str(out), "--json"]) == 3
        report = json.loads((trained / "quantize" / "report.json").read_text())
    finally:
        (trained / "quantize" / "report.json").write_text(kept)
    assert not out.exists() and list(tmp_path.iterdir()) == []
    assert report["accepted"] is False and report["model"] is None and report["drop_upper95_pp"] > 0.5
    assert "over --max-drop 0.5" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("quantized")
def test_a_report_names_no_file_that_could_not_be_made(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = trained / "quantize" / "report.json"
    kept = report.read_text()
    monkeypatch.setattr(golden, "MAX_LOGIT_TOLERANCE", 0)
    assert run(["quantize", str(trained), "--method", "ptq", "--out", str(tmp_path / "none.tflite")]) == 1
    assert "no self-test could judge it" in capsys.readouterr().err.splitlines()[-1]
    assert report.read_text() == kept and list(tmp_path.iterdir()) == []


# TensorFlow warns that it converts without a sample, which the converter does not need here.
@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs")
def test_a_network_that_is_not_fully_int8_is_refused() -> None:
    network = keras.Sequential([keras.layers.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    problem = first_problem(converter.convert())
    assert problem is not None and "input is not uint8" in problem and "float32" in problem
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # Pictures of 0..1 give the input another scale than theirs of 0..2.
    for brightest, problem in ((1.0, None), (2.0, "the network's input is not uint8 of scale 0.00392157")):
        converter.representative_dataset = lambda light=brightest: (
            [np.full((1, 8, 8, 1), value, np.float32)] for value in (0.0, light)
        )
        converter.inference_input_type, converter.inference_output_type = tf.uint8, tf.int8
        found = first_problem(converter.convert())
        assert found is None if problem is None else found is not None and found.startswith(problem)


@pytest.mark.usefixtures("quantized")
def test_a_refusal_leaves_an_older_model_file_alone(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "old.tflite"
    out.write_bytes(b"older")
    kept = (trained / "quantize" / "report.json").read_text()
    try:
        assert fedge("quantize", trained, "--method", "ptq", "--max-drop", 0, "--out", out).code == 3
    finally:
        (trained / "quantize" / "report.json").write_text(kept)
    assert out.read_bytes() == b"older"
    folder = fedge("quantize", trained, "--out", tmp_path)
    assert folder.code == 1 and "is a folder" in one_line_error(folder)


def test_small_photographs_in_color_go_all_the_way(tmp_path: Path) -> None:
    """A folder trains, quantizes by quantization-aware training, verifies and runs by the same commands."""
    data = write_class_folders(tmp_path / "data", ["Bag", "Sneaker", "Trouser"], 200)
    options = ("--arch", "nano", "--size", 32, "--epochs", 12, "--batch", 16)
    options += ("--learning-rate", 0.05, "--out", tmp_path / "run")
    trained = fedge("train", "--data", data, *options, "--json")
    assert trained.code == 0, trained.err
    # Three easy classes: trousers against bags against shoes; chance is a third.
    assert trained.json()["accuracy"] > 0.9
    refused = fedge("quantize", tmp_path / "run", "--method", "ptq", "--max-drop", 0.5)
    assert refused.code == 3 and "too few test pictures to tell" in refused.err
    model = tmp_path / "nano.tflite"
    options = ("--method", "qat", "--qat-epochs", 1, "--max-drop", 10, "--out", model)
    done = fedge("quantize", tmp_path / "run", *options, "--json")
    assert done.code == 0, done.err
    assert done.json()["method"] == "qat" and done.json()["n"] == 120
    graph = read_graph(model_file.read(model).flatbuffer)
    assert graph.inputs[0].shape == (1, 32, 32, 3) and graph.inputs[0].zero_points == (0,)
    assert fedge("verify", model).code == 0
    folder = data / "Trouser"
    lines = fedge("run", model, "--source", folder, "--json").lines()
    assert len(lines) == 200 and sum(line["label"] == "Trouser" for line in lines) > 180
    known = fedge("eval", model, "--data", data, "--json").json()
    assert known["n"] == 600 and known["verdict"]["fit"] == "undecided" and "learned" in known["verdict"]["text"]
    next(iter((data / "Trouser").iterdir())).unlink()
    assert fedge("eval", model, "--data", data, "--json").json()["verdict"]["fit"] == "yes"
    undecided = fedge("eval", model)
    assert undecided.code == 1 and "--data" in one_line_error(undecided)


def test_calibration_comes_from_train_alone_stratified_and_seeded() -> None:
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], [900, 100])
    images = generator.integers(0, 256, (1000, 4, 4, 1), dtype=np.uint8)
    right, sources, empty = np.eye(2, dtype=bool)[labels], np.zeros(1000, dtype=np.int64), np.zeros(1000, dtype=bool)
    train = Split(images, labels, right, sources, empty, tuple(map(str, range(1000))), (b"",) * 1000)
    chosen = calibration_set(train, 5)
    assert chosen.sha256 == calibration_set(train, 5).sha256 != calibration_set(train, 6).sha256
    members = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    # All but the first, two of whose pixels are set, are training pictures; a tenth are of the rare class.
    found = [members[image.tobytes()] for image in chosen.images[1:]]
    assert abs(sum(found) - 50) <= 1 and len(chosen.images) == 500
    assert chosen.images.min() == 0 and chosen.images.max() == 255


def test_the_temperature_is_found_again() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 3, (20_000, 5))
    truth = np.array([generator.choice(5, p=p) for p in softmax(logits)])
    confidence = fit_confidence(logits * 2.5, np.eye(5, dtype=bool)[truth], np.zeros(20_000, dtype=np.int64), None)
    # The logits were stretched by 2.5; 20,000 draws fix the temperature to about 1%, ECE to 15 bins' noise.
    assert confidence.temperature == pytest.approx(2.5, rel=0.05)
    assert confidence.ece is not None and confidence.ece < 0.01


def test_each_source_counts_alike_for_temperature_and_thresholds() -> None:
    """Many pictures that the network is too modest about, and few of another source that it is too sure of."""
    generator = np.random.default_rng(0)

    def draw(count: int, stretch: float) -> tuple[np.ndarray, np.ndarray]:
        logits = generator.normal(0, 3, (count, 5))
        truth = np.array([generator.choice(5, p=p) for p in softmax(logits)])
        return logits * stretch, np.eye(5, dtype=bool)[truth]

    (many, many_right), (few, few_right) = draw(20_000, 0.5), draw(1_000, 4.0)
    logits, right = np.concatenate([many, few]), np.concatenate([many_right, few_right])
    sources = np.repeat([0, 1], [20_000, 1_000])
    apart = fit_confidence(logits, right, sources, None)
    pooled = fit_confidence(logits, right, np.zeros_like(sources), None)
    assert pooled.temperature < 1 < apart.temperature < 4
    # The few are copied until there are as many: that must be the same, up to the search's and the copies' rounding.
    copies = np.tile(np.arange(20_000, 21_000), 20)
    repeated = fit_confidence(
        np.concatenate([many, logits[copies]]),
        np.concatenate([many_right, right[copies]]),
        np.zeros(40_000, np.int64),
        None,
    )
    assert apart.temperature == pytest.approx(repeated.temperature, rel=1e-3)
    assert apart.ece == pytest.approx(repeated.ece, rel=1e-2)


def test_the_temperature_of_a_network_that_knows_of_more_is_found_again() -> None:
    """What "none of these" takes must be reckoned with: without it the same answers need another temperature."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 3, (20_000, 5))
    everything = softmax(np.concatenate([logits, np.zeros((20_000, 1))], axis=1))
    truth = np.array([generator.choice(6, p=p) for p in everything])
    known = truth < 5
    # Outliers are never among those that the temperature is fitted to.
    stretched, right = logits[known] * 2.5, np.eye(5, dtype=bool)[truth[known]]
    sources = np.zeros(known.sum(), dtype=np.int64)
    confidence = fit_confidence(stretched, right, sources, 0.0)
    assert confidence.unknown == 0
    sums = confidence.probabilities(stretched).sum(axis=1)
    assert (sums < 1).all() and sums.min() < 0.5 < sums.max()
    # The network's own logits, stretched: a known picture's answer is right a little more often than it says, for
    # which the temperature makes up with a few hundredths.
    assert confidence.temperature == pytest.approx(2.5, rel=0.1)
    assert confidence.temperature != pytest.approx(
        fit_confidence(stretched, right, sources, None).temperature, rel=0.02
    )


def test_a_few_right_answers_do_not_show_that_all_will_be() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 3, 30)
    logits = np.eye(3)[truth] * generator.uniform(1, 3, (30, 1))
    right, sources = np.eye(3, dtype=bool)[truth], np.zeros(30, dtype=np.int64)
    confidence = fit_confidence(logits, right, sources, None)
    scores = certainty(confidence.probabilities(logits))
    # Thirty of thirty: 31 of 32, by the rule of succession; the surer ones are above, the less sure ones below.
    assert scores.mean() == pytest.approx(31 / 32, abs=0.02) and scores.min() < 31 / 32 < scores.max() < 0.9999
    assert confidence.reject_below.normal < confidence.reject_below.strict < 0.999


def test_confidence_is_fitted_to_whatever_there_is() -> None:
    nothing = np.empty((0, 3))
    none = fit_confidence(nothing, nothing.astype(bool), np.empty(0, np.int64), 0.0)
    assert none == Confidence(unknown=0.0)
    logits = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 0.0]])
    wrong = fit_confidence(logits, np.array([[False, True, False], [True, False, False]]), np.zeros(2, np.int64), None)
    # Both wrong: all that is left to be sure of is a third.
    assert certainty(wrong.probabilities(logits)).max() < 0.4 and wrong.reject_below == RejectBelow()


def test_the_score_is_fitted_to_the_answer_being_right_and_any_right_class_will_do() -> None:
    """The likeliest of three classes has one score and is right in another share: the temperature must meet that."""
    generator = np.random.default_rng(0)
    score, stated = 0.9, 0.6
    logits = np.tile(np.log([stated, (1 - stated) / 2, (1 - stated) / 2]), (5_000, 1))
    right = np.eye(3, dtype=bool)[np.where(generator.random(5_000) < score, 0, 1)]
    sources = np.zeros(5_000, dtype=np.int64)
    confidence = fit_confidence(logits, right, sources, None)
    share = right[:, 0].mean()
    assert certainty(confidence.probabilities(logits)) == pytest.approx(share, abs=1e-3)
    # Where the first two classes are both right, no answer is wrong, and nothing is left to doubt.
    right[:, 0] = True
    assert certainty(fit_confidence(logits, right, sources, None).probabilities(logits)).min() > 0.999


def test_the_report_says_what_the_doubt_is_worth(trained: Path, quantized: Quantized) -> None:
    path, report = quantized
    (doubt,) = report["doubt"]
    assert doubt["source"] == "fashion-mnist" and doubt["n"] == 10_000 and doubt["ece"] < 0.05
    off, normal, strict = (doubt["by_mode"][mode] for mode in ("off", "normal", "strict"))
    assert off["coverage"] == 1 and off["accuracy"] == pytest.approx(report["int8_accuracy"])
    assert 1 > normal["coverage"] > strict["coverage"] > 0.5
    assert off["accuracy"] < normal["accuracy"] < strict["accuracy"]
    # Fitted to give up 2% and 10% of the right answers on 5,000 held-out pictures; two splits of 5,000 and 10,000
    # differ by a standard deviation of 0.25 and 0.53 points, four of which are allowed.
    for counts, loss, margin in ((normal, 0.02, 0.010), (strict, 0.10, 0.021)):
        kept = counts["accuracy"] * counts["coverage"] / off["accuracy"]
        assert kept == pytest.approx(1 - loss, abs=margin)
    assert doubt["curve"][-1]["error"] == pytest.approx(1 - report["int8_accuracy"])
    assert doubt["curve"][9]["error"] < doubt["curve"][-1]["error"] / 2
    assert (trained / "quantize" / "doubt.png").read_bytes().startswith(b"\x89PNG")
    manifest = model_file.read(path).manifest
    assert report["confidence"]["reject_below"]["normal"] == manifest.confidence.reject_below.normal
    assert manifest.training.looks.brightness.deviation > 0


def test_the_files_scores_are_the_softmax_of_its_logits(quantized: Quantized) -> None:
    classifier = load(quantized[0])
    picture = fashion_mnist.load("test")[0][0]
    output = classifier.model.manifest.output
    logits = dequantize(classifier.logits(picture[:, :, np.newaxis]), output.scale, output.zero_point)
    expected = softmax(logits, classifier.model.manifest.confidence.temperature)
    assert classifier.classify(picture).score == pytest.approx(expected.max())


def test_refuses_what_is_no_run(tmp_path: Path) -> None:
    missing = fedge("quantize", tmp_path / "nothing")
    assert missing.code == 1 and "there is no run folder" in one_line_error(missing)
    (tmp_path / "config.json").write_text('{"architecture": "base"}')
    broken = fedge("quantize", tmp_path)
    assert broken.code == 1 and "config.json: data is missing" in one_line_error(broken)
