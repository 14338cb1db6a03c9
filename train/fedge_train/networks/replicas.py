"""Several replicas of one network, by `tf.distribute`: what each takes of a batch, and what all of them then know."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from fedge.data.decoded.array import Images
from fedge.errors import RunError
from fedge_train.networks.predict import Predictor

NETWORK_ERRORS = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError)
"""What an operation ends with where another process of the training is lost."""


class Replicas:
    """The replicas of a network: one a device of this process, and those of the other workers.

    Args:
        strategy: within whose scope the network is built; the default one is a single replica.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self.strategy = strategy
        self.count: int = self.strategy.num_replicas_in_sync
        resolver = self.strategy.cluster_resolver
        spec = resolver.cluster_spec() if resolver is not None else None
        self._workers = max(1, spec.num_tasks("worker")) if spec is not None and spec.jobs else 1
        self._worker = int(resolver.task_id) if self._workers > 1 else 0

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run folder."""
        return self._worker == 0

    def shares(self, count: int) -> list[slice]:
        """Of `count` things what each replica of this process takes; those of all replicas are as equal as can be."""
        here = self.count // self._workers
        ends = [math.ceil(i * count / self.count) for i in range(self.count + 1)]
        first = self._worker * here
        return [slice(ends[i], ends[i + 1]) for i in range(first, first + here)]

    def divided(self, arrays: Sequence["np.ndarray[Any, Any]"]) -> Any:
        """Arrays of one length, [n, ...], so that each replica here gets its share of each."""
        given = iter([tuple(tf.constant(array[share]) for array in arrays) for share in self.shares(len(arrays[0]))])
        return self.strategy.experimental_distribute_values_from_function(lambda context: next(given))

    def of_the_chief(self, content: bytes) -> bytes:
        """The chief's bytes on each worker; what the others give is not looked at. All of them have to call it."""
        if self._workers == 1:
            return content
        own = np.frombuffer(content if self.is_chief else b"", np.uint8).astype(np.int32)
        length = int(self._sum(np.array([len(own)], np.int32))[0])
        if not length:
            return b""
        return self._sum(own if self.is_chief else np.zeros(length, np.int32)).astype(np.uint8).tobytes()

    def predictor(self, predict: Predictor) -> Predictor:
        """The same answers, [n, classes], on each worker, every one of which computes its share of them."""
        if self._workers == 1:
            return predict

        def shared(images: Images) -> NDArray[np.float32]:
            mine = self.shares(len(images))
            answers = predict(images[mine[0].start : mine[-1].stop])
            given = iter([tf.constant(answers[s.start - mine[0].start : s.stop - mine[0].start]) for s in mine])
            parts = self.strategy.experimental_distribute_values_from_function(lambda context: next(given))
            return np.asarray(self.strategy.gather(parts, axis=0).numpy())

        return shared

    def _sum(self, array: NDArray[np.int32]) -> NDArray[np.int32]:
        given = iter([tf.constant(array), *[tf.zeros_like(array)] * (self.count // self._workers - 1)])
        parts = self.strategy.experimental_distribute_values_from_function(lambda context: next(given))
        return np.asarray(self.strategy.reduce("SUM", parts, axis=None).numpy())


def synchronized(model: keras.Model) -> keras.Model:
    """The same network, with batch normalization over all replicas' pictures; its weights are copied.

    Raises RunError where it has dropout: each replica would draw masks of its own, and no resumed run the same.
    """
    if any(isinstance(layer, keras.layers.Dropout) for layer in model.layers):
        raise RunError(f"{model.name} has dropout, which is learned in one process", "choose another --arch")

    def again(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):
            config["synchronized"] = True
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=again)
    copy.set_weights(model.get_weights())
    return copy
