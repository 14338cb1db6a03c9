"""How a network from elsewhere takes its pictures: found out by trying, on pictures whose classes are known."""

import itertools
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from fedge.data.dataset import Split, hits, stratified_sample
from fedge.images.preprocess import Fit, Recipe, apply
from fedge.making.foreign.network import ForeignNetwork, scale_of
from fedge.model.format.foreign import ForeignInput, ForeignType
from fedge.system.console import echo

Scale = Literal["0..1", "-1..1", "0..255", "imagenet"]
Order = Literal["rgb", "bgr", "gray"]

# What a pixel, 0 to 255, becomes: pixel * gain + offset, red first. `imagenet` subtracts the mean
# of ImageNet's pixels and divides by their standard deviation, as the networks of torchvision want it.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NORMALIZATIONS: dict[Scale, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "0..1": ((1 / 255,) * 3, (0.0,) * 3),
    "-1..1": ((1 / 127.5,) * 3, (-1.0,) * 3),
    "0..255": ((1.0,) * 3, (0.0,) * 3),
    "imagenet": (
        (1 / 255 / _DEVIATION[0], 1 / 255 / _DEVIATION[1], 1 / 255 / _DEVIATION[2]),
        (-_MEAN[0] / _DEVIATION[0], -_MEAN[1] / _DEVIATION[1], -_MEAN[2] / _DEVIATION[2]),
    ),
}
FITS: tuple[Fit, ...] = ("stretch", "crop", "pad")
_PICTURES = 100


@dataclass(frozen=True)
class Asked:
    """What the user said of the input; what is None is found out by trying."""

    scale: Scale | None = None
    order: Order | None = None
    fit: Fit | None = None


@dataclass(frozen=True)
class Wanted:
    """How the network takes its pictures, and its accuracy, 0..1, on the pictures that this was tried on."""

    scale: Scale
    recipe: Recipe
    input: ForeignInput
    accuracy: float


def recipe_for(network: ForeignNetwork, fit: Fit) -> Recipe:
    """The recipe that makes pictures of the network's size."""
    height, width, channels = network.shape
    return Recipe(height, width, "gray" if channels == 1 else "rgb", fit)


def find_out(network: ForeignNetwork, split: Split, asked: Asked) -> Wanted:
    """Tries what the user left open, on at most 100 of the pictures, says what each got, and gives the best.

    Scale and colour order are tried first, together, and then the fit. Of equally accurate scales the one is taken
    whose range is nearest to that of a quantized input.
    """
    chosen = stratified_sample(split.labels, min(_PICTURES, len(split)), seed=0)
    some, pictures = split.take(chosen), [split.raw_picture(int(i)) for i in chosen]
    orders = _orders(network, asked)
    scales = [asked.scale] if asked.scale else sorted(NORMALIZATIONS, key=lambda scale: _misfit(network, scale))

    def tried(scale: Scale, order: Order, fit: Fit) -> Wanted:
        recipe, given = recipe_for(network, fit), input_of(network, scale, order)
        answers = network.answers([apply(recipe, picture) for picture in pictures], given)
        return Wanted(scale, recipe, given, float(hits(some.right, _best(answers)).mean()))

    fit: Fit = asked.fit or FITS[0]
    found = [tried(scale, order, fit) for scale, order in itertools.product(scales, orders)]
    best = max(found, key=lambda each: each.accuracy)
    if asked.fit is None:
        found += [tried(best.scale, best.input.color_order, other) for other in FITS[1:]]
        best = max(found, key=lambda each: each.accuracy)
    echo(f"tried on {len(some)} pictures: " + ", ".join(f"{_words(each)} {each.accuracy:.0%}" for each in found))
    equals = [scale for scale in scales if scale != best.scale and any(_equals(each, best, scale) for each in found)]
    if equals:
        echo(f"the pictures cannot tell {best.scale} from {', '.join(equals)}: say it with --scale if you know it")
    echo(f"{network.file} takes {_words(best)} (give --scale, --order or --fit to choose another)")
    return best


def input_of(network: ForeignNetwork, scale: Scale, order: Order) -> ForeignInput:
    """The facts of the network's input; gain and offset are in the order of its channels."""
    height, width, channels = network.shape
    gain, offset = NORMALIZATIONS[scale]
    if order == "bgr":
        gain, offset = gain[::-1], offset[::-1]
    tensor_scale, zero_point = scale_of(network.input)
    dtype = cast(ForeignType, network.input.dtype)
    return ForeignInput(
        height, width, channels, order, dtype, tensor_scale, zero_point, gain[:channels], offset[:channels]
    )


def _orders(network: ForeignNetwork, asked: Asked) -> tuple[Order, ...]:
    if network.shape[2] == 1:
        return ("gray",)
    return (asked.order,) if asked.order in ("rgb", "bgr") else ("rgb", "bgr")


def _misfit(network: ForeignNetwork, scale: Scale) -> float:
    """How far a normalization's range is from what a quantized input can hold; 0 for a float one."""
    if network.input.dtype == "float32":
        return 0.0
    tensor_scale, zero_point = scale_of(network.input)
    limits = np.iinfo(network.input.dtype)
    low, high = ((limit - zero_point) * tensor_scale for limit in (limits.min, limits.max))
    gain, offset = NORMALIZATIONS[scale]
    return abs(low - offset[0]) + abs(high - (255 * gain[0] + offset[0]))


def _best(answers: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(answers.argmax(axis=1), dtype=np.int64)


def _equals(one: Wanted, best: Wanted, scale: Scale) -> bool:
    return (one.scale, one.accuracy, one.input.color_order) == (scale, best.accuracy, best.input.color_order)


def _words(wanted: Wanted) -> str:
    return f"{wanted.scale} {wanted.input.color_order} {wanted.recipe.fit}"
