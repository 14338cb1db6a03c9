"""`fedge export`: what other tools read of the files, and that they answer as the packed file does."""

import dataclasses
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import fedge, one_line_error
from tiny_networks import COLORS, write_colored, write_tiny_backbone

from fedge.commands.making import export as work
from fedge.commands.making.export import ExportOptions, export
from fedge.errors import FedgeError, ParityRefused
from fedge.images.preprocess import Recipe, apply
from fedge.making.graph.adapt import adapt
from fedge.making.graph.metadata import with_metadata
from fedge.model import file as model_file
from fedge.model.classifier import Classifier, load
from fedge.model.confidence import Confidence
from fedge.model.format.flatbuffer import Reader, read_graph
from fedge.model.interpreter import Network

# Float32 against float64 softmax.
CLOSE = 1e-5
# A Python that has MediaPipe, if this one has not.
MEDIAPIPE = os.environ.get("FEDGE_TEST_MEDIAPIPE", sys.executable)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colored(tmp_path_factory.mktemp("data") / "photos", 20)


@pytest.fixture(scope="module")
def taught(photos: Path) -> Path:
    """A model of colour pictures, 32x32."""
    backbone = write_tiny_backbone(photos.parent / "tiny.tflite")
    done = fedge("teach", backbone, "--data", photos, "--out", photos.parent / "things.tflite", "--max-drop", 25)
    assert done.code == 0, done.err
    return photos.parent / "things.tflite"


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples") / "samples"
    assert fedge("samples", folder, "--count", 40).code == 0
    return folder


def stored_metadata(flatbuffer: bytes) -> bytes:
    """The network's TFLite metadata."""
    reader = Reader(flatbuffer)
    model = reader.follow(0)
    found = [table for table in reader.tables(model, 6) if reader.text(table, 0) == "TFLITE_METADATA"]
    at = reader.field(found[-1], 1)
    assert at is not None and len(found) == 1
    start, count = reader.vector(reader.tables(model, 4)[reader.number("I", at)], 0)
    return flatbuffer[start : start + count]


def described(flatbuffer: bytes) -> dict[str, Any]:
    """What the metadata say, read with the field numbers of `metadata_schema.fbs`."""
    data = stored_metadata(flatbuffer)
    assert data[4:8] == b"M001"
    # The one reader of flatbuffers here asks for TFLite's own identifier.
    reader = Reader(data[:4] + b"TFL3" + data[8:])
    root = reader.follow(0)
    graph = reader.tables(root, 3)[0]
    (given,), (result,) = reader.tables(graph, 2), reader.tables(graph, 3)
    content, unit = reader.field(given, 3), reader.tables(given, 4)[0]
    options = reader.field(unit, 1)
    assert content is not None and options is not None
    picture = reader.field(reader.follow(content), 1)
    assert picture is not None
    color = reader.field(reader.follow(picture), 0)
    assert color is not None
    file = reader.tables(result, 6)[0]
    return {
        "name": reader.text(root, 0),
        "tensors": (reader.text(given, 0), reader.text(result, 0)),
        "color": {1: "rgb", 2: "gray"}[reader.number("b", color)],
        "mean": reader.numbers(reader.follow(options), 0, "<f4"),
        "std": reader.numbers(reader.follow(options), 1, "<f4"),
        "file": reader.text(file, 0),
    }


def test_a_packed_model_says_what_it_takes_and_gives(taught: Path) -> None:
    content = model_file.read(taught)
    facts = described(content.flatbuffer)
    assert facts["tensors"] == ("image", "logits") and facts["file"] == "labels.txt" and facts["name"] == "things"
    # The flatbuffer means its bytes as 0..1.
    assert (facts["color"], facts["mean"], facts["std"]) == ("rgb", [0.0], [255.0])
    graph = read_graph(content.flatbuffer)
    assert (graph.inputs[0].name, graph.outputs[0].name) == ("image", "logits")
    with zipfile.ZipFile(taught) as archive:
        assert archive.getinfo("labels.txt").compress_type == zipfile.ZIP_STORED
    assert fedge("verify", taught).code == 0


def test_metadata_change_no_answer_and_are_written_once(classifier: Classifier) -> None:
    flatbuffer = classifier.model.flatbuffer
    once = with_metadata(flatbuffer, "a", classifier.model.manifest.preprocessing, "labels.txt")
    twice = with_metadata(once, "b", classifier.model.manifest.preprocessing, "labels.txt")
    assert once.endswith(flatbuffer) and described(twice)["name"] == "b" and described(twice)["color"] == "gray"
    image = np.random.default_rng(0).integers(0, 256, (28, 28, 1), dtype=np.uint8)
    networks = [Network(data).logits(image).tolist() for data in (flatbuffer, once, twice)]
    assert networks[0] == networks[1] == networks[2]


