"""The hashes of pictures that an earlier run has left as files."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from fedge.lookalikes import Fingerprint, difference_hash


def hashes_of(paths: Iterable[Path]) -> list[Fingerprint]:
    """The hashes of those picture files that can be read, in their order."""
    hashes = []
    for path in paths:
        try:
            picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        except cv2.error:
            continue
        if picture is not None:
            hashes.append(difference_hash(np.asarray(picture, dtype=np.uint8)))
    return hashes
