"""From a Keras network to the bytes of an int8 TFLite flatbuffer."""

import warnings

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tf_keras import Model

from fedge.errors import FedgeError
from fedge.model.flatbuffer import read_graph
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
    graph = read_graph(flatbuffer)
    network_input, network_output = graph.inputs[0], graph.outputs[0]
    if network_input.dtype != "uint8" or network_output.dtype != "int8":
        return f"input {network_input.dtype}, output {network_output.dtype}"
    if not network_input.has_scale(INPUT_SCALE) or network_input.zero_points != (INPUT_ZERO_POINT,):
        return f"the input has scale {network_input.scales} and zero point {network_input.zero_points}, not 1/255 and 0"
    for tensor in graph.tensors:
        if tensor is not network_input and tensor.dtype not in ("int8", "int32"):
            return f"the tensor {tensor.name} is {tensor.dtype}"
    return None
