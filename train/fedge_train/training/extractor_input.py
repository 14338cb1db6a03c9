"""What a float extractor takes for a pixel: found out by trying what networks usually take."""

import os

import numpy as np

from fedge.data.dataset import Split, stratified_sample
from fedge.making.foreign.extractor import Extractor, ExtractorNetwork
from fedge.making.foreign.normalization import NORMALIZATIONS
from fedge.system.console import echo
from fedge_train.training.linear_head import USUAL_STRENGTH, cross_validate, folds_of

PICTURES, EACH = 100, 4


def with_known_input(extractor: Extractor, split: Split) -> Extractor:
    """The extractor with an input of 0..1: whichever range of pixels tells the classes best, by cross-validation.

    An int8 one says itself what it takes.

    Args:
        extractor: as it was read.
        split: labelled pictures, preprocessed by its recipe; some of them are tried.
    """
    if extractor.is_int8:
        return extractor
    classes = len(np.unique(split.labels))
    some = split.take(stratified_sample(split.labels, min(max(PICTURES, EACH * classes), len(split)), seed=0))
    labels, counts = np.unique(some.labels, return_counts=True)
    some = some.take(np.flatnonzero(np.isin(some.labels, labels[counts > 1])))
    _, numbered = np.unique(some.labels, return_inverse=True)
    found: dict[str, tuple[float, Extractor]] = {}
    for scale, (gain, offset) in NORMALIZATIONS.items():
        tried = extractor.with_input(gain, offset)
        network = ExtractorNetwork(tried, os.cpu_count() or 1)
        views = np.array([[network(image) for image in some.images]], dtype=np.float32)
        if np.isfinite(views).all():
            judged = cross_validate(views, numbered, folds_of(numbered), (USUAL_STRENGTH,))
            found[scale] = judged.accuracy, tried
    # The first of equals is the more usual one.
    best = max(found, key=lambda scale: found[scale][0])
    each = ", ".join(f"{scale} {accuracy:.0%}" for scale, (accuracy, _) in found.items())
    echo(f"tried what {extractor.name} takes for a pixel on {len(some)} pictures: {each}; {best} is taken")
    return found[best][1]
