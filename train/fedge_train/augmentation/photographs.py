"""What is made of the training photographs before the first epoch: variants, and crops as outliers."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedge.data.dataset import Dataset, Split, join
from fedge.data.picture_files import PictureFiles
from fedge.system.progress import Progress
from fedge_train.augmentation.crops import PER_PHOTOGRAPH, random_crops
from fedge_train.augmentation.variants import variants


class Photographs(NamedTuple):
    """The training pictures with their variants, and the crops.

    Attributes:
        split: the training pictures, followed by the variants, those of one photograph beside each other.
        crops: uint8, [m, height, width, channels].
    """

    split: Split
    crops: NDArray[np.uint8]


def augment_photographs(
    dataset: Dataset, files: PictureFiles, variant_count: int, with_crops: bool, seed: int
) -> Photographs:
    """Makes `variant_count` variants, and crops if asked for, of each training picture that is a file of its own.

    Each file is opened once for both, and its pixels are let go before the next. Packaged pictures have neither.
    Raises DataError where a file is gone or has been damaged since it was loaded.
    """
    split = dataset.train
    none = np.empty((0, *dataset.recipe.shape), np.uint8)
    if not (variant_count or with_crops):
        return Photographs(split, none)
    indices = split.files()
    # One for each, so that what one of them makes does not depend on whether the other is asked for.
    varying, cropping = (np.random.default_rng([seed, len(indices)]) for _ in range(2))
    # Filled one by one: a list that becomes an array at the end would be held twice.
    varied = np.empty((len(indices) * variant_count, *dataset.recipe.shape), np.uint8)
    crops = np.empty((len(indices) * PER_PHOTOGRAPH * with_crops, *dataset.recipe.shape), np.uint8)
    cropped = 0
    with Progress("varying and cropping photographs", len(indices)) as progress:
        for number, i in enumerate(indices):
            picture = files.read(Path(split.names[i]))
            for place, image in enumerate(variants(picture, dataset.recipe, variant_count, varying)):
                varied[number * variant_count + place] = image
            for crop in random_crops(picture, dataset.recipe, cropping) if with_crops else ():
                crops[cropped] = crop
                cropped += 1
            progress.advance(1)
    if len(varied):
        split = join([split, replace(split.take(np.repeat(indices, variant_count)), images=varied)])
    return Photographs(split, crops[:cropped])
