"""From a frozen backbone with a learned head to the bytes of an int8 TFLite flatbuffer."""

import os
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.lite.python.optimize.calibrator import Calibrator
from tf_keras import Model

from fedge.errors import FedgeError
from fedge.making.foreign.extractor import Extractor, ExtractorNetwork
from fedge.making.graph.append_layer import FULLY_CONNECTED, FULLY_CONNECTED_OPTIONS, LOGITS, LinearHead, append_layer
from fedge.making.graph.extension import Call, Extension
from fedge.making.graph.flatbuffer_tables import Number, Table
from fedge.system.native_stderr import suppress_native_stderr
from fedge_quantize.conversion.convert import convert, first_problem
from fedge_quantize.conversion.fold_batch_norm import fold
from fedge_quantize.conversion.round_weights import round_weights
from fedge_train.networks import layer_names
from fedge_train.networks.extractor_network import extractor_of


def convert_frozen(model: Model, calibration: NDArray[np.uint8]) -> bytes:
    """A backbone with its head in int8: uint8 input of scale 1/255, int8 logits, no float tensor left.

    Args:
        model: float32 input in 0..1; one of fedge's backbones, or an extractor of the user's own.
        calibration: uint8 [n, height, width, 3], to read the ranges from.

    Raises FedgeError where the user's own cannot be made int8.
    """
    own = extractor_of(model)
    if own is None:
        return convert(round_weights(fold(model), calibration), calibration)
    head = LinearHead(*model.get_layer(layer_names.LOGITS).get_weights())
    if own.is_int8:
        network = ExtractorNetwork(own, os.cpu_count() or 1)
        return append_layer(own.flatbuffer, head, head.logits(np.stack([network(image) for image in calibration])))
    return _quantized(own, _with_head(own, head), calibration)


def _with_head(own: Extractor, head: LinearHead) -> bytes:
    """The float flatbuffer of an extractor and its head."""
    network = Extension(own.flatbuffer)
    weights = network.constant(f"{LOGITS}/weights", np.ascontiguousarray(head.weights.T, dtype=np.float32))
    bias = network.constant(f"{LOGITS}/bias", np.asarray(head.bias, dtype=np.float32))
    logits = network.add(LOGITS, (1, len(head.bias)), "float32")
    call = Call(FULLY_CONNECTED, kind=FULLY_CONNECTED_OPTIONS, options=Table({0: Number("b", 0)}))
    return network.finish(network.input, network.call(call, (network.output, weights, bias), logits))


def _quantized(own: Extractor, flatbuffer: bytes, calibration: NDArray[np.uint8]) -> bytes:
    """The int8 flatbuffer of a float one, by the quantizer that TensorFlow's converter uses behind its conversion."""

    def pictures() -> Iterator[list[NDArray[np.float32]]]:
        for image in calibration:
            yield [image[np.newaxis].astype(np.float32) / 255]

    try:
        with suppress_native_stderr():
            quantizer = Calibrator(flatbuffer)
            found = bytes(quantizer.calibrate_and_quantize(pictures, tf.dtypes.uint8, tf.dtypes.int8, False))
        problem = first_problem(found)
    except (RuntimeError, ValueError) as error:
        problem = " ".join(str(error).split())[:200]
    if problem:
        raise FedgeError(f"the backbone {own.name} cannot be made int8: {problem}", "give one that is int8 already")
    return found
