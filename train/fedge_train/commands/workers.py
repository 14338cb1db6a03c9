"""Training on several processes: which of them this one is, and the strategy that joins them."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter

import numpy as np
import tensorflow as tf
import tf_keras as keras

from fedge.errors import RunError
from fedge.options.workers import Workers
from fedge.system.console import echo
from fedge_train.networks.replicas import NETWORK_ERRORS, synchronized
from fedge_train.runs.run_folder import RunConfig
from fedge_train.training.batches import BatchLoader
from fedge_train.training.loop import Trainer
from fedge_train.training.prefetch import prefetch

# The first step makes the graph.
_STEPS = 6
Step = Callable[[int, int, float, float], None]


def find_own(addresses: tuple[str, ...], number: int | None) -> Workers:
    """The workers, this process being `number`, or the one whose host is this machine. Raises RunError."""
    own = [i for i, address in enumerate(addresses) if _is_here(address.rpartition(":")[0].strip("[]"))]
    if number is None and len(own) != 1:
        what = "several of --workers are" if own else "none of --workers is"
        raise RunError(f"{what} this machine", f"say which one this is with --worker 0..{len(addresses) - 1}")
    return Workers(addresses, own[0] if number is None else number)


def open_strategy(workers: Workers | None) -> tf.distribute.Strategy:
    """The strategy for the workers, or of one process for its GPUs. Nothing of TensorFlow may have run before.

    It waits for all workers. Raises RunError where this one's port is taken.
    """
    if workers is None:
        several = len(tf.config.list_logical_devices("GPU")) > 1
        return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()
    # What TensorFlow says of shares that differ in size is no use to whoever trains.
    tf.get_logger().setLevel("ERROR")
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(workers.addresses)}), "", "worker", workers.number, rpc_layer="grpc"
    )
    with lost_workers_told():
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)


def require_shareable(config: RunConfig, chosen: bool) -> None:
    """Raises RunError for a run that is not trained by steps that workers could share."""
    if config.head is not None or chosen:
        raise RunError(
            "a head on a frozen backbone is learned in one process, and so is the choice of a network",
            "leave out --workers, or name a network with --arch and --epochs",
        )


def shared_model(plain: keras.Model, strategy: tf.distribute.Strategy | None) -> keras.Model:
    """The network in a replica for each worker and GPU; itself where there is but one. Raises RunError."""
    has_dropout = any(isinstance(layer, keras.layers.Dropout) for layer in plain.layers)
    chosen = strategy or (tf.distribute.get_strategy() if has_dropout else open_strategy(None))
    if chosen.num_replicas_in_sync == 1:
        return plain
    with chosen.scope():
        return synchronized(plain)


def seconds_of_a_step(plain: keras.Model, loader: BatchLoader) -> float:
    """How long a step takes in this process alone, its batch included; `plain` stays as it is."""
    trainer = Trainer(keras.models.clone_model(plain), loader, 0)
    losses = np.zeros(len(loader.split), np.float32)
    ended = []
    for _, batch in zip(range(_STEPS), prefetch(loader.batches(np.random.default_rng(0), 1, losses)), strict=False):
        trainer.step(batch)
        ended.append(perf_counter())
    return float(median(np.diff(ended))) if len(ended) > 1 else 0.0


def told_once(alone: float, step: Step) -> Step:
    """A callback like `step` that tells after some steps whether sharing them pays, where one took `alone` seconds."""
    ended: list[float] = []

    def timed(epoch: int, number: int, loss: float, accuracy: float) -> None:
        step(epoch, number, loss, accuracy)
        ended.append(perf_counter())
        if len(ended) == _STEPS and alone:
            shared = float(median(np.diff(ended)))
            pays = "" if shared < alone else ": it does not pay, train in one process"
            echo(
                f"a step takes {1e3 * shared:.0f} ms shared and {1e3 * alone:.0f} ms alone, {alone / shared:.2f} times "
                f"as fast{pays}"
            )

    return timed


@contextmanager
def lost_workers_told() -> Iterator[None]:
    """Raises RunError in place of what TensorFlow says of a worker that is gone."""
    try:
        yield
    except NETWORK_ERRORS as error:
        raise RunError(
            "a worker is lost, and no worker can go on without it",
            "start all of them again, each with the command it had and --resume",
        ) from error


def _is_here(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as probe:
            try:
                probe.bind(address)
            except OSError:
                continue
            return True
    return False
