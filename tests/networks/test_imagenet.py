"""The backbone's ImageNet weights: its features are the reference's, folded too."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tf_keras import Model

from fedge.errors import FedgeError, MissingExtra
from fedge_quantize.conversion.fold_batch_norm import fold
from fedge_train.networks import imagenet
from fedge_train.networks.architectures import build
from fedge_train.networks.features import feature_extractor, set_head
from fedge_train.networks.imagenet import freeze, set_imagenet_weights
from fedge_train.networks.predict import predictor

REFERENCE = Path(__file__).parent / "reference" / "lite0_features.json"


def picture(side: int) -> NDArray[np.uint8]:
    """As `reference/lite0_features.py` makes it."""
    y, x = np.mgrid[:side, :side] / side
    waves = [np.sin(20 * x + 5 * y), np.sin(3 * x - 30 * y * y), np.sin(40 * x * y)]
    return np.round(127.5 + 127.5 * np.stack(waves, axis=-1)).astype(np.uint8)


def backbone(side: int) -> Model:
    model = build("lite0", (side, side, 3), 2)
    set_imagenet_weights(model)
    return model


@pytest.mark.parametrize("side", [96, 224])
def test_the_features_are_those_of_the_reference(side: int) -> None:
    expected = np.array(json.loads(REFERENCE.read_text())[str(side)])
    assert expected.shape == (1280,)
    found = feature_extractor(backbone(side))(picture(side)[np.newaxis])[0]
    # Sixteen blocks in float32, summed in another order; the reference is rounded to 5 places.
    assert np.abs(found - expected).max() < 2e-4 * max(1.0, np.abs(expected).max())


def test_folding_keeps_the_answers() -> None:
    model = backbone(96)
    generator = np.random.default_rng(0)
    set_head(model, generator.normal(size=(1280, 2)).astype(np.float32), np.zeros(2, np.float32))
    pictures = generator.integers(0, 256, (4, 96, 96, 3), dtype=np.uint8)
    # float32 over 50 layers, and logits that are sums of 1,280 features.
    assert np.allclose(predictor(model)(pictures), predictor(fold(model))(pictures), atol=2e-2)


def test_what_is_frozen_is_not_trained() -> None:
    model = backbone(96)
    freeze(model)
    assert {weight.name.split("/")[0] for weight in model.trainable_weights} == {"logits"}
    freeze(model, blocks=1)
    trained = {weight.name.split("/")[0].split("_")[0] for weight in model.trainable_weights}
    assert trained == {"b15", "head", "logits"}


def test_gray_pictures_are_refused() -> None:
    with pytest.raises(FedgeError, match="colour"):
        build("lite0", (96, 96, 1), 2)


def test_other_networks_have_no_imagenet_weights() -> None:
    with pytest.raises(FedgeError, match="nano"):
        set_imagenet_weights(build("nano", (28, 28, 1), 2))


def test_weights_that_are_missing_or_changed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "SHA256", "0" * 64)
    with pytest.raises(FedgeError, match="not the file"):
        imagenet.imagenet_weights()
    monkeypatch.setattr(imagenet, "PACKAGE", "no_such_package")
    with pytest.raises(MissingExtra):
        imagenet.imagenet_weights()
