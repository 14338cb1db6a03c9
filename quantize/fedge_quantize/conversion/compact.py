"""A flatbuffer without what no reader needs: bytes that nothing points to, and the converter's long names."""

from tensorflow.lite.tools import flatbuffer_utils

# Where the weights of a layer are looked for, see `fedge_train.networks.from_tflite`.
_BIAS = "/BiasAdd"


def compact(flatbuffer: bytes) -> bytes:
    """The same network with names of one part each, without signatures, written anew.

    The converter names a tensor by all operations that were joined in it, `net/r/Relu;net/stem/BiasAdd;...`, which in a
    network of 20,000 weights is a twentieth of the file. The part that says whose bias it is stays, else the first.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(flatbuffer))
    model.signatureDefs = None
    for tensor in model.subgraphs[0].tensors:
        tensor.name = _short(tensor.name.decode())
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _short(name: str) -> str:
    parts = name.split(";")
    return next((part for part in parts if _BIAS in part), parts[0])
