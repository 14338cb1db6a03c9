"""A proof without labels: an int8 model can have lost no more than the share of answers that it changed.

Where float and int8 model answer alike, both are right or both are wrong. So the upper bound of the share of frames
with another answer is also one of the drop in accuracy on such frames, whatever their right answers are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedge.errors import DataError, ParityRefused
from fedge.images.near_duplicates import NearDuplicates, difference_hash
from fedge.images.preprocess import Recipe, prepare
from fedge.sources.base import Frame
from fedge.sources.factory import open_source

CONFIDENCE = 0.95
# A frame that looks like one of the last this many that were kept shows the same scene again, and proves no more.
REMEMBERED = 1000


@dataclass(frozen=True)
class Frames:
    """Unlabelled frames, preprocessed.

    Attributes:
        images: uint8, [n, height, width, channels].
        alike: how many more were left out because they look like one that was kept.
    """

    images: NDArray[np.uint8]
    alike: int


@dataclass(frozen=True)
class Changed:
    """How often the int8 model and the float model answer differently.

    Attributes:
        n: frames compared, no two of which look alike.
        changed: those with another answer from the int8 model than from the float model.
        upper95_pp: the one-sided 95% upper bound of their share, and so of the drop in accuracy, in points.
        alike: frames that were left out because they look like another.
    """

    n: int
    changed: int
    upper95_pp: float
    alike: int


def read_frames(sources: Sequence[str], recipe: Recipe) -> Frames:
    """Reads folders, pictures or videos; raises DataError where there is no frame in them, SourceError as they do."""
    images, alike, seen = [], 0, NearDuplicates(most=REMEMBERED)
    for name in sources:
        source = open_source(name)
        if source.live:
            source.close()
            raise DataError(f"{name} has no end", "give a folder of pictures or a video file to --frames")
        try:
            for item in source.frames():
                if not isinstance(item, Frame):
                    continue
                fingerprint = difference_hash(item.picture)
                if seen.has_near_duplicate(fingerprint):
                    alike += 1
                    continue
                seen.add(fingerprint)
                images.append(prepare(recipe, item.picture).image)
        finally:
            source.close()
    if not images:
        raise DataError(f"there is no frame in {', '.join(sources)}", "give a folder of pictures or a video file")
    return Frames(np.stack(images), alike)


def compare_answers(frames: Frames, by_float: NDArray[np.int64], by_int8: NDArray[np.int64]) -> Changed:
    """Counts the frames that the two models answer differently; both int64 [n]."""
    changed, n = int(np.sum(by_float != by_int8)), len(frames.images)
    return Changed(n, changed, 100 * changed_upper_bound(changed, n), frames.alike)


def changed_upper_bound(changed: int, n: int) -> float:
    """The exact one-sided 95% upper bound of a share of which `changed` of `n` were seen, 0..1.

    Clopper and Pearson, Biometrika 26, 1934: its coverage is never below 95%.
    """
    from scipy.stats import beta

    return 1.0 if changed >= n else float(beta.ppf(CONFIDENCE, changed + 1, n - changed))


def refused_by_frames(changed: Changed, max_drop_pp: float) -> ParityRefused | None:
    """Why the gate says no; None where the bound is within `max_drop_pp` percentage points."""
    if changed.upper95_pp <= max_drop_pp:
        return None
    return ParityRefused(
        f"the int8 model answers {changed.changed} of {changed.n} frames otherwise than the float model, so it could "
        f"have lost {changed.upper95_pp:.2f} points (one-sided 95% bound), over --max-drop {max_drop_pp:g}",
        "give more frames, accept more with --max-drop, or write an unproved file with --unproved",
    )