def test_mediapipe_gets_colour_in_scores_out_labels_within(taught: Path, photos: Path, tmp_path: Path) -> None:
    done = fedge("export", taught, "--for", "mediapipe", "--out", tmp_path, "--json")
    assert done.code == 0, done.err
    report = done.json()
    path = tmp_path / "things.tflite"
    assert report["files"] == [str(path)] and report["input"] == [32, 32, 3] and report["agreement"] == 1.0
    with zipfile.ZipFile(path) as archive:
        assert archive.read("labels.txt").decode().splitlines() == list(COLORS)
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    graph = read_graph(path.read_bytes())
    assert (graph.inputs[0].name, graph.inputs[0].dtype) == ("image", "uint8")
    assert (graph.outputs[0].name, graph.outputs[0].dtype) == ("scores", "float32")
    assert described(path.read_bytes())["tensors"] == ("image", "scores")
    classifier, network = load(taught), Network(path.read_bytes())
    image = apply(classifier.model.manifest.preprocessing, next(pictures(photos)))
    np.testing.assert_allclose(network.logits(image), classifier.probabilities(classifier.logits(image)), atol=CLOSE)


def pictures(folder: Path) -> Iterator[Any]:
    yield from (cv2.imread(str(path)) for path in sorted(folder.rglob("*.png")))


def test_frigate_gets_224_pixels_and_a_label_map(taught: Path, photos: Path, tmp_path: Path) -> None:
    done = fedge("export", taught, "--for", "frigate", "--out", tmp_path / "things", "--data", photos, "--json")
    assert done.code == 0, done.err
    assert done.json()["pictures"] == 60 and done.json()["input"] == [224, 224, 3]
    assert (tmp_path / "things" / "labelmap.txt").read_text().splitlines() == list(COLORS)
    network = Network((tmp_path / "things" / "model.tflite").read_bytes())
    for color, picture in ((name, next(pictures(photos / name))) for name in COLORS):
        # As Frigate's own classifiers do it.
        scores = network.logits(cv2.cvtColor(cv2.resize(picture, (224, 224)), cv2.COLOR_BGR2RGB))
        assert list(COLORS)[int(np.argmax(scores / scores.sum()))] == color
        assert scores.sum() == pytest.approx(1, abs=CLOSE) and scores.min() >= 0


