"""What `fedge quantize` writes is as small as the recipes promise, and is still all that others read of it."""

import numpy as np
import pytest
from random_weights import with_random_weights

from fedge.data.fashion_mnist import LABELS
from fedge.data.load import default_recipe
from fedge.making.graph.metadata import with_metadata
from fedge.model import file as model_file
from fedge.model.format.flatbuffer import read_graph
from fedge.model.interpreter import Network, constants
from fedge.model.shipped import find_model
from fedge_quantize.conversion.compact import compact
from fedge_quantize.conversion.convert import convert
from fedge_quantize.conversion.fold_batch_norm import fold
from fedge_train.networks.from_tflite import model_from_tflite
from fedge_train.recipes.recipe import read_recipe, shipped_recipes

RECIPE = default_recipe(("fashion-mnist",))


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_a_network_with_its_metadata_is_within_the_bytes_of_its_recipe(name: str) -> None:
    recipe = read_recipe(name)
    learned = next(step.options for step in recipe.steps if step.name == name)
    assert learned is not None and learned.architecture is not None
    network = with_random_weights(learned.architecture, RECIPE.shape, len(LABELS))
    pictures = np.random.default_rng(0).integers(0, 256, (8, *RECIPE.shape), dtype=np.uint8)
    described = with_metadata(convert(fold(network), pictures), name, RECIPE, model_file.LABELS)
    small = compact(described)
    assert len(small) <= recipe.most_bytes and len(small) < len(described)
    again = model_from_tflite(small, learned.architecture, RECIPE.shape, len(LABELS), pictures)
    assert again.count_params() == network.count_params()


def test_only_names_and_idle_bytes_are_lost() -> None:
    whole = with_metadata(model_file.read(find_model("nano")).flatbuffer, "nano", RECIPE, model_file.LABELS)
    small = compact(whole)
    before, after = read_graph(whole), read_graph(small)
    assert [tensor.name for tensor in (*after.inputs, *after.outputs)] == ["image", "logits"]
    assert [tensor.scales for tensor in after.tensors] == [tensor.scales for tensor in before.tensors]
    assert constants(small).keys() >= {"nano/stem/Conv2D", "nano/stem/BiasAdd", "nano/logits/MatMul"}
    assert len(constants(small)) == len(constants(whole))
    assert b"TFLITE_METADATA" in small and b"M001" in small and compact(small) == small
    pictures = np.random.default_rng(0).integers(0, 256, (16, *RECIPE.shape), dtype=np.uint8)
    for picture in pictures:
        assert np.array_equal(Network(whole).logits(picture), Network(small).logits(picture))
