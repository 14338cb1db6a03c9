"""Accuracy of int8 models on corrupted pictures: six kinds of corruption in five strengths each, side by side.

python tests/bench/corruptions.py base camera [--pictures 2000] [--ground white] [--held-out] [--data DIR [--map FILE]]

Fashion-MNIST's test pictures are enlarged eight times to 224x224, as a camera would show a garment that fills its
frame, in three equal channels. The corruptions are applied to that, and each model then gets the corrupted picture by
its own recipe: so a model whose recipe mends something (shrinking averages noise, cutting out removes a gray veil) is
given the credit, one whose recipe breaks is given the blame, and none sees its own input's pixels corrupted, which
no camera can do. The enlargement itself costs a little; the column `clean` says how much.

By default the ground is black, as the data set has it. A cut-out recipe takes a ground that is no longer pure for a
room's and negates the garment, as it does with photographs, so this is the harder way for such a model and the easier
for one that looks at the whole picture. `--ground white` negates the pictures first, as the products were photographed.

An answer counts as right if the network's best class is; whether the model would have withheld it is not asked. Each
model after the first is compared with the first: the mean over all kinds and strengths, clean pictures left out, and
its standard error over pictures. Choose with `--held-out`, which takes pictures kept out of training; report without.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from bench_common import verdict
from corrupting import CORRUPTIONS, STRENGTHS, corrupted
from numpy.typing import NDArray

from fedge.data import fashion_mnist
from fedge.data.dataset import Split, stratified_sample
from fedge.data.label_map import LabelMap, read_label_map
from fedge.data.load import load_dataset, load_for_evaluation
from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe, prepare
from fedge.model.classifier import Classifier, load
from fedge.system.progress import Progress

SIDE = 224
SEED = 0
FASHION = Recipe(28, 28)
PHOTOGRAPHS = Recipe(SIDE, SIDE, "rgb")


@dataclass(frozen=True)
class Labelled:
    """A picture, uint8 [224, 224, 3] blue-green-red, and the names of the classes that are right."""

    picture: Picture
    right: frozenset[str]


def enlarged(picture: Picture, ground: str) -> Picture:
    """A Fashion-MNIST picture, uint8 [28, 28], at 224x224 in three channels, on `black` or `white`."""
    large = cv2.resize(picture if ground == "black" else 255 - picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def fashion(held_out: bool, count: int, ground: str) -> list[Labelled]:
    """A stratified sample of Fashion-MNIST's test pictures, or of those held out of training."""
    labels, name = fashion_mnist.LABELS, fashion_mnist.NAME
    split = (
        load_dataset((name,), FASHION, LabelMap()).held_out
        if held_out
        else load_for_evaluation(name, FASHION, LabelMap(), labels)[0]
    )
    split = sample(split, count)
    pictures = (enlarged(image[:, :, 0], ground) for image in split.images)
    return labelled(pictures, split, labels)


def photographs(folder: str, label_map: LabelMap, labels: tuple[str, ...], count: int) -> list[Labelled]:
    """A stratified sample of a folder of pictures per class, each padded to a square."""
    split = sample(load_for_evaluation(folder, PHOTOGRAPHS, label_map, labels)[0], count)
    return labelled((image[:, :, ::-1].copy() for image in split.images), split, labels)


def labelled(pictures: Iterable[Picture], split: Split, labels: tuple[str, ...]) -> list[Labelled]:
    """The pictures of a split with their right classes."""
    names = [frozenset(label for label, good in zip(labels, row, strict=True) if good) for row in split.right]
    return [Labelled(picture, name) for picture, name in zip(pictures, names, strict=True)]


def sample(split: Split, count: int) -> Split:
    """A stratified sample of `count` pictures, or all of them."""
    return split.take(stratified_sample(split.labels, min(count, len(split)), SEED))


def right(classifier: Classifier, picture: Picture, labels: frozenset[str]) -> bool:
    """Whether the network's best class for a picture is one of `labels`."""
    image = prepare(classifier.model.manifest.preprocessing, picture).image
    return classifier.labels[int(classifier.logits(image).argmax())] in labels


