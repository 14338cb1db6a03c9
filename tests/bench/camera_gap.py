"""Accuracy of networks on photographs under several recipes, side by side, and what a cut-out costs against GrabCut.

    python tests/bench/camera_gap.py PHOTOGRAPHS --map CLASSES.json MODEL_OR_RUN [MODEL_OR_RUN ...]

PHOTOGRAPHS holds a folder per class. CLASSES.json says which of the network's classes are right for each folder, for
example {"shoes": ["Sandal", "Sneaker", "Ankle boot"]}; folders that it leaves out are not measured. A network is a
model file or a run folder; it sees gray pictures on black of its own size.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import process_time

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.cutout import CutOut
from fedge.pictures import read_picture
from fedge.preprocess import Picture, Recipe, apply
from fedge.shrink import shrink

FRAME = (640, 480)
GRABCUT_SIDE, GRABCUT_ROUNDS, GRABCUT_MARGIN = 160, 5, 25
TIMED = 30

Logits = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def grabcut(recipe: Recipe, picture: Picture) -> Picture:
    """The reference: GrabCut from a rectangle, negated, trimmed and centred as the recipe does it."""
    small = shrink(picture, GRABCUT_SIDE)
    height, width = small.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    x, y = max(2, width // GRABCUT_MARGIN), max(2, height // GRABCUT_MARGIN)
    box, models = (x, y, width - 2 * x, height - 2 * y), (np.zeros((1, 65)), np.zeros((1, 65)))
    cv2.setRNGSeed(0)
    cv2.grabCut(small, mask, box, *models, GRABCUT_ROUNDS, cv2.GC_INIT_WITH_RECT)
    inside = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)
    gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    negative = np.where(inside, np.maximum(255 - gray, 1), 0).astype(np.uint8)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return np.zeros(recipe.shape, np.uint8)
    trimmed = negative[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = max(trimmed.shape)
    square = np.zeros((side, side), np.uint8)
    top, left = (side - trimmed.shape[0]) // 2, (side - trimmed.shape[1]) // 2
    square[top : top + trimmed.shape[0], left : left + trimmed.shape[1]] = trimmed
    return apply(replace(recipe, polarity="keep"), square)


def recipes(side: int) -> dict[str, Callable[[Picture], Picture]]:
    """The ways to an input of `side` pixels, by name."""
    keep = Recipe(side, side)
    dark = replace(keep, polarity="dark-background")
    cut = replace(dark, cut_out=CutOut())
    return {
        "gray + resize": lambda p: apply(keep, p),
        "dark background": lambda p: apply(dark, p),
        "cut-out, not negated": lambda p: apply(replace(cut, polarity="keep"), p),
        "GrabCut at 160": lambda p: grabcut(keep, p),
        "cut-out": lambda p: apply(cut, p),
    }


def network(name: str) -> tuple[Logits, tuple[str, ...], int]:
    """A network's logits, its classes and the side of its input."""
    if Path(name).is_dir():
        from fedge_train.predict import predictor
        from fedge_train.run import load_float_model, read_config

        config = read_config(Path(name))
        return predictor(load_float_model(Path(name), config)), config.labels, config.recipe.height
    from fedge.classifier import load

    classifier = load(name)
    side = classifier.model.manifest.preprocessing.height
    return lambda images: np.stack([classifier.logits(i) for i in images]).astype(np.float32), classifier.labels, side


def timings(frame: Picture) -> dict[str, float]:
    """The median milliseconds of processor time per frame of each recipe, measured in turns."""
    ways = recipes(28)
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TIMED):
        for name, way in ways.items():
            started = process_time()
            way(frame)
            spent[name].append((process_time() - started) * 1e3)
    return {name: float(np.median(times)) for name, times in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--map", type=Path, required=True)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    classes: dict[str, list[str]] = json.loads(arguments.map.read_text())
    files = [(folder, path) for folder in classes for path in sorted((arguments.photographs / folder).iterdir())]
    pictures = [read_picture(path) for _, path in files]
    folders = np.array([folder for folder, _ in files])
    print(f"{len(pictures)} photographs")
    for model in arguments.models:
        logits, labels, side = network(model)
        print(f"\n{model}\n{'':22}{'all':>7}" + "".join(f"{name[:10]:>11}" for name in classes))
        for name, way in recipes(side).items():
            answers = logits(np.stack([way(picture) for picture in pictures])).argmax(axis=1)
            right = np.array([labels[a] in classes[folder] for a, folder in zip(answers, folders, strict=True)])
            each = "".join(f"{right[folders == folder].mean():11.1%}" for folder in classes)
            print(f"{name:22}{right.mean():7.1%}{each}")
    milliseconds = timings(np.asarray(cv2.resize(pictures[0], FRAME), dtype=np.uint8))
    print(f"\nmilliseconds of one core per {FRAME[0]}x{FRAME[1]} frame, and the share of GrabCut's")
    for name, value in milliseconds.items():
        print(f"{name:22}{value:7.2f}{value / milliseconds['GrabCut at 160']:9.1%}")


if __name__ == "__main__":
    main()
