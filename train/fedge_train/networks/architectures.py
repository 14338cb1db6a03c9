"""The networks that fedge trains, each a short function found by its name.

Every network takes float32 pictures in [0, 1], [n, height, width, channels], and gives float32 logits, [n, classes].
With `norm=False` a network is built as it runs on the device: each convolution carries the bias into which its batch
normalization was folded (`fedge_quantize.conversion.fold_batch_norm`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tf_keras import Model
from tf_keras import layers as kl

from fedge.errors import FedgeError
from fedge.options import parse_residual
from fedge_train.networks.efficientnet_lite import EFFICIENTNET_LITE, efficientnet_lite
from fedge_train.networks.layer_names import LOGITS, NORM, SECOND, SKIP, Shape


@dataclass(frozen=True)
class Residual:
    """Widths and depths of a residual network.

    `blocks[i]` blocks of `widths[i]` channels, the first stage at full size and each later one at half the size before.
    """

    widths: tuple[int, ...]
    blocks: tuple[int, ...]


# Chosen so that the flatbuffer stays within 32, 100 and 250 KB of int8; most weights sit in the small, late stages,
# because on a CPU the time goes into the full-size ones.
NANO = Residual(widths=(8, 16, 32), blocks=(1, 1, 1))
SMALL = Residual(widths=(16, 32, 48), blocks=(2, 2, 1))
BASE = Residual(widths=(16, 32, 64), blocks=(2, 4, 2))
CAMERA = Residual(widths=(16, 48, 64), blocks=(1, 2, 2))

# A teacher only: as many weights as help at this input size, in late stages, where a CPU multiplies them fastest.
WIDE = Residual(widths=(16, 64, 160), blocks=(1, 3, 3))


def classic(shape: Shape, classes: int, norm: bool = True) -> Model:
    """Two convolutions and a dense layer: the laboratory manual's first network."""
    inputs = kl.Input(shape)
    x = kl.Conv2D(32, 3, activation="relu")(inputs)
    x = kl.MaxPooling2D(2)(x)
    x = kl.Conv2D(64, 3, activation="relu")(x)
    x = kl.MaxPooling2D(2)(x)
    x = kl.Flatten()(x)
    x = kl.Dense(128, activation="relu")(x)
    x = _dropout(0.2)(x)
    return Model(inputs, kl.Dense(classes, dtype="float32")(x), name="classic")


def leaky(shape: Shape, classes: int, norm: bool = True) -> Model:
    """Three convolutions with leaky rectifiers and dropout: the laboratory manual's second network."""
    inputs = x = kl.Input(shape)
    for filters, rate in ((32, 0.25), (64, 0.25), (128, 0.4)):
        x = kl.Conv2D(filters, 3, padding="same")(x)
        x = kl.LeakyReLU(0.1)(x)
        x = kl.MaxPooling2D(2, padding="same")(x)
        x = _dropout(rate)(x)
    x = kl.Flatten()(x)
    x = kl.Dense(128)(x)
    x = kl.LeakyReLU(0.1)(x)
    x = _dropout(0.3)(x)
    return Model(inputs, kl.Dense(classes, dtype="float32")(x), name="leaky")


def nano(shape: Shape, classes: int, norm: bool = True) -> Model:
    """A residual network for at most 32 KB of int8."""
    return _residual("nano", NANO, shape, classes, norm)


def small(shape: Shape, classes: int, norm: bool = True) -> Model:
    """A residual network for at most 100 KB of int8."""
    return _residual("small", SMALL, shape, classes, norm)


def base(shape: Shape, classes: int, norm: bool = True) -> Model:
    """A residual network for at most 250 KB of int8."""
    return _residual("base", BASE, shape, classes, norm)


def camera(shape: Shape, classes: int, norm: bool = True) -> Model:
    """A residual network for at most 250 KB of int8, wider and less deep than base, with a tenth fewer products."""
    return _residual("camera", CAMERA, shape, classes, norm)


def wide(shape: Shape, classes: int, norm: bool = True) -> Model:
    """A residual network of about 1.5 MB of int8, a teacher for the smaller ones."""
    return _residual("wide", WIDE, shape, classes, norm)


ARCHITECTURES: dict[str, Callable[[Shape, int, bool], Model]] = {
    "classic": classic,
    "leaky": leaky,
    "nano": nano,
    "small": small,
    "base": base,
    "camera": camera,
    "wide": wide,
} | {name: partial(efficientnet_lite, name, row) for name, row in EFFICIENTNET_LITE.items()}


def build(name: str, shape: Shape, classes: int, norm: bool = True) -> Model:
    """Builds the network `name`, its weights fresh from the global random seed.

    Raises FedgeError for a name that is not in `ARCHITECTURES` and spells no residual network, or pictures too small.
    """
    spelled = parse_residual(name)
    if spelled is not None:
        return _residual(name, Residual(*spelled), shape, classes, norm)
    if name not in ARCHITECTURES:
        raise FedgeError(f"there is no architecture {name!r}", f"choose one of {', '.join(ARCHITECTURES)}")
    try:
        return ARCHITECTURES[name](shape, classes, norm)
    except ValueError as error:
        raise FedgeError(f"{name} cannot take pictures of {shape[1]}x{shape[0]}", "give a larger --size") from error


def _residual(name: str, plan: Residual, shape: Shape, classes: int, norm: bool) -> Model:
    inputs = kl.Input(shape)
    x = kl.ReLU(name="r")(_convolution(inputs, plan.widths[0], 3, 1, "stem", norm))
    for stage, (width, blocks) in enumerate(zip(plan.widths, plan.blocks, strict=True)):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            # Layers' names stand in the flatbuffer many times over: long ones would cost nano a twentieth of its bytes.
            x = _block(x, width, stride, f"{stage}{block}", norm)
    x = kl.GlobalAveragePooling2D(name="pool")(x)
    return Model(inputs, kl.Dense(classes, dtype="float32", name=LOGITS)(x), name=name)


def _block(x: Any, width: int, stride: int, name: str, norm: bool) -> Any:
    y = kl.ReLU(name=f"{name}r1")(_convolution(x, width, 3, stride, f"{name}c1", norm))
    y = _convolution(y, width, 3, 1, f"{name}{SECOND}", norm)
    if stride != 1:
        # Pixels are skipped before the 1x1 convolution, not by its stride: TensorFlow's gradient kernel for a strided
        # one writes out of bounds for some batch sizes.
        x = kl.MaxPooling2D(1, stride, name=f"{name}sub")(x)
    if stride != 1 or x.shape[-1] != width:
        x = _convolution(x, width, 1, 1, f"{name}{SKIP}", norm, bias=False)
    return kl.ReLU(name=f"{name}r2")(kl.Add(name=f"{name}add")([y, x]))


def _convolution(x: Any, filters: int, size: int, stride: int, name: str, norm: bool, bias: bool = True) -> Any:
    bias = bias and not norm
    x = kl.Conv2D(filters, size, stride, padding="same", use_bias=bias, kernel_initializer="he_normal", name=name)(x)
    return kl.BatchNormalization(momentum=0.95, name=name + NORM)(x) if norm else x


def _dropout(rate: float) -> kl.Dropout:
    # A stateful generator can be reset at each epoch, so that a resumed run draws the masks of an uninterrupted one.
    return kl.Dropout(rate, rng_type="stateful")
