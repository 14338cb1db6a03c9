"""Epochs a minute of `fedge train`'s loop over plain Keras in float32: at least 1.6 on a CPU with bfloat16 units.

python tests/bench/training_speed.py [--arch base] [--steps 200] [--turn 25] [--dtype float32] [--camera-like]

fedge's side is `fedge_train.training.loop.Trainer` with the architecture's plan and the dtype that `fedge train` would
choose: label smoothing, weight decay, the average of the weights and all. Keras's side is the same network from the
same architecture function, `compile`d with the same optimizer at the same rate, cross-entropy and accuracy, and `fit`
in float32 on a Python generator, which Keras itself reads ahead of the step. Both draw batches of the same size from
Fashion-MNIST and change them by the same `augment`, so the data pipeline's work is the same; the average and the decay
are work that fedge alone does. The two take turns within one run, so that a busy machine slows both down. Held-out
pictures are evaluated by neither. Both show all pictures in an epoch. fedge's plans leave some out of most epochs; what
that is worth in epochs a minute over a whole training is printed as a figure of its own.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import perf_counter, process_time
from typing import Any

import numpy as np
import tf_keras as keras
from bench_common import verdict

from fedge.data import fashion_mnist
from fedge.data.dataset import Split
from fedge.data.label_map import LabelMap
from fedge.data.load import default_recipe, load_dataset
from fedge_train.augmentation.batch import augment
from fedge_train.networks.architectures import ARCHITECTURES, build
from fedge_train.networks.plans import Plan, plan_for
from fedge_train.training.batches import BatchLoader
from fedge_train.training.loop import Callbacks, Trainer
from fedge_train.training.precision import training_dtype

LIMIT = 1.6
REASONS = {
    "mixed_bfloat16": "this machine has units that are faster with bfloat16",
    "float32": "this machine has no units that are faster with bfloat16",
}

Turn = Callable[[int], None]


def fedges(architecture: str, plan: Plan, split: Split, dtype: str, steps: int) -> Turn:
    """fedge's loop: call it with a turn's number to train `steps` steps."""
    keras.mixed_precision.set_global_policy(dtype)
    keras.utils.set_random_seed(0)
    # As many pictures as a turn's steps take: one epoch of these is one turn.
    loader = BatchLoader(split.take(np.arange(steps * plan.batch)), replace(plan, skip=0.0), (1.0,))
    trainer = Trainer(build(architecture, split.images.shape[1:], len(fashion_mnist.LABELS)), loader, 0)
    keras.mixed_precision.set_global_policy("float32")
    return lambda turn: void(trainer.train_epoch(turn + 1, Callbacks()))


def plain(architecture: str, plan: Plan, split: Split, steps: int) -> Turn:
    """`model.fit` in float32 on the same pictures, changed in the same way."""
    keras.utils.set_random_seed(0)
    model = build(architecture, split.images.shape[1:], len(fashion_mnist.LABELS))
    optimizers: dict[str, Callable[[], Any]] = {
        "adam": lambda: keras.optimizers.Adam(plan.learning_rate, jit_compile=False),
        "sgd": lambda: keras.optimizers.SGD(plan.learning_rate, momentum=0.9, nesterov=True, jit_compile=False),
    }
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizers[plan.optimizer](), loss, metrics=["accuracy"], jit_compile=False)

    def batches(turn: int) -> Iterator[Any]:
        generator = np.random.default_rng([0, turn])
        order = generator.permutation(len(split))
        for step in range(steps):
            chosen = order[step * plan.batch : (step + 1) * plan.batch]
            images = augment(split.images[chosen], plan, generator)
            yield images.astype(np.float32) / 255, split.labels[chosen]

    return lambda turn: void(model.fit(batches(turn), steps_per_epoch=steps, verbose=0))


def void(value: object) -> None:
    """Takes a result that is of no use here."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="base", choices=ARCHITECTURES)
    parser.add_argument("--steps", type=int, default=200, help="of each side, after a turn to warm up")
    parser.add_argument("--turn", type=int, default=25, help="steps of one side before the other's turn")
    parser.add_argument("--dtype", choices=REASONS, help="fedge's; chosen by the processor if left out")
    parser.add_argument("--camera-like", action="store_true", help="change the pictures as `fedge train` does with it")
    arguments = parser.parse_args()
    split = load_dataset((fashion_mnist.NAME,), default_recipe((fashion_mnist.NAME,)), LabelMap()).train
    plan = replace(plan_for(arguments.arch, len(split)), camera=arguments.camera_like)
    chosen = training_dtype()
    dtype = arguments.dtype or chosen
    print(f"fedge train chooses {chosen}: {REASONS[chosen]}" + (f"; told to use {dtype}" if dtype != chosen else ""))
    sides = {
        "fedge train": fedges(arguments.arch, plan, split, dtype, arguments.turn),
        "model.fit, float32": plain(arguments.arch, plan, split, arguments.turn),
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    # The first turn builds the graphs.
    for turn in range(-(-arguments.steps // arguments.turn) + 1):
        for name, side in sides.items():
            began = perf_counter(), process_time()
            side(turn)
            if turn:
                seconds[name].append((perf_counter() - began[0], process_time() - began[1]))
    per_epoch = len(split) // plan.batch
    for name, times in seconds.items():
        step, busy = np.median(times, axis=0) / arguments.turn
        epochs = 60 / (step * per_epoch)
        print(f"{name:20}{step * 1e3:8.1f} ms a step{epochs:8.3f} epochs a minute{busy * 1e3:8.1f} ms of all cores")
    ratios = np.divide(seconds["model.fit, float32"], seconds["fedge train"])
    ratio, busy_ratio = np.median(ratios, axis=0)
    print(
        f"turn by turn from {ratios[:, 0].min():.3f} to {ratios[:, 0].max():.3f}; by processor time, which other "
        f"programs disturb less, {busy_ratio:.3f}"
    )
    planned = BatchLoader(split, plan, (1.0,))
    shown = planned.steps_until(plan.epochs) / (plan.epochs * planned.steps(1))
    print(f"over a whole training the plan shows {shown:.1%} of that: {ratio / shown:.3f} in epochs a minute")
    if dtype == "float32":
        print(f"fedge / model.fit: {ratio:.3f}; {LIMIT} is asked of bfloat16 alone, so nothing is judged here")
        return 0
    return 0 if verdict("fedge / model.fit", ratio, LIMIT, above=True) else 1


if __name__ == "__main__":
    sys.exit(main())
