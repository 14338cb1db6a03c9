"""Pictures to calibrate a backbone on: the user's, or crops of the photographs that come with scikit-learn."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fedge.errors import DataError
from fedge.images.picture import Picture
from fedge.images.resize import resize_longest
from fedge.sources.base import Frame
from fedge.sources.factory import open_source
from fedge.system.console import file_name

PICTURES = 200
# Larger ones only take memory: a backbone's input has 224 pixels.
_SIDE = 448
_SAMPLE = "pieces of photographs that come with scikit-learn"


@dataclass(frozen=True)
class CalibrationPictures:
    """The data's name, and the pictures: uint8, each [h, w, 3] blue-green-red or [h, w]."""

    name: str
    pictures: list[Picture]


def calibration_pictures(sources: tuple[str, ...]) -> CalibrationPictures:
    """At most 200 pictures, evenly spread over all in the sources: folders with their subfolders, or videos.

    Without sources: crops of scikit-learn's photographs. Raises DataError where the sources have no picture.
    """
    if not sources:
        return CalibrationPictures(_SAMPLE, _crops())
    pictures = [picture for source in sources for picture in _pictures_of(source)]
    if not pictures:
        raise DataError(f"there is no picture in {', '.join(sources)}", "give a folder of pictures or a video file")
    chosen = np.linspace(0, len(pictures) - 1, min(PICTURES, len(pictures))).round().astype(int)
    return CalibrationPictures(
        "+".join(file_name(Path(Path(s).resolve().name)) for s in sources), [pictures[i] for i in chosen]
    )


def _pictures_of(name: str) -> list[Picture]:
    path = Path(name)
    folders = [path, *sorted(p for p in path.rglob("*") if p.is_dir())] if path.is_dir() else [path]
    found = []
    for folder in folders:
        if path.is_dir() and not any(p.is_file() for p in folder.iterdir()):
            continue
        source = open_source(str(folder))
        if source.live:
            source.close()
            raise DataError(f"{name} has no end", "give a folder of pictures or a video file to --data")
        try:
            found += [resize_longest(item.picture, _SIDE) for item in source.frames() if isinstance(item, Frame)]
        finally:
            source.close()
    return found


def _crops() -> list[Picture]:
    """200 random crops of two photographs: sides from a third to all, half mirrored, brightness times 0.5 to 1.3."""
    from sklearn.datasets import load_sample_images

    generator = np.random.default_rng(0)
    photographs = [np.asarray(image[:, :, ::-1]) for image in load_sample_images().images]
    crops: list[Picture] = []
    for i in range(PICTURES):
        photograph = photographs[i % len(photographs)]
        share = generator.uniform(1 / 3, 1)
        height, width = (round(share * side) for side in photograph.shape[:2])
        top, left = (
            int(generator.integers(0, s - n + 1)) for s, n in zip(photograph.shape, (height, width), strict=False)
        )
        crop = photograph[top : top + height, left : left + width]
        if generator.random() < 0.5:
            crop = crop[:, ::-1]
        lit = cv2.convertScaleAbs(np.ascontiguousarray(crop), alpha=generator.uniform(0.5, 1.3))
        crops.append(resize_longest(np.asarray(lit, dtype=np.uint8), _SIDE))
    return crops
