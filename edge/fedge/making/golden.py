"""What a model file's self-test is made of: golden vectors, and how far two right interpreters are apart."""

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from fedge.data.dataset import Dataset, Split, stratified_sample
from fedge.errors import FedgeError
from fedge.images.preprocess import Recipe
from fedge.images.resize import resize_longest
from fedge.model import self_test
from fedge.model.interpreter import Network
from fedge.model.manifest import MAX_LOGIT_TOLERANCE

GOLDEN_PICTURES = 16
TOLERANCE_PICTURES, FEW_PICTURES = 200, 3
# Golden photographs are kept this small so that the file stays small; a model's input is smaller still.
GOLDEN_SIDE = 160


def logit_tolerance(flatbuffer: bytes, held_out: Split) -> int:
    """`kernel_difference` on 200 held-out pictures, or on all where there are fewer."""
    chosen = stratified_sample(held_out.labels, min(TOLERANCE_PICTURES, len(held_out)), seed=0)
    return kernel_difference(flatbuffer, held_out.images[chosen])


def kernel_difference(flatbuffer: bytes, images: Iterable[NDArray[Any]]) -> int:
    """By how many int8 steps the fast and the reference kernels differ in a logit, at most, and 1 at least.

    `images` are inputs, each [height, width, channels]. Raises FedgeError above `MAX_LOGIT_TOLERANCE`.
    """
    fast, reference = Network(flatbuffer), Network(flatbuffer, reference=True)
    tolerance = max(1, *(self_test.difference(fast.logits(image), reference.logits(image)) for image in images))
    if tolerance > MAX_LOGIT_TOLERANCE:
        raise FedgeError(
            f"two interpreters differ by {tolerance} of 256 in a logit of this network, so no self-test could judge it",
            "try another architecture, a larger input, or `fedge quantize --method qat`",
        )
    return tolerance


def golden_vectors(flatbuffer: bytes, dataset: Dataset) -> self_test.GoldenVectors:
    """Raw held-out pictures and the int8 logits that the file gives for them: the device's self-test."""
    return golden_of(Network(flatbuffer).logits, dataset.recipe, dataset.held_out, len(dataset.labels))


def golden_of(logits_of: self_test.LogitsOf, recipe: Recipe, split: Split, classes: int) -> self_test.GoldenVectors:
    """Raw pictures of a split, of each class alike, and what `logits_of` gives for each once it is preprocessed."""
    count = min(max(GOLDEN_PICTURES, classes), self_test.MAX_PICTURES, len(split))
    chosen = stratified_sample(split.labels, count, seed=0)
    # A cut-out first shrinks a larger picture to its own side: a golden one is no larger, and so is used as it is.
    side = min(GOLDEN_SIDE, cut_out.side) if (cut_out := recipe.cut_out) else GOLDEN_SIDE
    pictures = [resize_longest(split.raw_picture(i), side) for i in chosen]
    return self_test.make(logits_of, recipe, pictures)


def tolerance_on_few(flatbuffer: bytes, held_out: Split) -> int:
    """Twice the `kernel_difference` on 3 held-out pictures, at most `MAX_LOGIT_TOLERANCE`.

    So few, because the reference kernels take a second for a picture of 224 pixels; twice, because so few show less.
    """
    chosen = stratified_sample(held_out.labels, min(FEW_PICTURES, len(held_out)), seed=0)
    return min(MAX_LOGIT_TOLERANCE, 2 * kernel_difference(flatbuffer, held_out.images[chosen]))
