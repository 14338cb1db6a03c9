"""How well a score tells known garments from what a model does not know, and what its doubt is worth.

    python tests/bench/unknowns.py PHOTOGRAPHS --map CLASSES.json MODEL [MODEL ...]

PHOTOGRAPHS holds a folder per class. CLASSES.json says which of the model's classes are right for each folder, for
example {"shoes": ["Sandal", "Sneaker", "Ankle boot"]}; the folders that it leaves out, or gives null, are garments of
no known class. A model that sees whole pictures is given cut-out ones. Needs scikit-learn and scikit-image.

Printed are the AUROC per score and kind of unknown, once against the known photographs and once against Fashion-MNIST's
held-out pictures; the expected calibration error; and the error at 90% coverage. Known pictures in which no object is
found count as refused, unknown ones as well.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import bench_common
import cv2
import numpy as np
from scipy.stats import mannwhitneyu
from unknown_pictures import digits, empty_scenes, photographs

from fedge.data import fashion_mnist
from fedge.data.dataset import SPLIT_SEED, held_out_count, stratified_sample
from fedge.data.label_map import Classes, read_label_map
from fedge.evaluation.metrics import expected_calibration_error
from fedge.evaluation.selective import coverage_curve
from fedge.images.cutout import CutOut
from fedge.images.picture import Picture, read_picture
from fedge.images.preprocess import prepare
from fedge.model.classifier import Classifier, load
from fedge.model.confidence import Floats, certainty, dequantize

LEAST_AUROC = {"garments": 0.80}
LEAST_AUROC_OTHERS = 0.97
MOST_ECE = {"photographs": 0.06, "fashion-mnist": 0.02}
MOST_ERROR_KEPT = 2 / 3
SCENES = ("flat", "gradient", "noise", "texture")


@dataclass(frozen=True)
class Seen:
    """What a model makes of a set of pictures: dequantized logits [n, classes], probabilities, and of the cut-out."""

    logits: Floats
    probabilities: Floats
    quality: Floats
    empty: np.ndarray


Score = Callable[[Seen], Floats]
SCORES: dict[str, Score] = {
    "max probability": lambda s: certainty(s.probabilities),
    "energy": lambda s: np.log(np.exp(s.logits).sum(axis=1)),
    "max logit": lambda s: s.logits.max(axis=1),
    "margin": lambda s: np.diff(np.sort(s.probabilities, axis=1)[:, -2:], axis=1)[:, 0],
    "max prob x quality": lambda s: certainty(s.probabilities) * s.quality,
}
CHOSEN = "max probability"


def look(classifier: Classifier, pictures: Iterable[Picture]) -> Seen:
    """Shows the pictures to the model, cut out."""
    manifest = classifier.model.manifest
    recipe = replace(manifest.preprocessing, cut_out=manifest.preprocessing.cut_out or CutOut())
    prepared = [prepare(recipe, picture) for picture in pictures]
    logits = np.stack([classifier.logits(p.image) for p in prepared])
    return Seen(
        dequantize(logits, manifest.output.scale, manifest.output.zero_point),
        classifier.probabilities(logits),
        np.array([p.quality for p in prepared], dtype=np.float64),
        np.array([p.empty for p in prepared]),
    )


def scored(score: Score, seen: Seen) -> Floats:
    """The scores, the least there is where no object was found."""
    return np.where(seen.empty, -np.inf, score(seen))


def known_pictures(
    folder: Path, classes: dict[str, Classes], labels: tuple[str, ...]
) -> dict[str, tuple[list[Picture], np.ndarray]]:
    """The known pictures by source, and which classes are right for each, bool [n, classes]."""
    files = [(name, path) for name in classes for path in sorted((folder / name).iterdir())]
    right = np.array([[label in classes[name] for label in labels] for name, _ in files])
    pictures, truth = fashion_mnist.load("train")
    held_out = stratified_sample(truth, held_out_count(len(truth)), SPLIT_SEED)
    named = [labels.index(fashion_mnist.LABELS[i]) for i in truth[held_out]]
    return {
        "photographs": ([read_picture(path) for _, path in files], right),
        "fashion-mnist": ([pictures[i] for i in held_out], np.eye(len(labels), dtype=bool)[named]),
    }


def unknown_pictures(folder: Path, classes: dict[str, Classes]) -> dict[str, list[Picture]]:
    """Outliers, by kind."""
    others = sorted(path for path in folder.iterdir() if path.is_dir() and path.name not in classes)
    kinds = {"garments": [read_picture(path) for other in others for path in sorted(other.iterdir())]}
    kinds |= {"digits": list(digits()), "scikit-image": list(photographs())}
    return kinds | {kind: list(empty_scenes(kind)) for kind in SCENES}


def report(name: str, seen: Seen, right: np.ndarray, unknown: dict[str, Seen]) -> bool:
    """Prints what the model knows of its doubt, for one source of known pictures; says whether it meets all limits."""
    print(f"\nagainst known {name}, {seen.empty.mean():.1%} of them without an object\n{'AUROC':20}", end="")
    print("".join(f"{kind[:12]:>13}" for kind in unknown))
    for label, score in SCORES.items():
        mine = scored(score, seen)
        print(f"{label:20}" + "".join(f"{auroc(mine, scored(score, other)):13.3f}" for other in unknown.values()))
    predicted = seen.probabilities.argmax(axis=1)
    hits = right[np.arange(len(right)), predicted]
    truth = np.where(hits, predicted, right.argmax(axis=1))
    errors = {p.coverage: p.error for p in coverage_curve(scored(SCORES[CHOSEN], seen), hits)}
    print(f"error {errors[1.0]:.2%} of all, {errors[0.9]:.2%} of the 90% that are most certain")
    passed = True
    for kind, other in unknown.items():
        value = auroc(scored(SCORES[CHOSEN], seen), scored(SCORES[CHOSEN], other))
        passed &= bench_common.verdict(
            f"AUROC against {kind}", value, LEAST_AUROC.get(kind, LEAST_AUROC_OTHERS), above=True
        )
    ece = expected_calibration_error(seen.probabilities, truth)
    passed &= bench_common.verdict("ECE", ece, MOST_ECE[name], above=False)
    kept = errors[0.9] / errors[1.0] if errors[1.0] else 0.0
    return (
        bench_common.verdict("error at 90% coverage as a share of that at 100%", kept, MOST_ERROR_KEPT, above=False)
        & passed
    )


def auroc(known: Floats, unknown: Floats) -> float:
    """The probability that a known picture scores higher than an unknown one, ties counting half; 0.5 is chance."""
    return float(mannwhitneyu(known, unknown).statistic / (len(known) * len(unknown)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--map", type=Path, required=True)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    classes = {folder: right for folder, right in read_label_map(arguments.map).classes.items() if right}
    unknown = unknown_pictures(arguments.photographs, classes)
    passed = True
    for model in arguments.models:
        classifier = load(model)
        print(f"\n{model}: temperature {classifier.model.manifest.confidence.temperature:.3f}")
        others = {kind: look(classifier, pictures) for kind, pictures in unknown.items()}
        for name, (pictures, right) in known_pictures(arguments.photographs, classes, classifier.labels).items():
            passed &= report(name, look(classifier, pictures), right, others)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
