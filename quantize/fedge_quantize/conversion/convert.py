"""From a Keras network to the bytes of an int8 TFLite flatbuffer."""

import warnings

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tf_keras import Model

from fedge.errors import FedgeError
from fedge.model.format.flatbuffer import int8_problem, read_graph
from fedge.model.manifest import INPUT_SCALE, INPUT_ZERO_POINT
from fedge.system.native_stderr import suppress_native_stderr


def convert(model: Model, calibration: NDArray[np.uint8] | None) -> bytes:
    """Converts a network to int8: uint8 input of scale 1/255, int8 logits, no float tensor left.

    Args:
        model: float32 input in 0..1.
        calibration: uint8 [n, height, width, channels], to read the ranges from; None for a quantization-aware network,
            which carries its own.

    Raises:
        FedgeError: a tensor of the result is not what the format demands.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if calibration is not None:
        converter.representative_dataset = lambda: (
            [image[np.newaxis].astype(np.float32) / 255] for image in calibration
        )
        # Without calibration pictures the converter rejects this option, though its result satisfies it.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.int8
    with suppress_native_stderr(), warnings.catch_warnings():
        # TensorFlow's own conversion of a Keras network warns that it goes on without what it does not need.
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        flatbuffer = bytes(converter.convert())
    problem = first_problem(flatbuffer)
    if problem:
        raise FedgeError(f"the converted network is not fully int8: {problem}", "use another architecture or --method")
    return flatbuffer


def first_problem(flatbuffer: bytes) -> str | None:
    """What keeps a flatbuffer from being a fully int8 network with the input that the format demands, or None."""
    return int8_problem(read_graph(flatbuffer), INPUT_SCALE, INPUT_ZERO_POINT)
