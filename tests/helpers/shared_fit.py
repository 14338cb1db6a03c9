"""A short training whose last weights are saved: `shared_fit.py OUT one|shuffled|devices|workers [INDEX ADDRESS...]`.

`shuffled` has the pictures of each batch in another order, which changes nothing but the order of sums; `devices` has
two of them in one process; `workers` is one of several processes.
"""

import os
import sys
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import dataclasses

import numpy as np
import tensorflow as tf
import tf_keras as keras

import fedge_train  # noqa: F401
from fedge.data.dataset import Split
from fedge_train.networks.architectures import build
from fedge_train.networks.plans import PLANS
from fedge_train.networks.replicas import synchronized
from fedge_train.training.batches import Batch, BatchLoader
from fedge_train.training.loop import Callbacks, fit


class Shuffled(BatchLoader):
    """The same batches, each in another order."""

    def batches(self, generator, epoch, losses):  # type: ignore[no-untyped-def]
        for batch in super().batches(generator, epoch, losses):
            order = np.random.default_rng(epoch).permutation(len(batch.counts))
            yield Batch(*(array[order] for array in batch))


def pictures(count: int, seed: int) -> Split:
    """Noisy bars in one of three places."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = generator.integers(0, 120, (count, 12, 12, 1), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 3] += 100
    digests = tuple(image.tobytes()[:32] for image in images)
    names = tuple(map(str, range(count)))
    zeros = np.zeros(count, np.int64)
    return Split(images, labels, np.eye(3, dtype=bool)[labels], zeros, zeros.astype(bool), names, digests)


def main(out: Path, loader_kind: type[BatchLoader], strategy: tf.distribute.Strategy) -> None:
    plan = dataclasses.replace(PLANS["nano"], epochs=2, batch=30, learning_rate=0.02)
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model = build("nano", (12, 12, 1), 3)
        model = synchronized(model) if strategy.num_replicas_in_sync > 1 else model
    loader = loader_kind(pictures(90, 0), plan, (1.0,))
    best, history = fit(model, loader, pictures(31, 1), 0, out.with_suffix(".checkpoints"), Callbacks())
    named = {f"{i} {v.name}": weight for i, (v, weight) in enumerate(zip(model.weights, best.weights, strict=True))}
    np.savez(out, **named, losses=np.array([epoch.loss for epoch in history]))


if __name__ == "__main__":
    out, kind, *rest = sys.argv[1:]
    if kind == "devices":
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        chosen: tf.distribute.Strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    elif kind == "workers":
        from fedge_train.commands.workers import Workers, open_strategy

        index, *addresses = rest
        chosen = open_strategy(Workers(tuple(addresses), int(index)))
    else:
        chosen = tf.distribute.get_strategy()
    main(Path(out), Shuffled if kind == "shuffled" else BatchLoader, chosen)
