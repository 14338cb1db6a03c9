"""A backbone of one's own under `fedge train`: from its file to a model file that passed the gate."""

import json
from pathlib import Path

import numpy as np
import pytest
from support import fedge, one_line_error
from tiny_networks import (
    INT8,
    SIDE,
    UINT8,
    Graph,
    float_classifier,
    float_features,
    quantized_classifier,
    regression,
    tiny_features,
    write_colored,
    write_tiny_backbone,
)

from fedge.cli.main import run
from fedge.data.decoded.array import PictureArray
from fedge.errors import FedgeError, NotAModelFile, RunError
from fedge.making.foreign.extractor import ExtractorNetwork, read_extractor
from fedge.model import file as model_file
from fedge.model.classifier import load
from fedge.model.interpreter import Network
from fedge_quantize.candidates import QuantizeOptions
from fedge_quantize.quantize import quantize
from fedge_train.commands.train import train, train_started
from fedge_train.commands.train_settings import TrainOptions, resume_run, start_run
from fedge_train.runs.pretrained import pretrained
from fedge_train.runs.run_folder import BACKBONE, REPORT, WEIGHTS, load_float_model, read_config


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colored(tmp_path_factory.mktemp("data") / "photos", 30)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return write_tiny_backbone(tmp_path / "tiny.tflite")


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def options(photos: Path, backbone: Path, out: Path) -> TrainOptions:
    # Without time for another candidate.
    return TrainOptions(data=(str(photos),), backbone=backbone, minutes=0, out=out)


@pytest.mark.parametrize("kind", ["backbone file", "int8", "float", "float classifier"])
def test_it_becomes_a_model_that_passed_the_gate(kind: str, photos: Path, tmp_path: Path) -> None:
    if kind == "backbone file":
        file = write_tiny_backbone(tmp_path / "mine.tflite")
    else:
        content = {"int8": tiny_features, "float": float_features}.get(kind, lambda: float_classifier((1 / 255, 0.0)))
        file = write(tmp_path / "mine.tflite", content())
    folder = tmp_path / "run"
    trained = train(options(photos, file, folder))
    assert trained.architecture == "mine" and trained.evaluation.accuracy > 0.9 and trained.enough
    # The run is whole without the file that it came from.
    file.unlink()
    config = read_config(folder)
    assert config.backbone is not None and config.head is not None
    assert trained.parameters >= (48 + 1) * 3
    report = quantize(QuantizeOptions(folder))
    assert report.accepted and report.proof == "out-of-fold" and report.by_folds and report.by_folds.n == 90
    model = model_file.read(Path(str(report.model)))
    assert model.labels == ("blue", "green", "red") and model.manifest.training.architecture == "mine"
    assert run(["verify", str(report.model)]) == 0
    answers = [load(report.model)(path).top[0][0] for path in sorted((photos / "red").iterdir())]
    assert answers.count("red") > 25


