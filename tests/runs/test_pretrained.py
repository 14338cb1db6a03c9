from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras as keras
from random_weights import with_random_weights
from support import fedge, one_line_error, write_class_folders

from fedge.errors import FedgeError, RunError
from fedge.model import file as model_file
from fedge.model.self_test import unpack
from fedge.model.shipped import shipped_models
from fedge_quantize.conversion.convert import convert
from fedge_quantize.conversion.fold_batch_norm import fold
from fedge_train.networks.from_tflite import model_from_tflite
from fedge_train.networks.predict import predictor
from fedge_train.runs.pretrained import pretrained, resolved_name
from fedge_train.runs.run_folder import read_config

SHAPE = (28, 28, 1)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Blocks of all brightnesses, black and white among them."""
    blocks = np.random.default_rng(0).integers(0, 256, (64, 7, 7, 1), dtype=np.uint8)
    blocks[0, 0, 0], blocks[0, 0, 1] = 0, 255
    return blocks.repeat(4, axis=1).repeat(4, axis=2)


@pytest.mark.parametrize("name", sorted(shipped_models()))
def test_a_shipped_model_goes_on_as_a_float_network(name: str) -> None:
    model = pretrained(name)
    assert model.model is not None and model.knows("fashion-mnist") and not model.knows("/somewhere/else")
    inputs = unpack(model.model.golden).inputs
    network = model.network(SHAPE, model.labels, inputs)
    int8, real = model.predictor()(inputs), predictor(network)(inputs)
    # Rounding of activations is all that differs; it moves logits by tenths where these range over some ten.
    assert np.abs(int8 - real).max() < 0.1 * np.ptp(int8)
    assert (int8.argmax(1) == real.argmax(1)).mean() >= 0.9
    # Each norm takes off the very mean and variance of these pictures, so that training goes on from the same answers.
    training = network(inputs.astype(np.float32) / 255, training=True).numpy()
    assert np.abs(training - real).max() < 0.02 * np.ptp(real)


@pytest.fixture(scope="module")
def nano() -> keras.Model:
    return fold(with_random_weights("nano", SHAPE, 7))


def test_all_weights_come_back(nano: keras.Model, pictures: np.ndarray) -> None:
    flatbuffer = convert(nano, pictures)
    again = model_from_tflite(flatbuffer, "nano", SHAPE, 7, pictures)
    for ours, theirs in zip(fold(again).get_weights(), nano.get_weights(), strict=True):
        # A kernel's step is its channel's largest weight over 127, half of which is the most that rounding takes; a
        # bias has a finer one. float32 sums of some hundred terms leave far less.
        assert np.abs(ours - theirs).max() <= 0.51 * np.abs(theirs).max() / 127
    fresh = model_from_tflite(flatbuffer, "nano", SHAPE, 3, pictures, head=False)
    assert fresh.output_shape == (None, 3)
    assert np.array_equal(fresh.layers[1].get_weights()[0], again.layers[1].get_weights()[0])


def test_what_cannot_be_read_back_is_refused(nano: keras.Model, pictures: np.ndarray) -> None:
    flatbuffer = convert(nano, pictures)
    with pytest.raises(FedgeError, match="classic cannot go on from a model file"):
        model_from_tflite(flatbuffer, "classic", SHAPE, 7, pictures)
    with pytest.raises(FedgeError, match="no weights for the layer stem of small"):
        model_from_tflite(flatbuffer, "small", SHAPE, 7, pictures)
    with pytest.raises(FedgeError, match="layer stem has weights of another shape"):
        model_from_tflite(flatbuffer, "nano", (28, 28, 3), 7, pictures.repeat(3, axis=3))
    with pytest.raises(RunError, match="no run folder or model nowhere"):
        pretrained("nowhere")


def test_a_run_finds_what_it_started_from_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolved_name("nano") == "nano"
    assert resolved_name("my.tflite") == str(tmp_path / "my.tflite")
    (tmp_path / "nano").mkdir()
    assert resolved_name("nano") == str(tmp_path / "nano")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("data"), ["Bag", "Sneaker", "Trouser"], 60)


def trained(folder: Path, out: Path, *arguments: object) -> dict[str, Any]:
    done = fedge("train", "--data", folder, *arguments, "--epochs", 1, "--batch", 16, "--out", out, "--json")
    assert done.code == 0, done.err
    report: dict[str, Any] = done.json()
    return report


def test_other_classes_are_learned_faster_from_a_shipped_model(folder: Path, tmp_path: Path) -> None:
    transferred = trained(folder, tmp_path / "transferred", "--from", "nano", "--learning-rate", 0.02)
    # The architecture and the pictures' preprocessing are those of the model, and what it knows is kept.
    assert transferred["architecture"] == "nano"
    random = trained(folder, tmp_path / "random", "--arch", "nano", "--size", 28, "--gray", "--learning-rate", 0.02)
    # Chance is a third. Of 36 test pictures a standard error is at most 8%: four of them are between the two.
    assert random["accuracy"] + 0.32 < transferred["accuracy"]
    done = fedge("quantize", tmp_path / "transferred", "--method", "ptq", "--max-drop", 50, "--json")
    assert done.code == 0, done.err
    recipe = model_file.read(Path(done.json()["model"])).manifest.preprocessing
    assert recipe.shape == SHAPE and recipe.cut_out is not None


def test_new_classes_are_learned_at_a_lower_rate_than_known_ones(folder: Path, tmp_path: Path) -> None:
    shape = ("--arch", "nano", "--size", 28, "--gray")
    trained(folder, tmp_path / "first", *shape)
    trained(folder, tmp_path / "same", "--from", tmp_path / "first")
    trained(folder, tmp_path / "other", "--from", "nano")
    trained(folder, tmp_path / "told", "--from", "nano", "--learning-rate", 0.03)
    first, same, other, told = (
        read_config(tmp_path / name).plan.learning_rate for name in ("first", "same", "other", "told")
    )
    assert same == first and other == pytest.approx(first / 10) and told == 0.03


@pytest.mark.parametrize("labels", [("a", "b", "c"), ("a", "b")])
def test_other_classes_get_a_last_layer_of_their_own_in_every_architecture(
    labels: tuple[str, ...], folder: Path, tmp_path: Path
) -> None:
    trained(folder, tmp_path / "run", "--arch", "classic", "--size", 16, "--gray")
    start = pretrained(str(tmp_path / "run"))
    nothing = np.zeros((1, 16, 16, 1), np.uint8)
    same, other = (start.network((16, 16, 1), names, nothing).layers for names in (start.labels, labels))
    assert np.array_equal(same[1].get_weights()[0], other[1].get_weights()[0])
    assert other[-1].units == len(labels)
    assert not np.array_equal(same[-1].get_weights()[0], other[-1].get_weights()[0])


def test_a_model_file_teaches(folder: Path, tmp_path: Path) -> None:
    done = fedge(
        "train", "--data", folder, "--teacher", "nano", "--arch", "nano", "--epochs", 1, "--out", tmp_path / "run"
    )
    assert done.code == 1 and "the teacher nano was trained on other classes" in one_line_error(done)
    assert not (tmp_path / "run").exists()
