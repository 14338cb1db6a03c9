"""Teaching a backbone: the file's answers are the float head's, and a head that is not is refused."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from support import Finished, fedge, one_line_error
from tiny_networks import UINT8, quantized_classifier, tiny_features, write_colored, write_tiny_backbone

from fedge.cli.main import run
from fedge.commands.making import teach as work
from fedge.commands.making.teach import TeachOptions
from fedge.errors import ParityRefused
from fedge.making.backbone import read_backbone
from fedge.making.features import FeatureExtractor
from fedge.making.graph.append_layer import LinearHead, append_layer
from fedge.model import file as model_file
from fedge.model.classifier import load
from fedge.model.confidence import Floats


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_backbone(tmp_path_factory.mktemp("backbone") / "tiny.tflite")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colored(tmp_path_factory.mktemp("data") / "photos", 20)


@pytest.fixture(scope="module")
def taught(backbone: Path, photos: Path) -> tuple[Path, Finished]:
    out = photos.parent / "taught.tflite"
    return out, fedge("teach", backbone, "--data", photos, "--out", out, "--max-drop", 25, "--json")


def test_folders_become_a_model_file_that_passed_the_gate(taught: tuple[Path, Finished]) -> None:
    path, done = taught
    assert done.code == 0, done.err
    report = done.json()
    assert report["accepted"] and report["proof"] == "test" and report["agreement"] == 1.0 and report["n"] == 12
    assert report["labels"] == ["blue", "green", "red"] and report["int8_accuracy"] >= 0.75
    content = model_file.read(path)
    assert content.labels == ("blue", "green", "red") and content.manifest.training.start == "tiny"
    assert content.manifest.parity.proof == "test" and content.manifest.confidence.temperature != 1.0


def test_run_verify_eval_and_info_take_it(
    taught: tuple[Path, Finished], photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(taught[0])
    assert run(["verify", path]) == 0 and run(["info", path]) == 0
    capsys.readouterr()
    assert run(["eval", path, "--data", str(photos), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] >= 0.75
    answers = fedge("run", path, "--source", photos / "red", "--reject", "off", "--json").lines()
    assert [answer["label"] for answer in answers].count("red") >= 15


def test_the_files_answers_are_the_float_heads(
    backbone: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[LinearHead] = []

    def noting(flatbuffer: bytes, head: LinearHead, seen: Floats) -> bytes:
        heads.append(head)
        return append_layer(flatbuffer, head, seen)

    monkeypatch.setattr(work, "append_layer", noting)
    out = tmp_path / "m.tflite"
    work.teach(TeachOptions(backbone, (str(photos),), out, unproved=True))
    classifier, extract = load(out), FeatureExtractor(read_backbone(backbone))
    step = classifier.model.manifest.output.scale
    rng = np.random.default_rng(0)
    for image in rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8):
        float_logits = heads[0].logits(extract(image))
        difference = classifier.logits(image) - float_logits / step
        # The zero point is the same for all; two steps are what rounded weights and the result's own rounding make.
        assert np.ptp(difference) <= 4


def test_a_planted_bad_head_is_refused_and_nothing_is_written(
    backbone: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bad(flatbuffer: bytes, head: LinearHead, seen: Floats) -> bytes:
        return append_layer(flatbuffer, LinearHead(head.weights[:, ::-1], head.bias[::-1]), seen)

    monkeypatch.setattr(work, "append_layer", bad)
    options = TeachOptions(backbone, (str(photos),), tmp_path / "m.tflite", max_drop_pp=25)
    with pytest.raises(ParityRefused, match="lost"):
        work.teach(options)
    assert not options.out.exists()
    # The other proof: the same pictures without their labels.
    by_frames = dataclasses.replace(options, max_drop_pp=15, frames=tuple(str(photos / c) for c in ("red", "blue")))
    with pytest.raises(ParityRefused, match="frames otherwise"):
        work.teach(by_frames)
    assert not options.out.exists()


def test_few_test_pictures_are_refused_at_once_and_unproved_says_so(
    backbone: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.tflite"
    refused = fedge("teach", backbone, "--data", photos, "--out", out)
    assert refused.code == 3 and "--unproved" in refused.err.splitlines()[-1] and not out.exists()
    assert run(["teach", str(backbone), "--data", str(photos), "--out", str(out), "--unproved", "--json"]) == 0
    assert model_file.read(out).manifest.parity.proof == "none"


def test_a_backbone_is_verified_and_shown_but_classifies_nothing(
    backbone: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["verify", str(backbone), "--json"]) == 0 and json.loads(capsys.readouterr().out)["passed"]
    assert run(["info", str(backbone)]) == 0 and "48, 0.0% away" in capsys.readouterr().out
    assert run(["run", str(backbone), "--source", str(tmp_path)]) == 1
    assert "fedge teach" in capsys.readouterr().err


def test_what_is_no_backbone_is_told_in_one_line(taught: tuple[Path, Finished], backbone: Path, tmp_path: Path) -> None:
    assert "no backbone" in one_line_error(fedge("teach", taught[0], "--data", tmp_path))
    damaged = tmp_path / "damaged.tflite"
    content = bytearray(backbone.read_bytes())
    content[300] ^= 1
    damaged.write_bytes(bytes(content))
    assert "not the one that the manifest names" in one_line_error(fedge("teach", damaged, "--data", tmp_path))
    missing = fedge("teach", backbone)
    assert missing.code == 2 and "--data" in one_line_error(missing)


def test_a_feature_extractor_of_ones_own_becomes_a_backbone(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, out = tmp_path / "own.tflite", tmp_path / "own-backbone.tflite"
    own.write_bytes(tiny_features())
    assert run(["backbone", str(own), "--data", str(photos), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["features"] == 48
    assert run(["verify", str(out)]) == 0
    taught = tmp_path / "taught.tflite"
    assert run(["teach", str(out), "--data", str(photos), "--out", str(taught), "--unproved"]) == 0
    assert model_file.read(taught).manifest.training.start == "own"
    capsys.readouterr()
    own.write_bytes(quantized_classifier(UINT8))
    assert run(["backbone", str(own)]) == 1 and "no backbone" in capsys.readouterr().err
