"""Draws photographs, what a model sees of them and what it says: the documentation's picture of examples.

    python tests/bench/camera_examples.py PHOTOGRAPHS [MODEL] --map CLASSES.json --out docs/pictures/camera.jpg

PHOTOGRAPHS holds a folder per class, with pictures that may be shown. Of each folder that the map gives a class the
first pictures by name are taken, not the best ones.
"""

import argparse
from pathlib import Path

import bench_common  # noqa: F401
import cv2
import numpy as np

from fedge.data.label_map import Classes, read_label_map
from fedge.images.picture import Picture, read_picture
from fedge.images.resize import resize_longest
from fedge.model.classifier import Classifier, load

SIDE, LINE = 96, 16
RIGHT, WRONG, UNKNOWN = (60, 120, 30), (40, 40, 200), (120, 120, 120)
QUALITY = 70


def example(classifier: Classifier, picture: Picture, right: Classes) -> Picture:
    """One cell: the picture, the input beside it, and the answer below, red where it is wrong and gray for unknown."""
    answer = classifier.classify(picture)
    cell = np.full((SIDE + LINE, 2 * SIDE, 3), 255, np.uint8)
    small = resize_longest(picture, SIDE)
    cell[: small.shape[0], : small.shape[1]] = small
    assert answer.image is not None
    seen = cv2.resize(answer.image, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST).reshape(SIDE, SIDE, -1)
    cell[:SIDE, SIDE:] = seen[:, :, ::-1]
    text = f"{answer.label} {answer.score:.0%}" if answer.label else f"unknown ({answer.top[0][0]} {answer.score:.0%})"
    color = UNKNOWN if answer.label is None else RIGHT if answer.label in right else WRONG
    cv2.putText(cell, text, (2, SIDE + LINE - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.38, color, 1, cv2.LINE_AA)
    return cell


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--map", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--each", type=int, default=5, help="pictures of a folder")
    arguments = parser.parse_args()
    classifier = load(arguments.model)
    rows = []
    for folder, right in read_label_map(arguments.map).classes.items():
        if right:
            files = sorted((arguments.photographs / folder).iterdir())[: arguments.each]
            rows.append(np.hstack([example(classifier, read_picture(file), right) for file in files]))
    cv2.imwrite(str(arguments.out), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


if __name__ == "__main__":
    main()
