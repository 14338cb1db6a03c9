"""EfficientNet-Lite: inverted residual blocks without squeeze and with ReLU6, made to run as int8.

Source: Mingxing Tan and Quoc V. Le, "EfficientNet", 2019, and the Lite variants in TensorFlow's `tpu` repository,
`models/official/efficientnet/lite`.
"""

import math
from dataclasses import dataclass
from typing import Any

from tf_keras import Model
from tf_keras import layers as kl
from tf_keras.initializers import Constant

from fedge.errors import FedgeError
from fedge_train.networks.layer_names import LOGITS, NORM, Shape

# The convolutions of a block by their purpose; block 3's are called b3_expand, b3_depthwise and b3_project.
STEM, EXPAND, DEPTHWISE, PROJECT, HEAD = "stem", "expand", "depthwise", "project", "head"

# The ImageNet weights expect (x - 127) / 128 for x in 0..255.
INPUT, INPUT_GAIN, INPUT_OFFSET = "input", 255 / 128, -127 / 128

_STEM_WIDTH, _HEAD_WIDTH, _EPSILON = 32, 1280, 1e-3


@dataclass(frozen=True)
class _Stage:
    blocks: int
    kernel: int
    stride: int
    expansion: int
    width: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


@dataclass(frozen=True)
class EfficientNetLite:
    """One of the family, and what its last layer sees.

    Attributes:
        width, depth: by what the stages' channels and numbers of blocks are multiplied.
        pooled: the blocks, counted from 0, whose outputs are averaged over the picture and joined.
        head: whether the average of the last convolution's output is joined to them. Without it, the network ends with
            the last of the blocks that are pooled.
    """

    width: float = 1.0
    depth: float = 1.0
    pooled: tuple[int, ...] = ()
    head: bool = True


EFFICIENTNET_LITE = {
    "lite0": EfficientNetLite(),
    "lite0-14": EfficientNetLite(pooled=(14,), head=False),
    "lite0-10": EfficientNetLite(pooled=(10,), head=False),
    "lite0-joined": EfficientNetLite(pooled=(10, 14, 15)),
}


def efficientnet_lite(name: str, row: EfficientNetLite, shape: Shape, classes: int, norm: bool = True) -> Model:
    """The network of a row of `EFFICIENTNET_LITE`.

    The normalization of its input is a layer of its own, so that the padding around a picture is what it was in
    ImageNet training: 0 after the normalization, and not black. As int8 it changes no byte: 256 values of scale 1/255
    become 256 of scale 1/128.

    Raises FedgeError for pictures that are not in colour.
    """
    if shape[2] != 3:
        raise FedgeError(f"{name} takes pictures in colour", "leave out --gray, or choose another --arch")
    inputs = kl.Input(shape)
    x = _normalized(inputs)
    x = _rectified(_convolution(x, _STEM_WIDTH, 3, 2, STEM, norm), STEM)
    pooled = []
    stages = [(stage, i) for stage in _STAGES for i in range(_blocks(stage, row.depth))]
    for block, (stage, i) in enumerate(stages if row.head else stages[: max(row.pooled) + 1]):
        x = _block(x, stage, _channels(stage.width, row.width), stage.stride if i == 0 else 1, f"b{block}_", norm)
        if block in row.pooled:
            pooled.append(kl.GlobalAveragePooling2D(name=f"pool{block}")(x))
    if row.head:
        x = _rectified(_convolution(x, _HEAD_WIDTH, 1, 1, HEAD, norm), HEAD)
        pooled.append(kl.GlobalAveragePooling2D(name="pool")(x))
    features = pooled[0] if len(pooled) == 1 else kl.Concatenate(name="joined")(pooled)
    return Model(inputs, kl.Dense(classes, dtype="float32", name=LOGITS)(features), name=name)


def _normalized(x: Any) -> Any:
    layer = kl.DepthwiseConv2D(
        1,
        depthwise_initializer=Constant(INPUT_GAIN),
        bias_initializer=Constant(INPUT_OFFSET),
        trainable=False,
        name=INPUT,
    )
    return layer(x)


def _block(x: Any, stage: _Stage, width: int, stride: int, name: str, norm: bool) -> Any:
    y = x
    if stage.expansion != 1:
        y = _convolution(y, x.shape[-1] * stage.expansion, 1, 1, name + EXPAND, norm)
        y = _rectified(y, name + EXPAND)
    y = _depthwise(y, stage.kernel, stride, name + DEPTHWISE, norm)
    y = _convolution(_rectified(y, name + DEPTHWISE), width, 1, 1, name + PROJECT, norm)
    return kl.Add(name=name + "add")([y, x]) if stride == 1 and x.shape[-1] == width else y


def _convolution(x: Any, filters: int, size: int, stride: int, name: str, norm: bool) -> Any:
    x = kl.Conv2D(filters, size, stride, padding="same", use_bias=not norm, kernel_initializer="he_normal", name=name)(
        x
    )
    return _norm(x, name) if norm else x


def _depthwise(x: Any, size: int, stride: int, name: str, norm: bool) -> Any:
    x = kl.DepthwiseConv2D(
        size, stride, padding="same", use_bias=not norm, depthwise_initializer="he_normal", name=name
    )(x)
    return _norm(x, name) if norm else x


def _norm(x: Any, name: str) -> Any:
    return kl.BatchNormalization(epsilon=_EPSILON, name=name + NORM)(x)


def _rectified(x: Any, name: str) -> Any:
    return kl.ReLU(6.0, name=name + "_relu6")(x)


def _blocks(stage: _Stage, depth: float) -> int:
    # The family keeps its first and last stage as they are.
    return stage.blocks if stage in (_STAGES[0], _STAGES[-1]) else math.ceil(stage.blocks * depth)


def _channels(width: int, factor: float) -> int:
    """`width` times `factor`, to the nearest multiple of 8 that is not a tenth too small."""
    nearest = max(8, int(width * factor + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * width * factor else nearest
