"""What starting from a model file is worth with few photographs of classes that it does not know.

python tests/bench/transfer.py PHOTOGRAPHS CLASS CLASS [CLASS ...] [--start nano] [--per-class 20] [--seeds 3]

PHOTOGRAPHS holds a folder per class. For each seed `--per-class` photographs of each class are drawn to learn from, and
all others test. The same network is trained on them twice by `fedge train`'s own plan: from random weights, and
`--from` the model. Both see pictures of the model's size, colours and cutting out, but only with `--from` are they
negated as the model's were: that is what each command does. Printed are both accuracies for each seed, each class
counting alike, and the mean difference; `--epochs` limits both, `--learning-rate` is for what begins with the model.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from bench_common import verdict

from fedge_train.commands.train import train
from fedge_train.commands.train_settings import TrainOptions
from fedge_train.runs.pretrained import pretrained

LIMIT = 0.0


def split(photographs: Path, classes: list[str], per_class: int, seed: int, folder: Path) -> None:
    """Links the photographs of each class into `folder`, those to learn from into `train`, the others into `test`."""
    generator = np.random.default_rng(seed)
    for name in classes:
        pictures = sorted((photographs / name).iterdir())
        for place, number in enumerate(generator.permutation(len(pictures))):
            part = folder / ("train" if place < per_class else "test") / name
            part.mkdir(parents=True, exist_ok=True)
            (part / pictures[number].name).symlink_to(pictures[number].resolve())


def accuracy(options: TrainOptions) -> float:
    """The mean over classes of the share of their test pictures that is right, after a training that says nothing."""
    with contextlib.redirect_stderr(io.StringIO()):
        confusion = np.array(train(options).evaluation.confusion)
    return float(np.mean(np.diag(confusion) / confusion.sum(axis=1)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("classes", nargs="+")
    parser.add_argument("--start", default="nano", help="a model file or a shipped model")
    parser.add_argument("--per-class", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--learning-rate", type=float)
    arguments = parser.parse_args()
    start = pretrained(arguments.start)
    gains = []
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            split(arguments.photographs, arguments.classes, arguments.per_class, seed, folder / "data")
            shared = {
                "data": (str(folder / "data"),),
                "architecture": start.architecture,
                "size": start.recipe.height,
                "color": start.recipe.color == "rgb",
                "subject": start.recipe.subject,
                "epochs": arguments.epochs,
                "seed": seed,
            }
            random = accuracy(TrainOptions(**shared, out=folder / "random"))
            from_model = {"start": arguments.start, "learning_rate": arguments.learning_rate}
            begun = accuracy(TrainOptions(**shared, **from_model, out=folder / "begun"))
        print(f"seed {seed}: from random weights {random:.1%}, from {arguments.start} {begun:.1%}", flush=True)
        gains.append(begun - random)
    return 0 if verdict("mean difference", float(np.mean(gains)), LIMIT, above=True) else 1


if __name__ == "__main__":
    sys.exit(main())
