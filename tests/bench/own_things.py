"""What `fedge train` and `fedge quantize` make of a few photographs of one's own, beside what others would.

python tests/bench/own_things.py PHOTOGRAPHS [--per-class 50] [--draws 3] [--first-draw 0] [--test-share 0.13]

PHOTOGRAPHS holds `train` and `test` (or `validation`) with a folder per class, or the class folders alone, of which
`--test-share` is then set apart for the test, the same in each draw. For each draw `--per-class` photographs of each
class are learned from, by

- fedge: `fedge train --data --out` and `fedge quantize RUN` in processes of their own; `--unproved` is given too, for
  so few test pictures can prove little, and changes no file;
- logistic: ImageNet's EfficientNet-Lite0, frozen, at 224 pixels, and a logistic regression (C = 0.03);
- dense 128: the same backbone and a hidden layer of 128, 50 epochs of Adam, as Frigate's custom classification is
  trained, whose own MobileNetV2 0.35 is not to be had as a package.

Printed are for each draw the accuracies on the test pictures, CPU seconds (those of the backbone's features count for
both peers) and wall seconds, and the means of all draws.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import tf_keras as keras
from sklearn.linear_model import LogisticRegression

from fedge.data.dataset import SPLIT_SEED, Split
from fedge.data.label_map import LabelMap
from fedge.data.load import load_dataset
from fedge.images.preprocess import Recipe
from fedge_train.networks.features import feature_extractor
from fedge_train.training.start import start_network

SIDE, STRENGTH = 224, 0.03
HIDDEN, EPOCHS, BATCH = 128, 50, 32


@dataclass(frozen=True)
class Row:
    """One draw's accuracies in percent, and seconds."""

    fedge_float: float
    fedge_int8: float
    logistic: float
    dense_128: float
    fedge_train_cpu: float
    fedge_train_wall: float
    fedge_quantize_cpu: float
    fedge_quantize_wall: float
    logistic_cpu: float
    dense_128_cpu: float


def draw(photographs: Path, per_class: int, test_share: float, seed: int, folder: Path) -> None:
    """Links pictures into `folder`: `train` with so many of each class, and `test`, which no seed changes."""
    generator = np.random.default_rng(seed)
    test = next((photographs / name for name in ("test", "validation", "val") if (photographs / name).is_dir()), None)
    source = photographs / "train" if test else photographs
    for members in sorted(path for path in source.iterdir() if path.is_dir()):
        pictures = np.array(sorted(members.iterdir()), dtype=object)
        if test:
            for_test = sorted((test / members.name).iterdir())
        else:
            pictures = np.random.default_rng(SPLIT_SEED).permutation(pictures)
            count = round(test_share * len(pictures))
            for_test, pictures = list(pictures[:count]), pictures[count:]
        _link(for_test, folder / "test" / members.name)
        _link(list(generator.permutation(pictures)[:per_class]), folder / "train" / members.name)


def _link(pictures: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for picture in pictures:
        (folder / picture.name).symlink_to(picture.resolve())


@contextmanager
def seconds() -> Iterator[list[float]]:
    """Fills a list with the CPU and wall seconds of the child processes that ended meanwhile."""
    found: list[float] = []
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    yield found
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found += [after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, perf_counter() - started]


def by_fedge(data: Path, run: Path) -> tuple[dict[str, float], list[float]]:
    """Accuracies `float` and `int8`, 0..1, and the seconds of both commands."""
    fedge = [sys.executable, "-m", "fedge"]
    with seconds() as of_training:
        subprocess.run([*fedge, "train", "--data", data, "--out", run], check=True, stdout=subprocess.DEVNULL)
    with seconds() as of_quantizing:
        subprocess.run([*fedge, "quantize", run, "--unproved"], check=True, stdout=subprocess.DEVNULL)
    report = json.loads((run / "quantize" / "report.json").read_text())
    return {"float": report["float_accuracy"], "int8": report["int8_accuracy"]}, [*of_training, *of_quantizing]


def by_peers(data: Path) -> tuple[list[float], list[float]]:
    """Accuracies of the logistic regression and of the hidden layer, 0..1, and the CPU seconds of each."""
    dataset = load_dataset((str(data),), Recipe(SIDE, SIDE, "rgb"), LabelMap({}))
    model = start_network("lite0", dataset.recipe.shape, len(dataset.labels), 0)
    extract = feature_extractor(model)
    started = process_time()
    parts = [extract(split.images) for split in (dataset.train, dataset.held_out)]
    of_features = process_time() - started
    learned, labels = np.concatenate(parts), np.concatenate([dataset.train.labels, dataset.held_out.labels])
    test = extract(dataset.test.images)
    started = process_time()
    head = LogisticRegression(C=STRENGTH, max_iter=300).fit(learned, labels)
    of_logistic = process_time() - started
    started = process_time()
    hidden = _hidden_layer(learned, labels, len(dataset.labels))
    of_hidden = process_time() - started
    answers = [head.predict(test), hidden.predict(test, verbose=0).argmax(-1)]
    return [_accuracy(dataset.test, answer) for answer in answers], [of_features + of_logistic, of_features + of_hidden]


def _hidden_layer(features: np.ndarray, labels: np.ndarray, classes: int) -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(HIDDEN, activation="relu"), keras.layers.Dense(classes, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy")
    model.fit(features, labels, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return model


def _accuracy(test: Split, answer: np.ndarray) -> float:
    return float(np.mean(answer == test.labels))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--per-class", type=int, default=50)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--first-draw", type=int, default=0)
    parser.add_argument("--test-share", type=float, default=0.13)
    arguments = parser.parse_args()
    names = [field.name for field in fields(Row)]
    print("draw", *names, sep="\t", flush=True)
    rows = []
    for seed in range(arguments.first_draw, arguments.first_draw + arguments.draws):
        with tempfile.TemporaryDirectory() as scratch:
            data = Path(scratch) / "data"
            draw(arguments.photographs, arguments.per_class, arguments.test_share, seed, data)
            accuracies, of_fedge = by_fedge(data, Path(scratch) / "run")
            by_others, of_others = by_peers(data)
        of_train, of_quantize = of_fedge[:2], of_fedge[2:]
        percent = [100 * each for each in (accuracies["float"], accuracies["int8"], *by_others)]
        rows.append([*percent, *of_train, *of_quantize, *of_others])
        print(seed, *(f"{value:.1f}" for value in rows[-1]), sep="\t", flush=True)
    print("mean", *(f"{value:.1f}" for value in np.mean(rows, axis=0)), sep="\t")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