def test_the_command_line(own: Path, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = fedge("train", "--data", photos, "--backbone", own, "--minutes", 0, "--out", folder, "--json")
    assert done.code == 0, done.err
    assert done.json()["architecture"] == "tiny" and "tried tiny at 32 px, as it is" in done.err
    assert done.json() == json.loads((folder / REPORT).read_text())
    done = fedge("eval", folder, "--json")
    assert done.code == 0 and done.json()["accuracy"] > 0.9, done.err
    refused = one_line_error(fedge("quantize", folder, "--method", "qat"))
    assert "cannot be trained" in refused and not list(folder.glob("*-qat*"))


def test_the_small_network_still_competes(own: Path, photos: Path, tmp_path: Path) -> None:
    cut = write(tmp_path / "blind.tflite", blind())
    start = start_run(options(photos, cut, tmp_path / "run"))
    assert start.chosen is not None and start.own is not None
    # A tenth of a minute is enough for a few dozen pictures.
    start = start_run(TrainOptions(data=(str(photos),), backbone=cut, minutes=5, out=tmp_path / "run"))
    assert start.own is None and start.config.backbone is None and start.config.architecture == "small"


def blind() -> bytes:
    """Features of 32-pixel pictures that are the mean brightness alone."""
    graph = Graph()
    scale = 1 / 255
    picture = graph.tensor((1, SIDE, SIDE, 3), UINT8, scale, 0)
    signed = graph.call(114, (picture,), graph.tensor((1, SIDE, SIDE, 3), INT8, scale, -128), version=2)
    pooled = graph.pool(signed, graph.tensor((1, 1, 1, 3), INT8, scale, -128), SIDE)
    flat = graph.reshape(pooled, graph.tensor((1, 3), INT8, scale, -128), (1, 3))
    weights = graph.tensor((2, 3), INT8, 1 / 127, 0, np.full((2, 3), 1, np.int8))
    bias = graph.tensor((2,), 2, scale / 127, 0, np.zeros(2, np.int32))
    return graph.build(picture, graph.connect(flat, weights, bias, graph.tensor((1, 2), INT8, 1.0, 0)))


def test_an_interrupted_run_goes_on_without_the_file(own: Path, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(options(photos, own, folder))
    weights = load_float_model(folder, read_config(folder)).get_weights()
    own.unlink()
    for name in (REPORT, WEIGHTS):
        (folder / name).unlink()
    with pytest.raises(RunError, match="leave it out on --resume"):
        resume_run(TrainOptions(backbone=own, out=folder, resume=True))
    train_started(resume_run(TrainOptions(out=folder, resume=True)))
    again = load_float_model(folder, read_config(folder)).get_weights()
    assert all(np.array_equal(*pair) for pair in zip(weights, again, strict=True))


def test_what_a_run_rests_on_must_be_what_it_was(own: Path, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(options(photos, own, folder))
    config = read_config(folder)
    start = pretrained(str(folder))
    with pytest.raises(RunError, match="cannot be trained"):
        start.network(config.recipe.shape, config.labels, np.zeros((1, SIDE, SIDE, 3), np.uint8))
    content = (folder / BACKBONE).read_bytes()
    for damaged in (content[:-1], content.replace(b"t0", b"t9"), b""):
        (folder / BACKBONE).write_bytes(damaged)
        with pytest.raises(RunError, match="is not the backbone"):
            load_float_model(folder, config)
    (folder / BACKBONE).unlink()
    with pytest.raises(RunError, match="is not the backbone"):
        load_float_model(folder, config)


@pytest.mark.parametrize(
    ("scale", "normalization"), [("-1..1", (1 / 127.5, -1.0)), ("0..255", (1.0, 0.0)), ("0..1", (1 / 255, 0.0))]
)
def test_what_a_float_one_takes_is_found_out(
    scale: str,
    normalization: tuple[float, float],
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = write(tmp_path / "mine.tflite", float_features(normalization))
    start = start_run(options(photos, file, tmp_path / "run"))
    assert f"; {scale} is taken" in capsys.readouterr().err
    assert start.own is not None and start.config.backbone == start.own.sha256
    image = start.dataset.train.images[0]
    assert isinstance(start.dataset.train.images, PictureArray)
    direct = Network(file.read_bytes()).logits((image * normalization[0] + normalization[1]).astype(np.float32))
    # Two roundings of float32 on values of up to 255.
    assert np.allclose(ExtractorNetwork(start.own, 1)(image), direct, atol=1e-4)


def test_a_model_of_fedge_gives_what_its_last_layer_multiplies(own: Path, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(options(photos, own, folder))
    model = str(quantize(QuantizeOptions(folder)).model)
    found = read_extractor(Path(model))
    assert found.is_int8 and found.features == 48 and found.recipe == read_config(folder).recipe
    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    assert np.array_equal(ExtractorNetwork(found, 1)(picture), ExtractorNetwork(read_extractor(own), 1)(picture))


def test_the_constants_of_a_large_network_are_counted(tmp_path: Path) -> None:
    graph = Graph()
    picture = graph.tensor((1, 20, 20, 3), 0)
    flat = graph.reshape(picture, graph.tensor((1, 1200), 0), (1, 1200))
    weights = graph.tensor((300, 1200), 0, data=np.ones((300, 1200), np.float32))
    bias = graph.tensor((300,), 0, data=np.zeros(300, np.float32))
    content = graph.build(picture, graph.connect(flat, weights, bias, graph.tensor((1, 300), 0), version=1))
    assert len(content) > 1_400_000
    assert read_extractor(write(tmp_path / "large.tflite", content)).constants == 300 * 1201


def gray() -> bytes:
    graph = Graph()
    picture = graph.tensor((1, 4, 4, 1), 0)
    return graph.build(picture, graph.reshape(picture, graph.tensor((1, 16), 0), (1, 16)))


def maps() -> bytes:
    graph = Graph()
    picture = graph.tensor((1, 4, 4, 3), 0)
    return graph.build(picture, graph.pool(picture, graph.tensor((1, 2, 1, 3), 0), 2))


def half() -> bytes:
    """float32 at its ends, and float16 weights."""
    graph = Graph()
    picture = graph.tensor((1, 2, 2, 3), 0)
    features = graph.reshape(picture, graph.tensor((1, 12), 0), (1, 12))
    kept = graph.tensor((4, 12), 1, data=np.ones((4, 12), np.float16))
    weights = graph.call(6, (kept,), graph.tensor((4, 12), 0), version=2)
    bias = graph.tensor((4,), 0, data=np.zeros(4, np.float32))
    return graph.build(picture, graph.connect(features, weights, bias, graph.tensor((1, 4), 0)))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no network at all", "is no TFLite network"),
        (tiny_features()[:200], "is no TFLite network"),
        (gray(), "its input is gray"),
        (maps(), "its output is"),
        (regression(), "not a value for each"),
        (half(), "is float16"),
        (quantized_classifier(UINT8), "ends with probabilities|scale"),
        (quantized_classifier(INT8), "input"),
    ],
)
def test_what_gives_no_features_is_refused_in_one_line(content: bytes, why: str, photos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "bad.tflite", content)
    with pytest.raises(NotAModelFile, match=why) as error:
        train(options(photos, file, tmp_path / "run"))
    assert str(file) in error.value.what and "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_it_goes_with_folders_alone(own: Path, photos: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.tflite"
    with pytest.raises(NotAModelFile, match="there is no file"):
        start_run(options(photos, missing, tmp_path / "run"))
    for odd in ({"architecture": "nano"}, {"size": 64}, {"data": ()}, {"epochs": 3}):
        with pytest.raises(FedgeError, match="--backbone takes folders of photographs"):
            start_run(TrainOptions(**({"data": (str(photos),), "backbone": own} | odd)))