def measure(classifiers: dict[str, Classifier], data: list[Labelled]) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """What each model is right on: by model and kind, bool [pictures, strengths]; `clean` has one strength."""
    found = {
        model: {kind: np.zeros((len(data), STRENGTHS), bool) for kind in CORRUPTIONS}
        | {"clean": np.zeros((len(data), 1), bool)}
        for model in classifiers
    }
    with Progress("corrupting", len(data)) as progress:
        for i, item in enumerate(data):
            for model, classifier in classifiers.items():
                found[model]["clean"][i] = right(classifier, item.picture, item.right)
            for kind in CORRUPTIONS:
                for strength in range(STRENGTHS):
                    picture = corrupted(item.picture, kind, strength, seed=i)
                    for model, classifier in classifiers.items():
                        found[model][kind][i, strength] = right(classifier, picture, item.right)
            progress.advance(1)
    return found


def summary(found: dict[str, dict[str, NDArray[np.bool_]]]) -> dict[str, Any]:
    """Accuracies by model and kind, in 0..1, and each model's mean against the first's, in points."""
    each = {model: np.stack([kinds[k] for k in CORRUPTIONS]).mean(axis=(0, 2)) for model, kinds in found.items()}
    first = next(iter(found))
    models = {
        model: {kind: right.mean(axis=0).tolist() for kind, right in kinds.items()}
        | {"mean": float(each[model].mean())}
        for model, kinds in found.items()
    }
    against = {}
    for model in list(found)[1:]:
        gain = (each[model] - each[first]) * 100
        error = float(gain.std(ddof=1) / np.sqrt(len(gain)))
        against[model] = {"points": float(gain.mean()), "standard_error": error}
    return {"pictures": len(each[first]), "models": models, "first": first, "against_first": against}


def table(report: dict[str, Any]) -> str:
    """The report as text: a line per kind and model."""
    width = max(8, *map(len, report["models"]))
    lines = [f"{'':12}{'':{width}}" + "".join(f"{n:>8}" for n in range(1, STRENGTHS + 1)) + f"{'mean':>8}"]
    for model, kinds in report["models"].items():
        lines.append(f"{'clean':12}{model:{width}}{'':{8 * STRENGTHS}}{kinds['clean'][0]:8.1%}")
    for kind in CORRUPTIONS:
        for model, kinds in report["models"].items():
            cells = "".join(f"{value:8.1%}" for value in kinds[kind])
            lines.append(f"{kind:12}{model:{width}}{cells}{np.mean(kinds[kind]):8.1%}")
    for model, kinds in report["models"].items():
        lines.append(f"{'all kinds':12}{model:{width}}{'':{8 * STRENGTHS}}{kinds['mean']:8.1%}")
    for model, gain in report["against_first"].items():
        lines.append(
            f"{model} against {report['first']}: {gain['points']:+.1f} points, standard error "
            f"{gain['standard_error']:.1f}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="model files or names of shipped models")
    parser.add_argument("--pictures", type=int, default=2000, help="how many, in equal shares of each class")
    parser.add_argument("--ground", choices=("black", "white"), default="black")
    parser.add_argument("--held-out", action="store_true", help="of the training split, to choose by")
    parser.add_argument("--data", help="a folder of pictures per class instead of Fashion-MNIST")
    parser.add_argument("--map", type=Path, help="JSON or TOML: folder name to class, or to nothing")
    parser.add_argument("--at-least", type=float, help="points by which the second of two models must be ahead")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.at_least is not None and len(given.models) != 2:
        parser.error("--at-least goes with two models")
    cv2.setNumThreads(1)
    classifiers = {name: load(name) for name in given.models}
    if given.data:
        labels = classifiers[given.models[0]].labels
        data = photographs(given.data, read_label_map(given.map), labels, given.pictures)
    else:
        data = fashion(given.held_out, given.pictures, given.ground)
    report = summary(measure(classifiers, data))
    print(json.dumps(report) if given.json else f"{report['pictures']:,} pictures\n{table(report)}")
    if given.at_least is None:
        return 0
    gain = report["against_first"][given.models[1]]["points"]
    if given.json:
        return 0 if gain >= given.at_least else 1
    return 0 if verdict("points", gain, given.at_least, above=True) else 1


if __name__ == "__main__":
    sys.exit(main())
