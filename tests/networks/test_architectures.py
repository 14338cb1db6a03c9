import math
from pathlib import Path

import numpy as np
import pytest
import tf_keras as keras
from support import fedge, write_class_folders

from fedge.errors import FedgeError
from fedge_quantize.conversion.convert import convert
from fedge_quantize.conversion.fold_batch_norm import fold
from fedge_train.networks.architectures import ARCHITECTURES, build
from fedge_train.networks.imagenet import BACKBONES
from fedge_train.networks.plans import PLANS, plan_for
from fedge_train.networks.predict import predictor

BUDGETS = {"nano": 32_000, "small": 100_000, "base": 250_000, "camera": 250_000}


@pytest.fixture(scope="module")
def calibration() -> np.ndarray:
    images = np.random.default_rng(0).integers(0, 256, (8, 28, 28, 1), dtype=np.uint8)
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    return images


@pytest.mark.parametrize("name", BUDGETS)
def test_the_flatbuffer_keeps_its_budget(name: str, calibration: np.ndarray) -> None:
    model = build(name, (28, 28, 1), 10)
    generator = np.random.default_rng(0)
    # Fresh weights would leave every bias zero, and equal ones are stored once.
    model.set_weights([w + generator.uniform(0.05, 0.1, w.shape) for w in model.get_weights()])
    assert len(convert(fold(model), calibration)) <= BUDGETS[name]


def test_every_architecture_has_a_plan() -> None:
    assert PLANS.keys() == ARCHITECTURES.keys()


def test_few_pictures_get_more_epochs_and_smaller_batches() -> None:
    assert plan_for("base", 55_000) == PLANS["base"]
    # 200,000 pictures seen in epochs of 2,454; 32 batches of 64 fit into one, 32 of 128 do not.
    assert (plan_for("base", 2_454).epochs, plan_for("base", 2_454).batch) == (82, 64)
    assert plan_for("base", 55_000).skip > 0 == plan_for("base", 2_454).skip
    few = plan_for("base", 100)
    assert (few.epochs, few.batch) == (150, 16)
    assert few.learning_rate == pytest.approx(PLANS["base"].learning_rate / math.sqrt(128 / 16))


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(28, 28, 1), (64, 64, 3)])
def test_folding_keeps_the_function(name: str, shape: tuple[int, int, int]) -> None:
    if name in BACKBONES and shape[2] == 1:
        pytest.skip("takes pictures in colour")
    keras.utils.set_random_seed(0)
    model = build(name, shape, 7)
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([generator.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    images = generator.integers(0, 256, (4, *shape), dtype=np.uint8)
    a, b = predictor(model)(images), predictor(fold(model))(images)
    # float32 keeps 24 bits; some 20 layers of sums of up to 600 terms leave far better than 1e-3 of the range.
    assert np.abs(a - b).max() <= 1e-3 * np.ptp(a)


def test_the_manuals_networks_are_as_the_manual_has_them() -> None:
    # 320 + 18,496 + 204,928 + 1,290 and 320 + 18,496 + 73,856 + 262,272 + 1,290 parameters, by hand.
    assert build("classic", (28, 28, 1), 10).count_params() == 225_034
    assert build("leaky", (28, 28, 1), 10).count_params() == 356_234


def test_refuses_a_foreign_name_and_too_small_a_picture() -> None:
    with pytest.raises(FedgeError, match="no architecture 'huge'"):
        build("huge", (28, 28, 1), 10)
    with pytest.raises(FedgeError, match="classic cannot take pictures of 8x8"):
        build("classic", (8, 8, 1), 10)


# Sizes at which a strided 1x1 convolution's gradient killed the process.
@pytest.mark.parametrize(("size", "batch"), [(16, 17), (64, 16)])
def test_training_survives_odd_batches_and_larger_pictures(tmp_path: Path, size: int, batch: int) -> None:
    data = write_class_folders(tmp_path / "data", ["Bag", "Sneaker"], 30)
    arguments = ("--data", data, "--arch", "nano", "--size", size, "--batch", batch, "--epochs", 2)
    done = fedge("train", *arguments, "--out", tmp_path / "run")
    assert done.code == 0, done.err
