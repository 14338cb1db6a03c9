"""What is written can be read back, also where old tables stand behind it."""

import numpy as np
import pytest
from tiny_networks import SIDE, tiny_features

from fedge.making.graph.append_layer import LinearHead, append_layer
from fedge.model.confidence import dequantize
from fedge.model.format.flatbuffer import read_graph
from fedge.model.interpreter import Network


@pytest.fixture(scope="module")
def backbone() -> bytes:
    return tiny_features()


def test_a_network_that_was_written_by_hand_runs(backbone: bytes) -> None:
    graph = read_graph(backbone)
    assert graph.inputs[0].shape == (1, SIDE, SIDE, 3) and graph.outputs[0].shape == (1, 48)
    gray = np.full((SIDE, SIDE, 3), 77, dtype=np.uint8)
    np.testing.assert_array_equal(Network(backbone).logits(gray), np.full(48, 77 - 128))


def test_every_byte_of_the_backbone_is_kept_behind_the_new_tables(backbone: bytes) -> None:
    head = LinearHead(np.ones((48, 2)), np.zeros(2))
    whole = append_layer(backbone, head, np.array([[0.0, 1.0]]))
    assert whole.endswith(backbone) and (len(whole) - len(backbone)) % 16 == 0
    graph = read_graph(whole)
    assert graph.outputs[0].name == "logits" and graph.outputs[0].shape == (1, 2)
    assert {tensor.dtype for tensor in graph.tensors[1:]} == {"int8", "int32"}


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_files_logits_are_the_float_heads_within_rounding(backbone: bytes, classes: int) -> None:
    generator = np.random.default_rng(classes)
    head = LinearHead(generator.normal(0, 0.5, (48, classes)), generator.normal(0, 2, classes))
    features_of, output = Network(backbone), read_graph(backbone).outputs[0]
    images = generator.integers(0, 256, (50, SIDE, SIDE, 3), dtype=np.uint8)
    steps = np.stack([features_of.logits(image) for image in images])
    features = dequantize(steps, output.scales[0], output.zero_points[0])
    by_float = head.logits(features)
    whole = append_layer(backbone, head, by_float)
    emitted = read_graph(whole).outputs[0]
    network = Network(whole)
    logits = np.stack([network.logits(image) for image in images])
    by_int8 = dequantize(logits, emitted.scales[0], emitted.zero_points[0])
    # Each weight is off by half its step at most, the bias by half of its own, and the logit by one step of int8: the
    # rounding of the result, and what the kernel's fixed-point multiplier adds.
    weight_step = np.abs(head.weights).max() / 127
    allowed = weight_step / 2 * np.abs(features).sum(1) + weight_step * output.scales[0] / 2 + emitted.scales[0]
    assert np.all(np.abs(by_int8 - by_float) <= allowed[:, np.newaxis])