@pytest.mark.parametrize("size", [(28, 28), (224, 224), (56, 84)])
@pytest.mark.parametrize("unknown", [None, 0.5])
def test_a_gray_network_takes_colour_of_any_size(
    classifier: Classifier, size: tuple[int, int], unknown: float | None
) -> None:
    recipe, confidence = classifier.model.manifest.preprocessing, classifier.model.manifest.confidence
    confidence = dataclasses.replace(confidence, unknown=unknown)
    network = Network(adapt(classifier.model.flatbuffer, recipe, confidence, "x", "labels.txt", size))
    image = np.random.default_rng(1).integers(0, 256, (28, 28, 1), dtype=np.uint8)
    # The mean of a block of equal pixels is these pixels: the network sees the very same picture.
    blocks = image.repeat(size[0] // 28, 0).repeat(size[1] // 28, 1).repeat(3, 2)
    expected = confidence.probabilities(classifier.model.manifest.output.real(classifier.logits(image)))
    scores = network.logits(blocks)
    np.testing.assert_allclose(scores[: len(expected)], expected, atol=CLOSE)
    assert len(scores) == len(expected) + (unknown is not None) and scores.sum() == pytest.approx(1, abs=CLOSE)


@pytest.mark.parametrize("size", [(50, 40), (224, 224), (24, 20)])
def test_other_sizes_are_the_mean_of_about_the_same_pixels(taught: Path, size: tuple[int, int]) -> None:
    classifier = load(taught)
    network = Network(adapt(classifier.model.flatbuffer, Recipe(32, 32, "rgb"), Confidence(), "x", "labels.txt", size))
    for color in COLORS.values():
        # A picture of one colour is the same in every size.
        plain = np.full((*size, 3), color[::-1], np.uint8)
        logits = classifier.logits(np.full((32, 32, 3), color[::-1], np.uint8))
        expected = Confidence().probabilities(classifier.model.manifest.output.real(logits))
        np.testing.assert_allclose(network.logits(plain), expected, atol=CLOSE)


def test_what_cuts_out_is_exported_only_where_pictures_show_that_it_does_not_matter(
    samples: Path, tmp_path: Path
) -> None:
    refused = fedge("export", "base", "--for", "mediapipe", "--out", tmp_path / "base.tflite")
    assert refused.code == 3 and "cuts the object out" in one_line_error(refused)
    assert list(tmp_path.iterdir()) == []
    # The samples are on white; without fedge's preparation they stay so.
    refused = fedge("export", "base", "--for", "frigate", "--out", tmp_path / "out", "--data", samples)
    assert refused.code == 3 and "--subject whole" in one_line_error(refused) and not (tmp_path / "out").exists()
    black = tmp_path / "black"
    black.mkdir()
    for path in samples.rglob("*.png"):
        picture = cv2.imread(str(path))
        assert picture is not None
        cv2.imwrite(str(black / path.name), 255 - picture)
    done = fedge("export", "base", "--for", "frigate", "--out", tmp_path / "out", "--data", black)
    assert done.code == 0 and "the whole picture" in done.out, done.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["labelmap.txt", "model.tflite"]


def test_labels_alone_go_for_every_model(tmp_path: Path) -> None:
    report = export(ExportOptions("base", "labels", tmp_path / "new" / "names.txt"))
    assert (tmp_path / "new" / "names.txt").read_text().splitlines() == list(report.labels)
    assert fedge("export", "nothing", "--for", "labels").code == 1


def test_a_class_that_begins_with_a_number_keeps_it_in_frigate() -> None:
    assert work._label_map(("7 up", "cola")) == b"0 7 up\n1 cola\n"
    assert work._label_map(("cola", "7 up")) == b"cola\n7 up\n"
    assert work._none(("none", "cup")) == "none of these"


def test_what_answers_otherwise_is_refused_and_nothing_is_written(
    taught: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ExportOptions(str(taught), "frigate", tmp_path / "out", str(photos))

    def wrong_temperature(flatbuffer: bytes, recipe: Any, confidence: Confidence, *rest: Any) -> bytes:
        return adapt(flatbuffer, recipe, dataclasses.replace(confidence, temperature=9.0), *rest)

    monkeypatch.setattr(work, "adapt", wrong_temperature)
    with pytest.raises(ParityRefused, match="score would differ"):
        export(options)
    monkeypatch.setattr(work, "adapt", adapt)
    monkeypatch.setattr(work, "_as_the_tool", lambda picture, size: np.zeros((*size, 3), np.uint8))
    with pytest.raises(ParityRefused, match="answer to"):
        export(options)
    assert not (tmp_path / "out").exists()


def test_what_was_adopted_is_not_adapted(photos: Path, tmp_path: Path) -> None:
    from tiny_networks import UINT8, quantized_classifier

    (tmp_path / "labels.txt").write_text("blue\ngreen\nred\n")
    (tmp_path / "model.tflite").write_bytes(quantized_classifier(UINT8))
    adopted = tmp_path / "adopted.tflite"
    arguments = ("--labels", tmp_path / "labels.txt", "--data", photos, "--out", adopted)
    assert fedge("adopt", tmp_path / "model.tflite", *arguments).code == 0
    with pytest.raises(FedgeError, match="made elsewhere"):
        export(ExportOptions(str(adopted), "mediapipe", tmp_path / "x.tflite"))
    assert export(ExportOptions(str(adopted), "labels", tmp_path / "l.txt")).labels == tuple(COLORS)


_ASK_MEDIAPIPE = """
import json, sys
import mediapipe
from mediapipe.tasks.python import BaseOptions, vision
options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=sys.argv[1]))
with vision.ImageClassifier.create_from_options(options) as classifier:
    for path in sys.argv[2:]:
        found = classifier.classify(mediapipe.Image.create_from_file(path)).classifications[0].categories
        print(json.dumps({category.category_name: category.score for category in found}))
"""


@pytest.mark.skipif(
    subprocess.run([MEDIAPIPE, "-c", "import mediapipe"], capture_output=True).returncode != 0,
    reason="MediaPipe is not installed; $FEDGE_TEST_MEDIAPIPE may name a Python that has it",
)
def test_the_real_mediapipe_gives_the_packed_files_scores(taught: Path, photos: Path, tmp_path: Path) -> None:
    assert fedge("export", taught, "--for", "mediapipe", "--out", tmp_path / "m.tflite").code == 0
    paths = [str(path) for path in sorted(photos.rglob("*.png"))]
    command = [MEDIAPIPE, "-c", _ASK_MEDIAPIPE, str(tmp_path / "m.tflite"), *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    classifier = load(taught)
    for path, line in zip(paths, done.stdout.splitlines(), strict=True):
        answer, scores = classifier(path), json.loads(line)
        assert sorted(scores) == sorted(COLORS) and max(scores, key=scores.get) == answer.top[0][0]
        # It resizes bilinearly, fedge by area.
        assert scores[answer.top[0][0]] == pytest.approx(answer.score, abs=0.1)
