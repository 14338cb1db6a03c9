"""Adopting classifiers of other types, scales and orders, which are made here by hand."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from support import fedge, one_line_error
from tiny_networks import (
    COLORS,
    UINT8,
    colored,
    float_classifier,
    quantized_classifier,
    regression,
    write_colored,
)

from fedge.cli.main import run
from fedge.commands.making.adopt import AdoptOptions, adopt
from fedge.errors import DataError, ModelFileError, NotAModelFile, ParityRefused
from fedge.making.foreign.network import read_labels, read_network
from fedge.making.foreign.normalization import NORMALIZATIONS, Asked
from fedge.making.graph.append_layer import INT8
from fedge.model import file as model_file
from fedge.model.classifier import load
from fedge.model.format.archive import append_archive
from fedge.model.format.foreign import ForeignInput, ForeignOutput
from fedge.model.format.schema import from_json, to_json
from fedge.model.manifest import AdoptedManifest
from fedge.model.self_test import self_test

MINUS_ONE_TO_ONE = (1 / 127.5, -1.0)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colored(tmp_path_factory.mktemp("data") / "photos", 20)


@pytest.fixture
def options(tmp_path: Path, photos: Path) -> AdoptOptions:
    """What is asked of the uint8 classifier."""
    (tmp_path / "labels.txt").write_text("0 blue\n1 green\n2 red\n")
    (tmp_path / "model.tflite").write_bytes(quantized_classifier(UINT8))
    return AdoptOptions(tmp_path / "model.tflite", tmp_path / "labels.txt", str(photos), tmp_path / "adopted.tflite")


@pytest.mark.parametrize(
    ("network", "scale", "order", "kind"),
    [
        (quantized_classifier(UINT8), "-1..1", "rgb", "probabilities"),
        (quantized_classifier(INT8), "-1..1", "rgb", "probabilities"),
        (float_classifier(MINUS_ONE_TO_ONE), "-1..1", "rgb", "probabilities"),
        (float_classifier((1.0, 0.0), bgr=True, softmax=False), "0..255", "bgr", "logits"),
    ],
    ids=["uint8", "int8", "float", "bgr-logits"],
)
def test_each_kind_is_adopted_and_found_out(
    options: AdoptOptions, network: bytes, scale: str, order: str, kind: str
) -> None:
    options.file.write_bytes(network)
    report = adopt(options)
    assert (report.scale, report.order, report.output) == (scale, order, kind)
    assert report.evaluation.accuracy >= 0.9 and report.evaluation.n == 30 and report.accepted is False
    classifier = load(options.out)
    assert self_test(classifier).passed
    answer = classifier(colored("green", 99))
    assert answer.top[0][0] == "green" and 0 < answer.score <= 1
    assert sum(answer.probabilities) == pytest.approx(1)


def test_run_verify_eval_and_info_take_it(options: AdoptOptions, photos: Path) -> None:
    done = fedge("adopt", options.file, "--labels", options.labels, "--data", photos, "--out", options.out, "--json")
    assert done.code == 0 and "tried on 30 pictures: -1..1 rgb stretch" in done.err, done.err
    assert done.json()["parity"] is None
    assert run(["verify", str(options.out)]) == 0
    assert "made elsewhere (model.tflite)" in fedge("info", options.out).out
    evaluated = fedge("eval", options.out, "--data", photos, "--json")
    assert evaluated.code == 0 and evaluated.json()["accuracy"] >= 0.9, evaluated.err
    answers = fedge("run", options.out, "--source", photos / "red", "--reject", "off", "--json")
    assert [line["label"] for line in answers.lines()].count("red") >= 15 and "unproved" in answers.err


def test_a_float_parent_is_held_against_it_and_a_planted_bad_file_is_refused(options: AdoptOptions) -> None:
    parent = options.file.with_name("parent.tflite")
    parent.write_bytes(float_classifier(MINUS_ONE_TO_ONE))
    proved = dataclasses.replace(options, float_parent=parent, max_drop_pp=15, asked=Asked("-1..1", "rgb", "stretch"))
    report = adopt(proved)
    assert report.accepted and report.parity is not None and report.parity.agreement >= 0.95
    manifest = model_file.read(options.out).manifest
    assert isinstance(manifest, AdoptedManifest) and manifest.parity and manifest.parity.proof == "test"
    assert manifest.adopted.float_file == "parent.tflite"
    options.out.unlink()
    options.file.write_bytes(quantized_classifier(UINT8, broken=True))
    with pytest.raises(ParityRefused, match="lost"):
        adopt(proved)
    assert not options.out.exists()
    with pytest.raises(ParityRefused, match="too few test pictures"):
        adopt(dataclasses.replace(proved, max_drop_pp=0.5))
    adopt(dataclasses.replace(proved, unproved=True))
    written = model_file.read(options.out).manifest
    assert written.parity and written.parity.proof == "none"


def test_metadata_of_other_tools_behind_the_network_is_left_behind(options: AdoptOptions) -> None:
    network = options.file.read_bytes()
    options.file.write_bytes(append_archive(network, {"labels_and_more.txt": b"anything"}))
    adopt(options)
    assert model_file.read(options.out).flatbuffer == network


def test_what_cannot_be_adopted_is_told_in_one_line(options: AdoptOptions, photos: Path) -> None:
    def refused(*more: object) -> str:
        return one_line_error(fedge("adopt", options.file, "--labels", options.labels, "--data", photos, *more))

    options.labels.write_text("blue\ngreen\n")
    assert "2 labels for 3 outputs" in refused()
    options.labels.write_text("blue\ngreen\nviolet\n")
    assert "the model has no class red" in refused()
    options.file.write_bytes(b"no network")
    assert "no TFLite network" in refused()
    options.file.write_bytes(quantized_classifier(UINT8)[:-40])
    with pytest.raises(ModelFileError):
        read_network(options.file)
    options.file.write_bytes(regression())
    with pytest.raises(NotAModelFile, match="not a value for each of two classes"):
        read_network(options.file)


def test_labels_are_read_with_and_without_numbers(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    for text in ("cup\nplant\n", "0 cup\n1 plant", "\ufeff0: cup\r\n1: plant\r\n", "\ncup\n\nplant\n"):
        path.write_text(text, encoding="utf-8")
        assert read_labels(path, 2) == ("cup", "plant")
    path.write_text("1 cup\n2 plants\n")
    assert read_labels(path, 2) == ("1 cup", "2 plants")
    path.write_text("cup\ncup\n")
    with pytest.raises(DataError, match="twice"):
        read_labels(path, 2)


def test_a_pixel_becomes_what_the_normalization_says() -> None:
    image = np.array([[[0, 128, 255]]], dtype=np.uint8)
    gain, offset = NORMALIZATIONS["-1..1"]
    given = ForeignInput(1, 1, 3, "bgr", "int8", 1 / 255, -128, *NORMALIZATIONS["0..1"])
    np.testing.assert_array_equal(given.encode(image), [[[127, 0, -128]]])
    floats = ForeignInput(1, 1, 3, "rgb", "float32", 1.0, 0, gain, offset)
    np.testing.assert_allclose(floats.encode(image), [[[-1, 128 / 127.5 - 1, 1]]], atol=2**-23)


def test_probabilities_count_as_logits_by_their_logarithm() -> None:
    output = ForeignOutput(2, "uint8", 1 / 256, 0, "probabilities")
    np.testing.assert_allclose(output.real(np.array([0, 128], np.uint8)), np.log([1 / 512, 0.5]))
    logits = ForeignOutput(2, "float32", 1.0, 0, "logits")
    np.testing.assert_array_equal(logits.real(np.array([-3.5, 2.0], np.float32)), [-3.5, 2.0])


def test_format_2_is_read_as_written_and_what_contradicts_it_is_refused(options: AdoptOptions) -> None:
    adopt(options)
    content = model_file.read(options.out)
    assert from_json(AdoptedManifest, json.loads(json.dumps(to_json(content.manifest)))) == content.manifest
    assert content.labels == tuple(COLORS)
    from model_file_lies import setting

    data = options.out.read_bytes()
    for value, names, what in (
        ("int8", ("input", "dtype"), "the network's input is uint8"),
        (0.5, ("output", "scale"), "output has another scale"),
        ("bgr", ("input", "color_order"), None),
        ([1.0], ("input", "gain"), "one number for each channel"),
        (1, ("format",), "not a known field"),
        (3, ("format",), "needs fedge"),
    ):
        lie = setting(value, *names)(data)
        if what is None:
            model_file.parse_bytes(lie)
            continue
        with pytest.raises(ModelFileError, match=what):
            model_file.parse_bytes(lie)
