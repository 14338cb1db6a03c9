"""The reports of teach, adopt and backbone: the fields of their JSON in order, and their text."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from tiny_networks import tiny_features, write_colored

from fedge.cli.main import run
from fedge.commands.making import adopt_report, backbone_report, teach_report
from fedge.commands.making.adopt_report import AdoptReport
from fedge.commands.making.backbone_report import BackboneReport
from fedge.commands.making.teach_report import TeachReport
from fedge.evaluation.metrics import evaluate_predictions
from fedge.evaluation.parity import Parity
from fedge.making.frames import Changed
from fedge.model.manifest import ParityFacts

PARITY = Parity(0.9, 0.8, 1.0, 2.0, 0.95, 10, {"cup": {"float": 1.0, "int8": 1.0, "drop_pp": 0.0, "support": 3}})
LABELS = ("cup", "plate")


def test_teach() -> None:
    changed = Changed(40, 1, 11.0, 3)
    report = TeachReport(PARITY, "m.tflite", 5, LABELS, 7, 0.5, 0.03, 0.5, True, "test", changed, ("bad.jpg",), 1.5)
    found = teach_report.as_json(report)
    assert list(found) == [
        *("float_accuracy", "int8_accuracy", "drop_pp", "drop_upper95_pp", "agreement", "n", "per_class"),
        *("model", "bytes", "labels", "learned_from", "out_of_fold_accuracy", "strength", "max_drop_pp", "accepted"),
        *("proof", "frames", "skipped", "seconds"),
    ]
    assert found["frames"] == {"n": 40, "changed": 1, "upper95_pp": 11.0, "alike": 3}
    assert found["labels"] == ["cup", "plate"] and found["per_class"] == PARITY.per_class
    assert teach_report.as_json(dataclasses.replace(report, frames=None))["frames"] is None
    assert "UNPROVED" not in teach_report.as_text(report)
    assert "UNPROVED" in teach_report.as_text(dataclasses.replace(report, proof="none"))


def test_adopt() -> None:
    evaluation = evaluate_predictions(np.array([0, 1, 1]), np.array([0, 1, 0]), LABELS)
    facts = ParityFacts(0.9, 0.8, 1.0, 2.0, 0.5, 0.95, 10, "ptq")
    report = AdoptReport(evaluation, "m.tflite", 5, LABELS, "0..1", "rgb", "pad", "logits", 9, 1.2, facts, True)
    found = adopt_report.as_json(report)
    assert list(found) == [
        *("accuracy", "n", "per_class", "confusion", "model", "bytes", "labels", "scale", "order", "fit", "output"),
        *("fitted_to", "temperature", "parity", "accepted"),
    ]
    assert found["parity"] == dataclasses.asdict(facts) and found["confusion"] == [[1, 0], [1, 1]]
    assert "drop 1.00 points" in adopt_report.as_text(report)
    assert "not known (--float)" in adopt_report.as_text(dataclasses.replace(report, parity=None))


def test_backbone() -> None:
    report = BackboneReport("b.tflite", 3, 8, "photos", 0.125, 2)
    assert list(backbone_report.as_json(report)) == [
        *("path", "bytes", "features", "calibration", "feature_error", "tolerance")
    ]
    assert "12.5% away from the float ones on photos" in backbone_report.as_text(report)
    assert "away" not in backbone_report.as_text(dataclasses.replace(report, feature_error=None))


def test_a_device_is_a_camera(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "missing.tflite")
    assert run(["teach", missing, "blue", "red", "--device", "0"]) == 1
    assert f"there is no file {missing}" in capsys.readouterr().err
    assert run(["teach", missing, "--device", "0", "--data", str(tmp_path)]) == 2


def test_an_own_backbone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network, out = tmp_path / "own.tflite", tmp_path / "own-backbone.tflite"
    network.write_bytes(tiny_features())
    photos = write_colored(tmp_path / "photos", 3)
    assert run(["backbone", str(network), "--data", str(photos), "--out", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["path"] == str(out) and found["bytes"] == out.stat().st_size and found["feature_error"] is None
