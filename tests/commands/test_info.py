"""`fedge info` and the model card: what a person chooses a model by."""

import dataclasses
from pathlib import Path

import pytest

from fedge.cli.main import run
from fedge.images.cutout import CutOut
from fedge.making.model_card import model_card
from fedge.model import file as model_file
from fedge.model.description import learned_from
from fedge.model.manifest import Manifest
from fedge.model.shipped import shipped_models


def for_cameras(manifest: Manifest) -> Manifest:
    """The manifest of a model that cuts out and was trained on pictures made to look like a camera's."""
    recipe = dataclasses.replace(manifest.preprocessing, cut_out=CutOut())
    training = dataclasses.replace(manifest.training, camera_like=True, seconds=90.0)
    return dataclasses.replace(manifest, preprocessing=recipe, training=training)


def as_they_are(manifest: Manifest) -> Manifest:
    """The manifest of a model that sees whole pictures and was trained on them as they are, nobody knows how long."""
    recipe = dataclasses.replace(manifest.preprocessing, cut_out=None)
    training = dataclasses.replace(manifest.training, camera_like=False, seconds=None)
    return dataclasses.replace(manifest, preprocessing=recipe, training=training)


def test_the_list_has_each_shipped_models_figures_and_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * len(shipped_models())
    for (name, path), figures, use in zip(shipped_models().items(), lines[::2], lines[1::2], strict=True):
        manifest = model_file.read(path).manifest
        assert figures.startswith(name) and f" {manifest.flatbuffer.bytes:,} bytes" in figures
        assert f"int8 {manifest.parity.int8_accuracy:.2%}" in figures
        assert ("from a camera" in use) == manifest.training.camera_like
        assert ("cut out" in use) == (manifest.preprocessing.subject == "cut-out")
    assert sum(" (default)" in line for line in lines) == 1


def test_subject_and_camera_like_training_are_told_of_a_file(
    model_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model_file.read(model_path)
    told = []
    for manifest in (as_they_are(model.manifest), for_cameras(model.manifest)):
        path = tmp_path / "model.tflite"
        model_file.write(path, model_file.pack(model.flatbuffer, manifest, model.labels, model.golden, model.card))
        assert run(["info", str(path)]) == 0
        told.append(capsys.readouterr().out)
    assert "the whole picture" in told[0] and "on pictures as they are" in told[0]
    assert "the object, cut out on black" in told[1] and "changed to look like a camera's" in told[1]
    assert ", 2 minutes" in told[1] and "minutes" not in told[0]


def test_what_a_file_says_of_itself_cannot_command_the_terminal(
    model_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model_file.read(model_path)
    training = dataclasses.replace(model.manifest.training, data="\x1b[2Jmine", start="a\nb")
    manifest = dataclasses.replace(model.manifest, training=training)
    path = tmp_path / "model.tflite"
    model_file.write(path, model_file.pack(model.flatbuffer, manifest, model.labels, model.golden, model.card))
    assert run(["info", str(path)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "[2Jmine" in out and "from a\N{REPLACEMENT CHARACTER}b" in out


def test_the_card_tells_them_too(model_path: Path) -> None:
    model = model_file.read(model_path)
    plain, camera = (model_card(m, model.labels) for m in (as_they_are(model.manifest), for_cameras(model.manifest)))
    assert "Input: the whole picture, 28x28" in plain and "on pictures as they are" in plain
    assert "Input: the object, cut out on black, 28x28" in camera and "changed to look like a camera's" in camera


def test_it_says_what_a_network_began_as_and_who_taught_it() -> None:
    assert learned_from(None, (), ()) == ""
    assert learned_from("nano", (), ()) == " from nano"
    assert learned_from("nano", ("base", "camera"), ()) == " from nano, taught by base and camera"
    assert learned_from(None, ("base",), ("a", "b")) == ", taught by base, the mean of a and b"
