"""Accuracy of networks on photographs under several recipes, side by side, and what a cut-out costs against GrabCut.

    python tests/bench/camera_gap.py PHOTOGRAPHS --map CLASSES.json MODEL_OR_RUN [MODEL_OR_RUN ...] [--json]

PHOTOGRAPHS holds a folder per class. CLASSES.json says which of the network's classes are right for each folder, for
example {"shoes": ["Sandal", "Sneaker", "Ankle boot"]}; folders that it leaves out or gives null are not measured. A
network is a shipped model's name, a model file or a run folder. The first row, `as shipped`, is its own recipe, and of
a model file its own decision too: a photograph that it answers "unknown" is not right. The other rows show each network
the same: pictures of its own size and colour by the recipe that the row names, and its best class always counts.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.data.label_map import Classes, read_label_map
from fedge.images.cutout import CutOut
from fedge.images.picture import Picture, read_picture
from fedge.images.preprocess import Recipe, apply, prepare
from fedge.images.resize import resize_longest

FRAME = (640, 480)
GRABCUT_SIDE, GRABCUT_ROUNDS, GRABCUT_MARGIN = 160, 5, 25
TIMED = 30

Logits = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def grabcut(recipe: Recipe, picture: Picture) -> Picture:
    """The reference: GrabCut from a rectangle, negated, trimmed and centred as the recipe does it."""
    small = resize_longest(picture, GRABCUT_SIDE)
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


@dataclass(frozen=True)
class Network:
    """What is measured.

    Attributes:
        recipe: its own.
        labels: its classes.
        logits: of inputs, uint8 [n, height, width, channels].
        answer: the class that it gives a photograph by itself; None where that is "unknown".
    """

    recipe: Recipe
    labels: tuple[str, ...]
    logits: Logits
    answer: Callable[[Picture], str | None]


def recipes(recipe: Recipe) -> dict[str, Callable[[Picture], Picture]]:
    """The ways to an input of the size and colour of `recipe`, by name."""
    keep = Recipe(recipe.height, recipe.width, recipe.color)
    dark = replace(keep, polarity="dark-background")
    cut = replace(dark, cut_out=CutOut())
    return {
        "gray + resize": lambda p: apply(keep, p),
        "dark background": lambda p: apply(dark, p),
        "cut-out, not negated": lambda p: apply(replace(cut, polarity="keep"), p),
        "GrabCut at 160": lambda p: grabcut(keep, p),
        "cut-out": lambda p: apply(cut, p),
    }


def network(name: str) -> Network:
    """A run's float network, or the int8 network of a model file."""
    if Path(name).is_dir():
        return _run(Path(name))
    from fedge.model.classifier import load

    classifier = load(name)
    return Network(
        classifier.model.manifest.preprocessing,
        classifier.labels,
        lambda images: np.stack([classifier.logits(image) for image in images]).astype(np.float32),
        lambda picture: classifier.classify(picture).label,
    )


def _run(folder: Path) -> Network:
    from fedge_train.networks.predict import predictor
    from fedge_train.runs.run_folder import load_float_model, read_config

    config = read_config(folder)
    logits = predictor(load_float_model(folder, config))

    def answer(picture: Picture) -> str | None:
        seen = prepare(config.recipe, picture)
        return None if seen.empty else config.labels[int(logits(seen.image[np.newaxis]).argmax())]

    return Network(config.recipe, config.labels, logits, answer)


def measure(
    network: Network, pictures: list[Picture], folders: NDArray[np.str_], classes: dict[str, Classes]
) -> dict[str, dict[str, float]]:
    """A network's rows: the accuracy over all photographs and over each folder's, in 0..1, by the way of seeing."""
    answers: dict[str, list[str | None]] = {"as shipped": [network.answer(picture) for picture in pictures]}
    for name, way in recipes(network.recipe).items():
        logits = network.logits(np.stack([way(picture) for picture in pictures]))
        answers[name] = [network.labels[best] for best in logits.argmax(axis=1)]
    rows = {}
    for name, given in answers.items():
        right = np.array([label in classes[folder] for label, folder in zip(given, folders, strict=True)])
        each = {folder: float(right[folders == folder].mean()) for folder in classes}
        rows[name] = {"all": float(right.mean()), **each, "unknown": given.count(None) / len(given)}
    return rows


def timings(frame: Picture) -> dict[str, float]:
    """The median milliseconds of processor time per frame of each recipe, measured in turns."""
    ways = recipes(Recipe(28, 28))
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
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    classes = {folder: right for folder, right in read_label_map(arguments.map).classes.items() if right}
    files = [(folder, path) for folder in classes for path in sorted((arguments.photographs / folder).iterdir())]
    pictures = [read_picture(path) for _, path in files]
    folders = np.array([folder for folder, _ in files])
    report = {
        "photographs": len(pictures),
        "models": {name: measure(network(name), pictures, folders, classes) for name in arguments.models},
        "milliseconds": timings(np.asarray(cv2.resize(pictures[0], FRAME), dtype=np.uint8)),
    }
    print(json.dumps(report) if arguments.json else table(report))


def table(report: dict[str, Any]) -> str:
    """The report as text."""
    lines = [f"{report['photographs']} photographs"]
    for model, rows in report["models"].items():
        lines += ["", model, f"{'':22}" + "".join(f"{name[:10]:>11}" for name in next(iter(rows.values())))]
        lines += [f"{name:22}" + "".join(f"{value:11.1%}" for value in row.values()) for name, row in rows.items()]
    lines += ["", f"milliseconds of one core per {FRAME[0]}x{FRAME[1]} frame, and the share of GrabCut's"]
    slow = report["milliseconds"]["GrabCut at 160"]
    lines += [f"{name:22}{value:7.2f}{value / slow:9.1%}" for name, value in report["milliseconds"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
